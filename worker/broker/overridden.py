"""List what we override of Celery, kombu and billiard, and what we rely on of their insides.

tests/worker/broker/test_overridden.py fails when the source of any of it changes. By our modules:

- consumer: No message ends a worker. What cannot be taken is dropped; a command that Redis refuses
  is logged where `start` ends by it; workers do not listen to each other: `Mingle` and `Events` get
  `without_mingle` and `without_gossip` through `create`.
- redis_channel, taking: A message is noted in the step that takes it. `_brpop_start` sends a script
  in place of BRPOP, and what `_brpop_read` reads may be word that a list has changed; to the poller
  (`_register_BRPOP`, `_update_brpop_polling`, `on_readable`, `maybe_check_brpop_health`) it is a
  BRPOP that takes its time. `basic_consume` and `_deliver` make a message of the envelope, and no
  envelope ends a worker. `_receive`, `_restore`, `_get` and `restore_by_tag` read by `loads` of
  their module; `create_channel` and `qos` make our classes. A channel that is closed after
  `_do_close_transport` has no connection to give messages back by. `_get` still pops first and
  notes after that: it is for `basic_get`, which no consumer calls.
- queue_shares: `Channel.__init__` makes our cycle of queues, which `_brpop_start` asks for their
  order.
- unacked: Both notes of a message are written or struck in one transaction, over connections of the
  `pool`, where kombu's `pipe_or_acquire` and `_remove_from_indices` make a client and a pipeline
  for each. `restore_by_tag` reads the notes, which hold `_raw` of a `Message`, or the envelope as
  it was in the queue. `maybe_restore_messages` calls `restore_visible` every second.
- message_json: JSON is read and written by orjson, unless it holds what `object_hook` makes a date
  of, or `default` writes.
- inflating: A message's body is inflated so far and no further, and each error of it is one that
  `Message` puts off and `create_task_handler` foresees.
- strategy, call, headers: A body that neither `proto1_to_proto2` nor `hybrid_to_proto2` knows is
  refused, an `eta` and links are left out, and so are headers that are not used.
- request: Only the ids of a task are shown, and `revoked` heeds nothing but `expires`. The class
  that `create_request_cls` makes, and `execute_using_pool`, give the pool the text of the message,
  which `fast_trace_task` and `trace_task_ret` read. That class has an `on_success` of its own,
  which tells for how long the task had a process, since `on_accepted`. A task that
  `_retry_worker_lost` gives up is kept among the rejected.
- task: A message shows the ids of its arguments only (`argsrepr`, `kwargsrepr`); `start_strategy`
  finds our strategy, and `build_tracer` our `__call__` by `task_has_custom`. A retry keeps the
  header `expired`, which `Context` has as `get`.
- own_tasks: Once `finalize` has them all, Celery's own tasks are unregistered.
- remote_control, answers: Questions are answered and nothing is changed. `on_message`,
  `handle_message` and `dispatch`, which do whatever a message says, are not called; the commands
  that only look are Celery's, but for `conf`, `report`, `hello` and `enable_events`.
- events: The events of tasks that `send` buffers are sent together, by `flush`, where Celery's
  `on_send_event_buffered` has them sent in each turn of the loop; and before `Events._close`, so
  that none is lost at the end.
- heartbeat: `asynloop` turns only while the broker is there, whatever the pool
  (`should_use_eventloop`): `Heart` sends through it.
- scheduler: Beat shows that it is at work once the broker took what `apply_entry` sent. What
  `install_sync_handler` has `sync` do, closing the connection in the handler of a signal, is left
  out; `start` has it done once more at the end. In configuration, `ScheduleEntry` takes
  `last_run_at`, through `_maybe_entry`.
- ending: A process of the pool waits in `_ensure_messages_consumed` for two seconds only.
- threads: `setup_instance` has the class of the pool, which `convert` made of its name, at
  `worker_init`.
- logs: `setup_logging_subsystem` leaves logs to whoever answers its signal.
- worker.metrics: `_create_worker_process` numbers the places in a pool; files are named by it.
"""

from billiard import pool
from celery import Celery, beat
from celery.app import log, trace
from celery.app.registry import TaskRegistry
from celery.app.task import Context, Task
from celery.apps.beat import Beat
from celery.bin.worker import WorkersPool
from celery.events import EventDispatcher
from celery.worker import WorkController, components, control, loops, strategy
from celery.worker import heartbeat as events_of_workers
from celery.worker import request as requests
from celery.worker.consumer import Consumer, Events, Mingle
from celery.worker.consumer.control import Control
from celery.worker.pidbox import Pidbox
from celery.worker.request import Request
from kombu import compression, message, pidbox
from kombu.connection import Connection
from kombu.serialization import SerializerRegistry
from kombu.transport import redis, virtual
from kombu.utils import json
from kombu.utils.scheduling import round_robin_cycle

OVERRIDDEN = (
    # consumer
    Consumer.__init__,
    Consumer.start,
    Consumer.create_task_handler,
    Consumer.on_unknown_task,
    components.Consumer.create,
    Mingle.__init__,
    Events.__init__,
    # redis_channel
    redis.Channel._brpop_start,
    redis.Channel._brpop_read,
    redis.Channel._flush_brpop_reauth,
    redis.Channel._q_for_pri,
    redis.Channel._do_restore_message,
    redis.MultiChannelPoller._register_BRPOP,
    redis.MultiChannelPoller._update_brpop_polling,
    redis.MultiChannelPoller.on_readable,
    redis.MultiChannelPoller.maybe_check_brpop_health,
    redis.MultiChannelPoller.maybe_restore_messages,
    virtual.Channel.basic_consume,
    virtual.Transport._deliver,
    redis.Channel._receive,
    redis.Channel._receive_one,
    redis.Channel._restore,
    redis.Channel._get,
    redis.Channel.close,
    virtual.Channel.close,
    virtual.Channel.qos.fget,  # type: ignore[attr-defined]
    virtual.Transport.create_channel,
    Connection._do_close_transport,
    # queue_shares
    redis.Channel.__init__,
    round_robin_cycle.__init__,
    round_robin_cycle.consume,
    round_robin_cycle.rotate,
    # unacked
    redis.QoS.append,
    redis.QoS.ack,
    redis.QoS.reject,
    redis.QoS.pipe_or_acquire,
    redis.QoS._remove_from_indices,
    redis.QoS.restore_by_tag,
    redis.QoS.restore_visible,
    redis.Channel.pool.fget,  # type: ignore[attr-defined]
    virtual.QoS.append,
    virtual.QoS.ack,
    virtual.Message.__init__,
    # message_json
    json.loads,
    json.dumps,
    json.object_hook,
    json.JSONEncoder.default,
    SerializerRegistry.register,
    # inflating
    compression.register,
    compression.encoders,
    compression.get_encoder,
    compression.decompress,
    message.Message.__init__,
    # strategy, call, headers
    strategy.default,
    strategy.proto1_to_proto2,
    strategy.hybrid_to_proto2,
    # request
    Request.__init__,
    Request.info,
    Request.revoked,
    Request.maybe_expire,
    Request._announce_revoked,
    Request._context.func,
    Request.on_accepted,
    Request.on_success,
    Request.on_failure,
    Request._retry_worker_lost,
    Request.execute_using_pool,
    requests.create_request_cls,
    trace.fast_trace_task,
    trace.trace_task_ret,
    # task
    Task.__call__,
    Task.apply_async,
    Task.signature_from_request,
    Task.start_strategy,
    Context.__init__,
    Context.get,
    trace.build_tracer,
    trace.task_has_custom,
    # own_tasks
    Celery.finalize,
    TaskRegistry.unregister,
    # remote_control
    Control.__init__,
    Pidbox.__init__,
    Pidbox.start,
    Pidbox.stop,
    Pidbox.reset,
    Pidbox.shutdown,
    Pidbox.on_message,
    pidbox.Mailbox.__init__,
    pidbox.Node.Consumer,
    pidbox.Node.handle_message,
    pidbox.Node.dispatch,
    pidbox.Node.reply,
    # answers
    control.active,
    control.active_queues,
    control.clock,
    control.conf,
    control.enable_events,
    control.heartbeat,
    control.hello,
    control.ping,
    control.query_task,
    control.registered,
    control.report,
    control.reserved,
    control.revoked,
    control.scheduled,
    control.stats,
    WorkController.stats,
    # events
    EventDispatcher.send,
    EventDispatcher.flush,
    Consumer._flush_events,
    Consumer.on_send_event_buffered,
    Events.start,
    Events._close,
    # heartbeat
    loops.asynloop,
    events_of_workers.Heart.start,
    WorkController.should_use_eventloop,
    # scheduler, configuration
    beat.Scheduler.__init__,
    beat.Scheduler.apply_async,
    beat.Scheduler.apply_entry,
    beat.Scheduler.tick,
    beat.Scheduler._maybe_entry,
    beat.Scheduler.close,
    beat.Service.start,
    beat.Service.sync,
    Beat.install_sync_handler,
    beat.ScheduleEntry.__init__,
    # ending
    pool.Worker._ensure_messages_consumed,
    # threads
    WorkController.setup_instance,
    WorkersPool.convert,
    # logs
    log.Logging.setup_logging_subsystem,
    # worker.metrics
    pool.Pool._create_worker_process,
)
