"""The tasks: thin, and named as the contract names them. What a task owes its broker is that its punches are stored.

Judging comes after: where it fails or is cut off, the rows that wait for it remain, and the sweep takes them.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any

import structlog
from celery import shared_task
from kombu.exceptions import OperationalError
from sqlalchemy import Engine

from models import intake
from models.broker import JUDGE_TASK
from models.database import transaction
from models.intake.refused.reasons import Reason
from worker import metrics
from worker.alerts.escalation import keep_alerts, tenants_due
from worker.faults import reach
from worker.judging.judge import Emit, judge
from worker.judging.sweep import judge_left, judge_moments, tenants_left, tenants_unswept
from worker.process import this_process
from worker.retention import prune
from worker.tasks.bad_call import arguments
from worker.tasks.base import DoorTask, QuietTask

JUDGING_FAILED = "judging_failed"
JUDGING_PUT_OFF = "judging_put_off"
SWEEP_EVERY = timedelta(seconds=30)
ENOUGH = 40.0  # seconds of judging in one task, whose soft limit is 60
WORTH_JUDGING = 100  # punches of one task, which gain little by being judged together with others'

log = structlog.get_logger(__name__)

Judging = Callable[[Engine, int, Emit], None]

_UPKEEP: dict[str, Any] = {"base": QuietTask, "acks_late": False, "retry_on_worker_lost": False, "max_retries": 0}


@shared_task(name="attendance.submit", base=DoorTask, bind=True)
def submit(self: DoorTask, *args: Any, **kwargs: Any) -> None:
    (punch,) = arguments(args, kwargs, ["punch"])
    _submit([punch], False, self.submitter)


@shared_task(name="attendance.submit_batch", base=DoorTask, bind=True)
def submit_batch(self: DoorTask, *args: Any, **kwargs: Any) -> None:
    punches, backfill = arguments(args, kwargs, ["punches"], ["backfill"])
    _submit(punches, False if backfill is None else backfill, self.submitter)


@shared_task(name="attendance.void", base=DoorTask, bind=True)
def void(self: DoorTask, *args: Any, **kwargs: Any) -> None:
    tenant_id, punch_id, why = arguments(args, kwargs, ["tenant_id", "punch_id"], ["reason"])
    _judge(_touched([intake.void(this_process().engine, tenant_id, punch_id, why, self.submitter)], self.name))


@shared_task(name="roster.sync", base=DoorTask, bind=True)
def sync_roster(self: DoorTask, *args: Any, **kwargs: Any) -> None:
    (roster,) = arguments(args, kwargs, ["roster"])
    outcome = intake.sync_roster(this_process().engine, roster, by=self.submitter)
    for row in outcome.refused:
        _count_reasons("roster.sync", row.reasons)
    reach("after_store")
    if outcome.tenant_id is not None:
        _judge([outcome.tenant_id])


@shared_task(name="noc.publish", base=DoorTask, bind=True)
def noc_publish(self: DoorTask, *args: Any, **kwargs: Any) -> None:
    (message,) = arguments(args, kwargs, ["message"])
    process = this_process()
    said = intake.publish(process.engine, message, self.submitter)
    _count_reasons("noc.publish", said.outcome.reasons)
    reach("after_store")
    if said.appended and said.outcome.tenant_id is not None:
        process.emit(said.outcome.tenant_id, *said.appended, list(said.messages))


@shared_task(name=JUDGE_TASK, **_UPKEEP)
def judge_tenant(tenant_id: int) -> None:
    """For doors that store punches without being workers, and for what was gathered: judge what waits of the tenant now."""
    _judge([tenant_id])


@shared_task(name="upkeep.sweep_left", send_events=False, **_UPKEEP)
def sweep_left() -> None:
    """Every second: judge what a crash left behind."""
    process = this_process()
    with transaction(process.engine) as cursor:
        tenants = tenants_left(cursor)
    metrics.UNJUDGED.set(sum(tenants.values()))
    _for_each(tenants, judge_left)


@shared_task(name="upkeep.sweep_moments", **_UPKEEP)
def sweep_moments() -> None:
    """Every half minute: judge what the passing of time has changed."""
    with transaction(this_process().engine) as cursor:
        tenants = tenants_unswept(cursor, SWEEP_EVERY / 2)
    _for_each(tenants, judge_moments)


@shared_task(name="upkeep.keep_alerts", **_UPKEEP)
def keep_all_alerts() -> None:
    """Every quarter minute: what time does to alerts."""
    with transaction(this_process().engine) as cursor:
        tenants = tenants_due(cursor)
    _for_each(tenants, keep_alerts)


@shared_task(name="upkeep.prune", soft_time_limit=3_000, time_limit=3_060, **_UPKEEP)
def prune_old() -> None:
    process = this_process()
    prune(process.engine, timedelta(days=process.settings.feed_retention_days))


@shared_task(name="upkeep.pass_through", send_events=False, **_UPKEEP)
def pass_through() -> None:
    """Every quarter minute, through `attendance`: that it came, as worker.tasks.pulse notes, is all there is to it."""


def _submit(punches: Any, backfill: Any, by: intake.Submitter) -> None:
    outcomes = intake.submit(this_process().engine, punches, by=by, backfill=backfill)
    tenants = _touched(outcomes, by.door)
    if len(outcomes) >= WORTH_JUDGING or not _put_off(tenants):
        _judge(tenants)


def _put_off(tenants: Collection[int]) -> bool:
    """Leave what waits of the tenants for a moment, while there is more to store. False while it is calm."""
    gathering = this_process().gathering
    seconds = gathering.seconds()
    if seconds:
        gathering.leave(tenants, seconds, _have_judged)
    return bool(seconds)


def judge_gathered() -> None:
    """At the end of a process: what it has left for a moment, whose task would come to nobody."""
    _for_each(this_process().gathering.take(), judge)


def _have_judged(tenants: Iterable[int]) -> None:
    """By tasks, which have their limits. Their queue is not that of the punches, where they would come after all that wait."""
    for tenant_id in tenants:
        try:
            judge_tenant.apply_async(kwargs={"tenant_id": tenant_id})
        except OperationalError as away:  # the sweep finds what waits
            log.warning(JUDGING_PUT_OFF, tenant_id=tenant_id, error=type(away).__name__)


def _touched(outcomes: Sequence[intake.Outcome], door: str) -> Collection[int]:
    """Count what became of punches; the tenants that have something to judge."""
    reach("after_store")
    for status, count in Counter(outcome.became for outcome in outcomes).items():
        metrics.PUNCHES.labels(status=status).inc(count)
    for outcome in outcomes:
        _count_reasons(door, outcome.reasons)
    accepted = (outcome.tenant_id for outcome in outcomes if outcome.status == "accepted")
    return {tenant_id for tenant_id in accepted if tenant_id is not None}


def _count_reasons(door: str, reasons: Iterable[Reason]) -> None:
    for why in reasons:
        metrics.REJECTED.labels(task=door, code=why["code"]).inc()


def _judge(tenants: Iterable[int]) -> None:
    _for_each(tenants, _judge_all)


def _judge_all(engine: Engine, tenant_id: int, emit: Emit) -> None:
    judge(engine, tenant_id, emit, lambda: _put_off([tenant_id]))


def _for_each(tenants: Iterable[int], judging: Judging) -> None:
    """In any order, so that one that kills its judge does not come first each time; what time does not allow is the next sweep's."""
    until = time.monotonic() + ENOUGH
    for tenant_id in sorted(tenants, key=lambda _: random.random()):  # noqa: S311 - no secret
        if time.monotonic() < until:
            _survive(judging, tenant_id)


def _survive(judging: Judging, tenant_id: int) -> None:
    """Judge, and let a failure end here: what waits is still in its table, and the sweep takes it, halving what fails."""
    process = this_process()
    try:
        judging(process.engine, tenant_id, process.emit)
    except Exception as error:
        metrics.JUDGING_FAILED.inc()
        log.error(JUDGING_FAILED, tenant_id=tenant_id, exc_info=error)
