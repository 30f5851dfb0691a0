"""Judge a tenant: all that waits of it, one transaction a batch, one judge at a time.

What was found is said once it is committed. Whoever finds the tenant's lock taken leaves the work
to its holder, who looks again after each commit, when the lock is free.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from psycopg import Cursor
from sqlalchemy import Engine

from models import feed
from models.database import KEEP_SESSION, autocommitted, pipelined
from models.due import hasten
from models.ids import Id
from models.locks import tenant_lock_key
from worker import metrics
from worker.emit import Emit
from worker.faults import fault_point
from worker.judging.detect import detect
from worker.judging.due_shifts import some_shifts
from worker.judging.later import bounded
from worker.judging.moments import CHORE as SWEEP
from worker.judging.notices import tell_once
from worker.judging.pace import pace_of
from worker.judging.record import record
from worker.judging.spells_kept import keep_spells
from worker.judging.turns import ASKED_FOR
from worker.judging.work_queue import TABLES, Batch, anything_waits, discard, take_batch
from worker.load import load
from worker.load.touched import Touched
from worker.rules.finding import Subject
from worker.rules.window import Window

JUDGED = "judged"

log = structlog.get_logger(__name__)

PutOff = Callable[[], bool]


class Judgement(NamedTuple):
    """The outcome of one transaction. `appended` is None where there was nothing to say."""

    messages: list[feed.Message]
    appended: feed.Appended | None
    # from the receipt of the oldest punch to the judgement's `as_of`; 0 where no punch was judged
    lag_seconds: float
    began: float  # on the monotonic clock, when judging the batch began


# How long a process judges a tenant that nobody else will judge afterwards, as it ends.
JUDGE_SECONDS = 10.0
# How long a tenant's turn goes on: no judgement begins later. With the quarter of a second at which
# each aims, a turn holds its process for half a second.
TURN_SECONDS = 0.25


def judge(
    engine: Engine,
    tenant_id: Id,
    emit: Emit,
    put_off: PutOff = lambda: False,
    *,
    seconds: float = JUDGE_SECONDS,
    unless_asked: bool = False,
) -> bool | None:
    """Judge what waits of the tenant, unless somebody else is judging it.

    Return whether more waits: no judgement begins after so many `seconds`. Return None where
    somebody else has the tenant. `put_off` is called when live punches wait after a batch that was
    not full. It returns whether it has what waits judged later. With `unless_asked`, nothing is
    done where the tenant's turn is asked for, as it is judged then: that is None too.
    """
    until = time.monotonic() + seconds
    while (is_full := _judge_next_batch(engine, tenant_id, emit, unless_asked)) is not None:
        with autocommitted(engine) as cursor:
            waits = anything_waits(cursor, tenant_id)
            has_news = waits and not is_full and _live_waits(cursor, tenant_id)
        if not waits or (has_news and put_off()):
            return False
        if time.monotonic() >= until:
            return True
    return None


_LIVE = "SELECT EXISTS (SELECT FROM pending WHERE tenant_id = %s AND NOT backfill AND attempts = 0)"


def _live_waits(cursor: Cursor, tenant_id: Id) -> bool:
    """Tell whether live punches wait. The rest has nothing to be gathered with."""
    return cursor.execute(_LIVE, (tenant_id,)).fetchone() == (True,)


def try_lock(cursor: Cursor, tenant_id: Id) -> datetime | None:
    """Take the tenant's lock, and return the moment of judgement, by the database's clock.

    Return None where somebody else is judging the tenant.
    """
    sql = "SELECT pg_try_advisory_xact_lock(%s), clock_timestamp()"
    cursor.execute(KEEP_SESSION)
    is_locked, as_of = _row(cursor, sql, tenant_lock_key(tenant_id))
    return as_of if is_locked else None


_TRY_UNLESS_ASKED = f"""
SELECT CASE WHEN {ASKED_FOR} THEN false ELSE pg_try_advisory_xact_lock(%s) END, clock_timestamp()
"""


def try_lock_unless_asked(cursor: Cursor, tenant_id: Id) -> datetime | None:
    """Do the same, unless the tenant's turn is asked for: return None then.

    The lock is not held for an instant then: the turn may begin at any, and is to find it free.
    """
    cursor.execute(KEEP_SESSION)
    is_locked, as_of = _row(cursor, _TRY_UNLESS_ASKED, tenant_id, tenant_lock_key(tenant_id))
    return as_of if is_locked else None


def wait_lock(cursor: Cursor, tenant_id: Id) -> datetime:
    """Take the tenant's lock, wait for it if need be, and return the moment of judgement."""
    cursor.execute(KEEP_SESSION)
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (tenant_lock_key(tenant_id),))
    (as_of,) = _row(cursor, "SELECT clock_timestamp()")
    assert isinstance(as_of, datetime)
    return as_of


def judge_batch(cursor: Cursor, tenant_id: Id, batch: Batch, as_of: datetime) -> Judgement:
    """Judge a batch, and drop it from what waits.

    This is the last thing before the commit. Needs the tenant's lock.
    """
    began = time.monotonic()
    messages = find_and_record(cursor, tenant_id, batch.touched, as_of)
    discard(cursor, tenant_id, batch)
    hasten(cursor, tenant_id, SWEEP, as_of)  # what was judged may have moments of its own
    appended = feed.append(cursor, tenant_id, messages) if messages else None
    fault_point("before_judge_commit")
    lag = max((as_of - batch.received_at).total_seconds(), 0.0) if batch.received_at else 0.0
    return Judgement(messages, appended, lag, began)


def find_and_record(
    cursor: Cursor, tenant_id: Id, touched: Touched, as_of: datetime
) -> list[feed.Message]:
    """Load the window of what was touched, detect, record, and return what is to be said."""

    def choose(subjects: frozenset[Subject]) -> frozenset[Subject]:
        few = bounded(cursor, tenant_id, touched, subjects, as_of)
        return some_shifts(cursor, tenant_id, few, as_of) if touched.swept else few

    def keep(window: Window) -> None:
        keep_spells(cursor, window, touched)

    window = load(cursor, tenant_id, touched, as_of, choose, keep)
    fault_point("judging", (punch.punch_id for punch in window.punches_to_judge))
    found = detect(window)
    said = record(cursor, window, found, touched)
    return said + tell_once(cursor, window, touched, found)


def say(tenant_id: Id, judgement: Judgement, emit: Emit) -> None:
    """Publish what a committed judgement found. Its lock is not held any more."""
    fault_point("after_judge_commit")
    if judgement.appended is None:
        return
    fault_point("between_commit_and_emit")
    emit(tenant_id, *judgement.appended, judgement.messages)
    if judgement.lag_seconds:
        seconds = judgement.lag_seconds + time.monotonic() - judgement.began
        metrics.RECEIPT_TO_EMIT.observe(seconds)


def count(tenant_id: Id, batch: Batch, judgement: Judgement) -> None:
    """Count and log what a committed judgement did."""
    metrics.JUDGED.labels(table=batch.table).inc(len(batch.ids))
    for message in judgement.messages:
        metrics.MESSAGES.labels(event=message.event, anomaly_type=message.anomaly_type or "").inc()
    log.debug(
        JUDGED,
        tenant_id=tenant_id,
        table=batch.table,
        rows=len(batch.ids),
        messages=len(judgement.messages),
    )


# Where much comes at once the tables grow, and a plan that was made when they were empty, where any
# index is as good as another, is kept until Postgres has looked at them. A full batch is worth the
# time to plan it.
_PLAN_ANEW = "DISCARD PLANS"


def _judge_next_batch(engine: Engine, tenant_id: Id, emit: Emit, unless_asked: bool) -> bool | None:
    """Judge one batch of the tenant, if anything waits, and return whether it was a full one.

    Return None where somebody else is judging the tenant, or will.
    """
    began, pace = time.monotonic(), pace_of(engine)
    limits = {table: pace.limit(tenant_id, table) for table in TABLES}
    limits["backfill"] = pace.limit(tenant_id, "pending", backfill=True)
    with pipelined(engine) as cursor:
        as_of = (try_lock_unless_asked if unless_asked else try_lock)(cursor, tenant_id)
        if as_of is None:
            return None
        batch = take_batch(cursor, tenant_id, as_of, limits)
        if not batch:
            return False
        is_full = batch.units >= limits["backfill" if batch.backfill else batch.table]
        if is_full:
            cursor.execute(_PLAN_ANEW)
        judgement = judge_batch(cursor, tenant_id, batch, as_of)
    seconds = time.monotonic() - began
    pace.note(tenant_id, batch.table, batch.units, seconds, backfill=batch.backfill)
    count(tenant_id, batch, judgement)
    say(tenant_id, judgement, emit)
    return is_full


def _row(cursor: Cursor, sql: str, *arguments: object) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = cursor.execute(sql, arguments).fetchone()
    assert row is not None  # a SELECT without a FROM always returns one row
    return row
