"""The Celery app: `celery -A worker worker`, `beat`, `flower` and `inspect` find it here."""

import atexit
import gc
import os
import shutil
import sys
import tempfile
from typing import Any

from celery import Celery, signals

from models.logs import configure_logs
from models.misspelt import log_misspelt
from models.settings import load_settings
from worker.broker.configuration import configuration
from worker.broker.ending import end_within
from worker.broker.events import EventsTogether
from worker.broker.heartbeat import ConsumerHeartbeat
from worker.broker.message_json import read_quickly

settings = load_settings()


def _share_metrics() -> None:
    """A directory in which the processes of this worker count together. Before worker.metrics is imported."""
    if settings.worker_metrics_port and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        directory = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="rollcall-metrics-")
        atexit.register(_remove, directory, os.getpid())


def _remove(directory: str, owner: int) -> None:
    if os.getpid() == owner:  # not the children, which inherit this
        shutil.rmtree(directory, ignore_errors=True)


_share_metrics()
read_quickly()
app = Celery("rollcall", set_as_current=True)
app.conf.update(configuration(settings))
# The last by its name, as it counts in worker.metrics.
app.steps["consumer"].update((EventsTogether, ConsumerHeartbeat, "worker.broker.remote_control:RemoteControl"))


@app.on_after_finalize.connect(weak=False)
def _leave_out_others(sender: Celery, **_: Any) -> None:
    """Celery brings tasks that run others, which a message names. A worker knows its own only; each message is one of these."""
    for name in [name for name in sender.tasks if name.startswith("celery.")]:
        sender.tasks.unregister(name)


@signals.setup_logging.connect(weak=False)
def _logs(**_: Any) -> None:
    configure_logs(settings.log_level)
    log_misspelt()


@signals.worker_ready.connect(weak=False)
def _metrics(**_: Any) -> None:
    from worker import metrics  # not above: it must come after the directory is there

    if settings.worker_metrics_port:
        metrics.serve(settings.metrics_host, settings.worker_metrics_port)


@signals.worker_init.connect(weak=False)
def _refuse_threads(sender: Any, **_: Any) -> None:
    """On RabbitMQ they would acknowledge through one connection at once, which py-amqp is not made for (its issue 267): it hangs."""
    if getattr(sender.pool_cls, "__module__", "") == "celery.concurrency.thread" and settings.broker_url.startswith(("amqp", "pyamqp")):
        print("rollcall: --pool threads does not work on RabbitMQ; leave it out, or use --pool solo", file=sys.stderr)
        raise SystemExit(2)


@signals.worker_init.connect(weak=False)
def _tame_collector(**_: Any) -> None:
    """A judgement makes many rows at once, none of them in a cycle: looked through again and again, they cost a third of it."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)


@signals.worker_process_shutdown.connect(weak=False)
@signals.worker_shutdown.connect(weak=False)
def _leave_nothing(**_: Any) -> None:
    from worker.tasks.after_storing import judge_gathered

    judge_gathered()


@signals.worker_init.connect(weak=False)
def _end_soon(**_: Any) -> None:
    end_within(2.0)


@signals.worker_process_init.connect(weak=False)
def _connect(**_: Any) -> None:
    from worker.process import this_process

    this_process()
