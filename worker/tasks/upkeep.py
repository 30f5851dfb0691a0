"""The tasks `upkeep.*`: what beat and servers have the workers do. None brings anything to lose."""

from datetime import timedelta
from typing import Any

from celery import shared_task

from models.broker import JUDGE_TASK
from models.database import transaction
from worker import metrics
from worker.alerts.escalation import keep_alerts, tenants_due
from worker.judging.sweep import judge_left, judge_moments, tenants_left, tenants_unswept
from worker.process import this_process
from worker.retention import prune
from worker.tasks.after_storing import for_each, judge_now
from worker.tasks.base import QuietTask

SWEEP_EVERY = timedelta(seconds=30)

_UPKEEP: dict[str, Any] = {
    "base": QuietTask,
    "acks_late": False,
    "retry_on_worker_lost": False,
    "max_retries": 0,
}


@shared_task(name=JUDGE_TASK, **_UPKEEP)
def judge_tenant(tenant_id: int) -> None:
    """Judge what waits of the tenant now.

    For doors that store punches without being workers, and for what was gathered.
    """
    judge_now([tenant_id])


@shared_task(name="upkeep.sweep_left", send_events=False, **_UPKEEP)
def sweep_left() -> None:
    """Every second: judge what a crash left behind."""
    process = this_process()
    with transaction(process.engine) as cursor:
        tenants = tenants_left(cursor)
    metrics.UNJUDGED.set(sum(tenants.values()))
    for_each(tenants, judge_left)


@shared_task(name="upkeep.sweep_moments", **_UPKEEP)
def sweep_moments() -> None:
    """Every half minute: judge what the passing of time has changed."""
    with transaction(this_process().engine) as cursor:
        tenants = tenants_unswept(cursor, SWEEP_EVERY / 2)
    for_each(tenants, judge_moments)


@shared_task(name="upkeep.keep_alerts", **_UPKEEP)
def keep_all_alerts() -> None:
    """Every quarter minute: do what time does to alerts."""
    with transaction(this_process().engine) as cursor:
        tenants = tenants_due(cursor)
    for_each(tenants, keep_alerts)


@shared_task(name="upkeep.prune", soft_time_limit=3_000, time_limit=3_060, **_UPKEEP)
def prune_old() -> None:
    """Every ten minutes: remove what is older than it is to be kept."""
    process = this_process()
    prune(process.engine, timedelta(days=process.settings.feed_retention_days))


@shared_task(name="upkeep.pass_through", send_events=False, **_UPKEEP)
def pass_through() -> None:
    """Every quarter minute, through `attendance`: come, so that worker.tasks.pulse notes it."""
