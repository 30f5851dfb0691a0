"""The Celery app: `celery -A worker worker`, `beat`, `flower` and `inspect` find it here."""

from typing import Any

from celery import Celery, signals

from models.settings import load_settings
from worker.broker.configuration import configuration
from worker.broker.ending import end_soon
from worker.broker.events import EventsTogether
from worker.broker.heartbeat import ConsumerHeartbeat
from worker.broker.inflating import inflate_within_bounds
from worker.broker.logs import write_logs
from worker.broker.message_json import read_quickly
from worker.broker.own_tasks import leave_out_others
from worker.broker.redis_channel import steady_redis
from worker.broker.threads import refuse_threads
from worker.collector import tame_collector
from worker.metrics_directory import share_metrics

settings = load_settings()
share_metrics(settings)  # before worker.metrics is imported
read_quickly()
inflate_within_bounds()
app = Celery("rollcall", set_as_current=True)
app.conf.update(configuration(settings))
# RemoteControl is named, not imported: it counts in worker.metrics.
app.steps["consumer"].update(
    (EventsTogether, ConsumerHeartbeat, "worker.broker.remote_control:RemoteControl")
)


# What these import needs worker.metrics, or much, so they import it when they are called.
def _serve_metrics(**_: Any) -> None:
    from worker.metrics import serve

    if settings.worker_metrics_port:
        serve(settings.metrics_host, settings.worker_metrics_port)


def _adopt_rows(**_: Any) -> None:
    from worker.tasks.adopting import adopt_before_the_first_task

    adopt_before_the_first_task(settings)


def _connect(**_: Any) -> None:
    from worker.process import this_process

    this_process()


def _leave_nothing(**_: Any) -> None:
    from worker.tasks.after_storing import judge_gathered

    judge_gathered()


app.on_after_finalize.connect(leave_out_others)
signals.setup_logging.connect(write_logs)
signals.worker_init.connect(refuse_threads)
signals.worker_init.connect(tame_collector)
signals.worker_init.connect(end_soon)
signals.worker_init.connect(steady_redis)
signals.worker_init.connect(_adopt_rows)
signals.worker_ready.connect(_serve_metrics)
signals.worker_process_init.connect(_connect)
signals.worker_process_shutdown.connect(_leave_nothing)
signals.worker_shutdown.connect(_leave_nothing)
