"""The tasks `upkeep.*`, which beat and servers send. None brings anything that could be lost."""

from datetime import timedelta
from typing import Any

from models.alerts.calendar import extend_due
from models.broker import JUDGE_TASK
from models.database import transaction
from worker import metrics
from worker.alerts.escalation import keep_alerts, tenants_due
from worker.judging.sweep import judge_left, judge_moments, tenants_left, tenants_unswept
from worker.process import this_process
from worker.retention import prune
from worker.tasks.after_storing import for_each, judge_now
from worker.tasks.base import QuietTask, task

SWEEP_EVERY = timedelta(seconds=30)

_UPKEEP: dict[str, Any] = {
    "base": QuietTask,
    "acks_late": False,
    "retry_on_worker_lost": False,
    "max_retries": 0,
}


@task(JUDGE_TASK, **_UPKEEP)
def judge_tenant(tenant_id: int) -> None:
    """Judge what waits of the tenant now.

    Servers that have stored punches send this, and workers that had left some for a moment.
    """
    judge_now([tenant_id])


@task("upkeep.sweep_left", send_events=False, **_UPKEEP)
def sweep_left() -> None:
    """Judge what a crash left behind. Runs every second."""
    process = this_process()
    with transaction(process.engine) as cursor:
        tenants = tenants_left(cursor)
    metrics.UNJUDGED.set(sum(tenants.values()))
    for_each(tenants, judge_left)


@task("upkeep.sweep_moments", **_UPKEEP)
def sweep_moments() -> None:
    """Judge what the passing of time has changed. Runs every half minute."""
    with transaction(this_process().engine) as cursor:
        tenants = tenants_unswept(cursor, SWEEP_EVERY / 2)
    for_each(tenants, judge_moments)


@task("upkeep.keep_alerts", **_UPKEEP)
def keep_all_alerts() -> None:
    """Do what time does to alerts. Runs every quarter minute."""
    with transaction(this_process().engine) as cursor:
        tenants = tenants_due(cursor)
    for_each(tenants, keep_alerts)


@task("upkeep.prune", soft_time_limit=3_000, time_limit=3_060, **_UPKEEP)
def prune_old() -> None:
    """Remove what is older than it is to be kept, and extend calendars. Runs every ten minutes."""
    process = this_process()
    extend_due(process.engine)
    prune(process.engine, timedelta(days=process.settings.feed_retention_days))


@task("upkeep.pass_through", send_events=False, **_UPKEEP)
def pass_through() -> None:
    """Come through the queue `attendance`, so that worker.tasks.pulse notes it.

    Runs every quarter minute.
    """
