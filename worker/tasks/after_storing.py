"""Judge what a task has stored.

To store it is all that the task owes its broker. Where judging fails or is cut off, the rows that
wait for it remain, and the sweep takes them.
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
JUDGING_SECONDS = 40.0  # of one task, whose soft limit is 60

log = structlog.get_logger(__name__)

Judging = Callable[[Engine, int, Emit], None]


def judge_now(tenants: Iterable[int]) -> None:
    """Judge what waits of the tenants. A few punches that come meanwhile may be left for later."""
    for_each(tenants, _judge)


def leave_for_a_moment(tenants: Collection[int]) -> bool:
    """Have what waits of the tenants judged in a moment, if more waits to be stored.

    Return whether it is left. It is not while the queue is calm.
    """
    gathering = this_process().gathering
    seconds = gathering.seconds_to_wait()
    if seconds:
        gathering.leave(tenants, seconds, _enqueue)
    return bool(seconds)


def judge_gathered() -> None:
    """Judge what this process has left for a moment, as it ends.

    A task for it might find no worker any more.
    """
    for_each(this_process().gathering.take(), judge)


def for_each(tenants: Iterable[int], judging: Judging) -> None:
    """Call `judging` for each tenant, and leave to the next sweep those there is no time for.

    The order is random, so that a tenant that kills its judge does not come first each time.
    """
    until = time.monotonic() + JUDGING_SECONDS
    for tenant_id in sorted(tenants, key=lambda _: random.random()):  # noqa: S311 - no secret
        if time.monotonic() < until:
            _survive(judging, tenant_id)


def _judge(engine: Engine, tenant_id: int, emit: Emit) -> None:
    judge(engine, tenant_id, emit, lambda: leave_for_a_moment([tenant_id]))


def _survive(judging: Judging, tenant_id: int) -> None:
    """Call `judging`, and log and count its failure.

    What waited stays in its table. The sweep takes it, halving what fails.
    """
    process = this_process()
    try:
        judging(process.engine, tenant_id, process.emit)
    except Exception as error:
        metrics.JUDGING_FAILED.inc()
        log.error(JUDGING_FAILED, tenant_id=tenant_id, exc_info=error)


def _enqueue(tenants: Iterable[int]) -> None:
    """Enqueue one judge task per tenant.

    It has the limits of every task. Its queue is not that of the punches, where it would come after
    all of those that wait.
    """
    judge_tenant = current_app.tasks[JUDGE_TASK]
    for tenant_id in tenants:
        try:
            judge_tenant.apply_async(kwargs={"tenant_id": tenant_id})
        except OperationalError as away:  # the sweep finds what waits
            log.warning(JUDGING_PUT_OFF, tenant_id=tenant_id, error=type(away).__name__)
