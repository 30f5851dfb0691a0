"""Choose what a sweep judges next, and note how often a judge died of it or failed.

The note is committed before the judgement begins. What is still noted as taken when the next sweep
has the tenant's lock was with a judge that died. A judge that ends with an error gives back what it
took.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import NamedTuple

import structlog
from psycopg import Cursor
from psycopg.errors import QueryCanceled
from sqlalchemy import Engine

from models.database import transaction
from models.ids import Id
from worker.judging.database_away import DATABASE_ERRORS, wait_for
from worker.judging.giving_up import give_up
from worker.judging.pace import pace_of
from worker.judging.work_queue import MOST_A_BATCH

JUDGE_DIED = "judge_died"

log = structlog.get_logger(__name__)

# 1000 >> 9 is 1: a row, or a key of the roster, that was tried ten times was alone the last time.
_ALONE = MOST_A_BATCH.bit_length()
LONE_ATTEMPTS = 3

# At most as many as one judgement may take. All rows of a key of the roster count as one.
_WAITING = {
    "pending": f"""
        SELECT ARRAY[pending_id], attempts, taken FROM pending
        WHERE tenant_id = %s AND received_at < %s - interval '1 second'
        ORDER BY attempts DESC, backfill, pending_id LIMIT {MOST_A_BATCH}
    """,
    "roster_change": f"""
        SELECT array_agg(change_id), attempts, taken FROM roster_change
        WHERE tenant_id = %s AND at < %s - interval '1 second'
        GROUP BY kind, key, attempts, taken
        ORDER BY attempts DESC, min(change_id) LIMIT {MOST_A_BATCH}
    """,
}
_NOTE = {
    "pending": """
        UPDATE pending SET attempts = %s, taken = %s
        WHERE tenant_id = %s AND pending_id = ANY(%s)
    """,
    "roster_change": """
        UPDATE roster_change SET attempts = %s, taken = %s
        WHERE tenant_id = %s AND change_id = ANY(%s)
    """,
}


class Suspects(NamedTuple):
    """Rows that are judged together next.

    They had `attempts_before`, and have `attempts` from now on. Where the database fails, not they,
    they go back to what they had.
    """

    table: str
    ids: list[int]
    attempts_before: int
    attempts: int


class _Unit(NamedTuple):
    """Rows that cannot be judged apart.

    One row of `pending`, or all of a key of `roster_change` with the same number of attempts.
    """

    ids: list[int]
    attempts: int
    taken: bool


def take(engine: Engine, tenant_id: Id, as_of: datetime) -> Suspects | None:
    """Choose what to judge next, and commit that it is taken. Return None where nothing is left.

    Needs the tenant's lock, which another transaction holds.
    """
    limit = pace_of(engine).limit
    with transaction(engine) as cursor:
        suspects = _choose(
            cursor, tenant_id, "pending", as_of, limit(tenant_id, "pending")
        ) or _choose(cursor, tenant_id, "roster_change", as_of, limit(tenant_id, "roster_change"))
        if suspects:
            cursor.execute(
                _NOTE[suspects.table], (suspects.attempts, True, tenant_id, suspects.ids)
            )
        return suspects


@contextmanager
def given_back(engine: Engine, tenant_id: Id, suspects: Suspects) -> Iterator[None]:
    """Give the suspects back if judging them, inside this block, raises.

    They are not noted as taken any more then, so that nobody believes their judge dead.
    """
    try:
        yield
    except BaseException as error:
        attempts = suspects.attempts if _is_fault_of_rows(error) else suspects.attempts_before
        try:
            _give_back(engine, tenant_id, suspects, attempts)
        except DATABASE_ERRORS:
            wait_for(engine)
            # Where they cannot be given back now either, it counts as a death of their judge.
            with suppress(*DATABASE_ERRORS):
                _give_back(engine, tenant_id, suspects, attempts)
        raise


def halved(attempts: int, units: int) -> int:
    """Return the attempts to note for so many `units` that have had `attempts`.

    It is as many as make the next batch at most half as large as this one.
    """
    following = attempts + 1
    while following < _ALONE and MOST_A_BATCH >> following > units // 2:
        following += 1
    return following


def _choose(
    cursor: Cursor, tenant_id: Id, table: str, as_of: datetime, limit: int
) -> Suspects | None:
    units = [_Unit(*row) for row in cursor.execute(_WAITING[table], (tenant_id, as_of))]
    if not units:
        return None
    attempts = units[0].attempts
    if taken := [row_id for unit in units if unit.taken for row_id in unit.ids]:
        # No unit has more attempts than those that were taken last.
        cursor.execute(_NOTE[table], (attempts, False, tenant_id, taken))
        log.warning(
            JUDGE_DIED, tenant_id=tenant_id, table=table, rows=len(taken), attempts=attempts
        )
    if attempts >= _ALONE + LONE_ATTEMPTS - 1:
        give_up(cursor, tenant_id, table, units[0].ids, as_of)
        return _choose(cursor, tenant_id, table, as_of, limit)
    size = min(max(MOST_A_BATCH >> attempts, 1), limit)
    chosen = [unit for unit in units if unit.attempts == attempts][:size]
    ids = [row_id for unit in chosen for row_id in unit.ids]
    return Suspects(table, ids, attempts, halved(attempts, len(chosen)))


def _is_fault_of_rows(error: BaseException) -> bool:
    """Tell whether the rows may be why judging failed.

    They are not where the database fails or the process ends; a statement that runs for too long
    may be their fault.
    """
    return isinstance(error, QueryCanceled) or (
        isinstance(error, Exception) and not isinstance(error, DATABASE_ERRORS)
    )


def _give_back(engine: Engine, tenant_id: Id, suspects: Suspects, attempts: int) -> None:
    with transaction(engine) as cursor:
        cursor.execute(_NOTE[suspects.table], (attempts, False, tenant_id, suspects.ids))
