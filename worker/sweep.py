"""What nobody else does: the work that a crash left behind, and the moments that pass without anybody punching.

Work whose judge died is taken by its attempts, which are committed before it is judged. What kills every judge is halved, 1,000
rows, 500, 250 ..., until the single row that does it is alone; dying of it alone three times, it is given up.
Everything here may run twice at once, and under several schedulers.
"""

import time
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from psycopg import Cursor, OperationalError
from psycopg.errors import QueryCanceled
from sqlalchemy import Engine

from models import feed
from models.database import transaction
from worker.giving_up import give_up
from worker.judge import PATIENCE, Emit, Judgement, count, find_and_record, judge_batch, say, try_lock, wait_lock
from worker.touched import Touched
from worker.waiting import BATCH, Batch, take_changes, take_punches

JUDGE_DIED = "judge_died"

log = structlog.get_logger(__name__)

# 1000 >> 10 is 0: from this many attempts on a row is judged alone.
_ALONE = BATCH.bit_length()
_LONE_DEATHS = 3
# A sweep that comes late, after days without a scheduler, catches up in steps that a window can hold.
_STEP = timedelta(hours=6)

_LEFT = """
SELECT tenant_id, count(*) FROM (
    SELECT tenant_id FROM pending WHERE received_at < clock_timestamp() - interval '1 second'
    UNION ALL
    SELECT tenant_id FROM roster_change WHERE at < clock_timestamp() - interval '1 second'
) AS left_over GROUP BY tenant_id
"""
_SUSPECTS = {
    "pending": """
        SELECT pending_id, attempts FROM pending WHERE tenant_id = %s AND received_at < %s - interval '1 second'
        ORDER BY attempts DESC, pending_id LIMIT %s
    """,
    "roster_change": """
        SELECT change_id, attempts FROM roster_change WHERE tenant_id = %s AND at < %s - interval '1 second'
        ORDER BY attempts DESC, change_id LIMIT %s
    """,
}
_MARK = {
    "pending": "UPDATE pending SET attempts = %s WHERE tenant_id = %s AND pending_id = ANY(%s)",
    "roster_change": "UPDATE roster_change SET attempts = %s WHERE tenant_id = %s AND change_id = ANY(%s)",
}
_UNSWEPT = "SELECT tenant_id FROM tenant WHERE NOT deleted AND swept_at < clock_timestamp() - %s"


class Suspects(NamedTuple):
    """Rows that are judged together next; they had `before` attempts, and have `attempts` from now on."""

    table: str
    ids: list[int]
    before: int
    attempts: int


def tenants_left(cursor: Cursor) -> dict[int, int]:
    """Tenants with work that has waited for over a second, and how many rows of it."""
    return dict(cursor.execute(_LEFT).fetchall())


def tenants_unswept(cursor: Cursor, age: timedelta) -> list[int]:
    return [tenant_id for (tenant_id,) in cursor.execute(_UNSWEPT, (age,))]


def judge_left(engine: Engine, tenant_id: int, emit: Emit) -> None:
    """Judge what a crash may have left of the tenant, unless somebody is judging it now."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and _judge_suspects(engine, tenant_id, emit):
        pass


def judge_moments(engine: Engine, tenant_id: int, emit: Emit) -> None:
    """Judge whatever the moments since the last sweep may have changed: no-shows, spells too long, missing check-outs."""
    until = time.monotonic() + PATIENCE
    caught_up = False
    while not caught_up and time.monotonic() < until:
        with transaction(engine) as cursor:
            as_of = wait_lock(cursor, tenant_id)
            judgement, caught_up = _judge_step(cursor, tenant_id, as_of)
        say(tenant_id, judgement, emit)


def halved(attempts: int, rows: int) -> int:
    """The attempts to mark `rows` rows with that have `attempts`: as many as make the next batch at most half of this one."""
    following = attempts + 1
    while following < _ALONE and BATCH >> following > rows // 2:
        following += 1
    return following


def _judge_suspects(engine: Engine, tenant_id: int, emit: Emit) -> bool:
    """False where nothing is left, or somebody else is at it.

    The lock is held from the choice to the judgement's commit. Another sweep would else take what is about to be judged for
    what its judge died of, and after a few such deaths give up a punch that nobody ever tried to judge.
    """
    with transaction(engine) as cursor:
        as_of = try_lock(cursor, tenant_id)
        suspects = as_of and _mark(engine, tenant_id, as_of)
        if not as_of or not suspects:
            return False
        try:
            batch, judgement = _judge(cursor, tenant_id, suspects, as_of)
        except OperationalError as error:
            if error.sqlstate != QueryCanceled.sqlstate:  # the database's trouble, not the rows'; one that takes for ever is theirs
                _unmark(engine, tenant_id, suspects)
            raise
    if batch and judgement:
        count(tenant_id, batch, judgement)
        say(tenant_id, judgement, emit)
    return True


def _judge(cursor: Cursor, tenant_id: int, suspects: Suspects, as_of: datetime) -> tuple[Batch | None, Judgement | None]:
    if suspects.table == "pending":
        batch = take_punches(cursor, tenant_id, suspects.ids)
    else:
        batch = take_changes(cursor, tenant_id, as_of, suspects.ids)
    return batch, judge_batch(cursor, tenant_id, batch, as_of) if batch else None


def _unmark(engine: Engine, tenant_id: int, suspects: Suspects) -> None:
    with transaction(engine) as cursor:
        cursor.execute(_MARK[suspects.table], (suspects.before, tenant_id, suspects.ids))


def _mark(engine: Engine, tenant_id: int, as_of: datetime) -> Suspects | None:
    """Choose what to judge next, and commit that it was tried. Needs the tenant's lock, which another transaction holds."""
    with transaction(engine) as cursor:
        suspects = _suspects(cursor, tenant_id, "pending", as_of) or _suspects(cursor, tenant_id, "roster_change", as_of)
        if not suspects:
            return None
        cursor.execute(_MARK[suspects.table], (suspects.attempts, tenant_id, suspects.ids))
        if suspects.before:
            log.warning(JUDGE_DIED, tenant_id=tenant_id, table=suspects.table, rows=len(suspects.ids), attempts=suspects.before)
        return suspects


def _suspects(cursor: Cursor, tenant_id: int, table: str, as_of: datetime) -> Suspects | None:
    rows = cursor.execute(_SUSPECTS[table], (tenant_id, as_of, BATCH)).fetchall()
    if not rows:
        return None
    most = rows[0][1]
    if most >= _ALONE + _LONE_DEATHS - 1:
        give_up(cursor, tenant_id, table, rows[0][0], as_of)
        return _suspects(cursor, tenant_id, table, as_of)
    alike = [row_id for row_id, attempts in rows if attempts == most][: max(BATCH >> most, 1)]
    return Suspects(table, alike, most, halved(most, len(alike)))


def _judge_step(cursor: Cursor, tenant_id: int, as_of: datetime) -> tuple[Judgement, bool]:
    row = cursor.execute("SELECT swept_at FROM tenant WHERE tenant_id = %s", (tenant_id,)).fetchone()
    since = row[0] if row else as_of
    until = min(since + _STEP, as_of)
    messages = find_and_record(cursor, tenant_id, Touched(swept=(since, until)), as_of)
    cursor.execute("UPDATE tenant SET swept_at = %s WHERE tenant_id = %s", (until, tenant_id))
    appended = feed.append(cursor, tenant_id, messages) if messages else None
    return Judgement(messages, appended, 0.0, 0.0), until == as_of
