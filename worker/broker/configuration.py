"""The settings of Celery, each with what it is for and why it has this value.

docs/operating.md says what is left to choose.
"""

from datetime import UTC, datetime
from typing import Any

from models.broker import UPKEEP_QUEUE, broker_configuration, task_queue
from models.settings import Settings


def configuration(settings: Settings) -> dict[str, Any]:
    """Return Celery's settings by name, those of the broker as `settings` have them."""
    queues = [task_queue(name, settings.broker_queue_type) for name in ("attendance", UPKEEP_QUEUE)]
    broker = broker_configuration(settings.broker_url, settings.broker_queue_type)
    return _TASKS | _WORKER | _BEAT | broker | {"task_queues": queues}


_TASKS: dict[str, Any] = {
    "task_serializer": "json",
    "accept_content": ["json"],
    "task_default_queue": "attendance",
    "task_routes": {"upkeep.*": {"queue": UPKEEP_QUEUE}},
    "task_create_missing_queues": False,
    # Nothing is left to wait for, or to leak.
    "task_ignore_result": True,
    "result_expires": None,
    # A task is acknowledged when its punches are stored; one that loses its process comes again, a
    # bounded number of times.
    "task_acks_late": True,
    "task_reject_on_worker_lost": False,
    "task_retry_on_worker_lost": True,
    # Above what Postgres is given for a statement (30 s), so that no signal lands inside a commit.
    "task_soft_time_limit": 60,
    "task_time_limit": 90,
    "task_send_sent_event": True,
    "task_publish_retry_policy": {
        "max_retries": 2,
        "interval_start": 0,
        "interval_step": 0.2,
        "interval_max": 0.5,
    },
    "enable_utc": True,
}
_WORKER: dict[str, Any] = {
    "include": [
        "worker.tasks.attendance",
        "worker.tasks.noc",
        "worker.tasks.pulse",
        "worker.tasks.roster",
        "worker.tasks.upkeep",
    ],
    "worker_consumer": "worker.broker.consumer:SteadyConsumer",
    "worker_prefetch_multiplier": 1,
    "worker_send_task_events": True,
    "worker_max_memory_per_child": 300_000,
    "worker_proc_alive_timeout": 30,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_pool_limit": 10,
    # A task that runs when the broker goes away finishes. When it comes again, it changes nothing.
    "worker_cancel_long_running_tasks_on_connection_loss": False,
}
# Older than any interval: everything is due at once when beat starts.
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def _every(seconds: float, task: str, **options: Any) -> dict[str, Any]:
    return {"task": task, "schedule": seconds, "last_run_at": _LONG_AGO, "options": options}


_BEAT: dict[str, Any] = {
    # Beat remembers nothing between runs: everything is due at its start, and safe to do twice.
    "beat_scheduler": "worker.broker.scheduler:HeartbeatScheduler",
    "beat_max_loop_interval": 1,
    "beat_schedule": {
        # `expires`: what no worker took in time is dropped; the next of its kind does its work too.
        "sweep_left": _every(1.0, "upkeep.sweep_left", expires=5),
        "sweep_moments": _every(30.0, "upkeep.sweep_moments", expires=30),
        "keep_alerts": _every(15.0, "upkeep.keep_alerts", expires=15),
        "prune": _every(600.0, "upkeep.prune", expires=600),
        # Goes the way of the punches, which shows also on a quiet night that they would be taken.
        "pass_through": _every(15.0, "upkeep.pass_through", expires=60, queue="attendance"),
    },
}
# The settings that anybody who asks over the broker may know: none comes from the environment.
OPEN = tuple(_TASKS | _WORKER | _BEAT)
