"""Judging, after what a task brought is stored, which is all that the task owes its broker.

Where judging fails or is cut off, the rows that wait for it remain, and the sweep takes them.
"""

import random
import time
from collections.abc import Callable, Collection, Iterable

import structlog
from celery import current_app
from kombu.exceptions import OperationalError
from sqlalchemy import Engine

from models.broker import JUDGE_TASK
from worker import metrics
from worker.emit import Emit
from worker.judging.judge import judge
from worker.process import this_process

JUDGING_FAILED = "judging_failed"
JUDGING_PUT_OFF = "judging_put_off"
ENOUGH = 40.0  # seconds of judging in one task, whose soft limit is 60

log = structlog.get_logger(__name__)

Judging = Callable[[Engine, int, Emit], None]


def judge_now(tenants: Iterable[int]) -> None:
    """Judge what waits of the tenants. A few that come meanwhile may be left for a moment."""
    for_each(tenants, _judge)


def leave_for_a_moment(tenants: Collection[int]) -> bool:
    """Leave what waits of the tenants while there is more to store. False while it is calm."""
    gathering = this_process().gathering
    seconds = gathering.seconds()
    if seconds:
        gathering.leave(tenants, seconds, _enqueue)
    return bool(seconds)


def judge_gathered() -> None:
    """Judge what this ending process has left for a moment. No task would find anybody to do it."""
    for_each(this_process().gathering.take(), judge)


def for_each(tenants: Iterable[int], judging: Judging) -> None:
    """Do it for each tenant, and leave to the next sweep what time does not allow.

    They come in any order, so that one that kills its judge does not come first each time.
    """
    until = time.monotonic() + ENOUGH
    for tenant_id in sorted(tenants, key=lambda _: random.random()):  # noqa: S311 - no secret
        if time.monotonic() < until:
            _survive(judging, tenant_id)


def _judge(engine: Engine, tenant_id: int, emit: Emit) -> None:
    judge(engine, tenant_id, emit, lambda: leave_for_a_moment([tenant_id]))


def _survive(judging: Judging, tenant_id: int) -> None:
    """Judge, and let a failure end here: what waits stays in its table.

    The sweep takes it, halving what fails.
    """
    process = this_process()
    try:
        judging(process.engine, tenant_id, process.emit)
    except Exception as error:
        metrics.JUDGING_FAILED.inc()
        log.error(JUDGING_FAILED, tenant_id=tenant_id, exc_info=error)


def _enqueue(tenants: Iterable[int]) -> None:
    """Enqueue one judge task per tenant, which has the limits of every task.

    Its queue is not that of the punches, where it would come after all that wait.
    """
    judge_tenant = current_app.tasks[JUDGE_TASK]
    for tenant_id in tenants:
        try:
            judge_tenant.apply_async(kwargs={"tenant_id": tenant_id})
        except OperationalError as away:  # the sweep finds what waits
            log.warning(JUDGING_PUT_OFF, tenant_id=tenant_id, error=type(away).__name__)
