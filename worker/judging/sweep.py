"""Sweep up what nobody else judges: work that a crash left behind, and moments that pass.

Work whose judge died is taken by its attempts, which are committed before it is judged. A batch
that kills every judge, or makes it fail, is halved, 1,000 rows, 500, 250 ..., until the single row
that does it is alone. When that has ended three judges alone, it is given up. Everything here may
run twice at once, and under several schedulers.
"""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from psycopg import Cursor
from sqlalchemy import Engine

from models import feed
from models.database import transaction
from models.due import put_off
from models.ids import Id
from worker.emit import Emit
from worker.judging.judge import (
    JUDGE_SECONDS,
    Judgement,
    count,
    find_and_record,
    judge_batch,
    say,
    try_lock,
    wait_lock,
)
from worker.judging.moments import CHORE, next_moment, next_sweep
from worker.judging.pace import pace_of
from worker.judging.suspects import Suspects, given_back, take
from worker.judging.turns import FRESH
from worker.judging.work_queue import Batch, take_changes, take_punches
from worker.load.tenant import read_tenant
from worker.load.touched import Touched

# After days without a scheduler a sweep catches up in steps, each of which a window can hold.
_STEP = timedelta(hours=6)


class Left(NamedTuple):
    """What has waited of a tenant for over a second: rows, and whether a judge died of some."""

    rows: int
    tried: bool


_LEFT = """
SELECT tenant_id, count(*), bool_or(attempts > 0) FROM (
    SELECT tenant_id, attempts FROM pending
    WHERE received_at < clock_timestamp() - interval '1 second'
    UNION ALL
    SELECT tenant_id, attempts FROM roster_change
    WHERE at < clock_timestamp() - interval '1 second'
) AS left_over GROUP BY tenant_id
"""
_UNSWEPT = """
SELECT tenant_id FROM due JOIN tenant USING (tenant_id)
WHERE chore = 'sweep' AND at <= statement_timestamp() AND NOT deleted
    AND swept_at < statement_timestamp() - %s
"""


def tenants_left(cursor: Cursor) -> dict[int, Left]:
    """Return the tenants with work that has waited for over a second."""
    return {tenant_id: Left(*left) for tenant_id, *left in cursor.execute(_LEFT)}


def without_turn(cursor: Cursor, left: Mapping[int, Left]) -> list[int]:
    """Return those of the tenants that nobody judges unless a sweep asks for it.

    The others have a turn. What judges died of is left out there, and is the sweep's in any case.
    """
    in_turn = {tenant_id for (tenant_id,) in cursor.execute(FRESH)}
    return [tenant_id for tenant_id in left if left[tenant_id].tried or tenant_id not in in_turn]


def tenants_unswept(cursor: Cursor, age: timedelta) -> list[int]:
    """Return the tenants with a moment that may have come, swept longer than `age` ago.

    It costs what these are, however many tenants there are beside them.
    """
    return [tenant_id for (tenant_id,) in cursor.execute(_UNSWEPT, (age,))]


def judge_left(
    engine: Engine, tenant_id: Id, emit: Emit, *, seconds: float = JUDGE_SECONDS
) -> bool:
    """Judge what a crash may have left of the tenant, unless somebody is judging it now.

    Return whether more may be left: no judgement begins after so many `seconds`.
    """
    until = time.monotonic() + seconds
    while _judge_suspects(engine, tenant_id, emit):
        if time.monotonic() >= until:
            return True
    return False


def judge_moments(
    engine: Engine, tenant_id: Id, emit: Emit, *, seconds: float = JUDGE_SECONDS
) -> bool:
    """Judge whatever the time since the last sweep may have changed.

    That is no-shows, spells that are too long, and missing check-outs. Where a step has many of
    them it leaves some to wait for a turn. Return whether there is more to catch up with: no step
    begins after so many `seconds`.
    """
    until = time.monotonic() + seconds
    caught_up = False
    while not caught_up and time.monotonic() < until:
        with transaction(engine) as cursor:
            as_of = wait_lock(cursor, tenant_id)
            judgement, caught_up = _judge_step(cursor, tenant_id, as_of)
        say(tenant_id, judgement, emit)
    return not caught_up


def _judge_suspects(engine: Engine, tenant_id: Id, emit: Emit) -> bool:
    """Judge the next suspects. Return False where none are left, or somebody is judging the tenant.

    The lock is held from the choice to the judgement's commit. Another sweep would else believe
    that a judge died of what is about to be judged, and after a few such deaths give up a punch
    that nobody ever tried to judge.
    """
    with transaction(engine) as cursor:
        as_of = try_lock(cursor, tenant_id)
        suspects = as_of and take(engine, tenant_id, as_of)
        if not as_of or not suspects:
            return False
        with given_back(engine, tenant_id, suspects):
            began = time.monotonic()
            batch, judgement = _judge(cursor, tenant_id, suspects, as_of)
            cursor.connection.commit()  # inside the block: where it fails, they are given back
    if batch and judgement:
        pace_of(engine).note(tenant_id, batch.table, batch.units, time.monotonic() - began)
        count(tenant_id, batch, judgement)
        say(tenant_id, judgement, emit)
    return True


def _judge(
    cursor: Cursor, tenant_id: Id, suspects: Suspects, as_of: datetime
) -> tuple[Batch | None, Judgement | None]:
    if suspects.table == "pending":
        batch = take_punches(cursor, tenant_id, suspects.ids)
    else:
        batch = take_changes(cursor, tenant_id, as_of, suspects.ids)
    return batch, judge_batch(cursor, tenant_id, batch, as_of) if batch else None


def _judge_step(cursor: Cursor, tenant_id: Id, as_of: datetime) -> tuple[Judgement, bool]:
    """Judge the next step of time, and return whether the tenant is swept up to `as_of` now."""
    row = cursor.execute(
        "SELECT swept_at FROM tenant WHERE tenant_id = %s", (tenant_id,)
    ).fetchone()
    since = row[0] if row else as_of
    tenant = read_tenant(cursor, tenant_id)
    moment = next_moment(cursor, tenant, since)
    messages: list[feed.Message] = []
    until = as_of
    if moment and moment <= as_of:
        until = min(moment + _STEP, as_of)
        messages = find_and_record(cursor, tenant_id, Touched(swept=(since, until)), as_of)
        moment = next_moment(cursor, tenant, until)
    cursor.execute("UPDATE tenant SET swept_at = %s WHERE tenant_id = %s", (until, tenant_id))
    put_off(cursor, tenant_id, CHORE, next_sweep(moment, until))
    appended = feed.append(cursor, tenant_id, messages) if messages else None
    return Judgement(messages, appended, 0.0, 0.0), until == as_of
