"""What a sweep takes of the work that waits, and notes of it: how often a judge died or failed of
it.

The note is committed before the judgement begins. What is still noted as taken when the next sweep
has the tenant's lock was with a judge that died; a judge that comes back with an error gives back
what it took.
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
from worker.judging.database_away import DATABASE_ERRORS, wait_for
from worker.judging.giving_up import give_up
from worker.judging.work_queue import BATCH, CHANGES

JUDGE_DIED = "judge_died"

log = structlog.get_logger(__name__)

# 1000 >> 10 is 0: from this many attempts on a row, or a key of the roster, is judged alone.
_ALONE = BATCH.bit_length()
LONE_ATTEMPTS = 3

# As many as one judgement takes, and no more: of the roster all rows of a key, which count as one.
_WAITING = {
    "pending": f"""
        SELECT ARRAY[pending_id], attempts, taken FROM pending
        WHERE tenant_id = %s AND received_at < %s - interval '1 second'
        ORDER BY attempts DESC, pending_id LIMIT {BATCH}
    """,
    "roster_change": f"""
        SELECT array_agg(change_id), attempts, taken FROM roster_change
        WHERE tenant_id = %s AND at < %s - interval '1 second'
        GROUP BY kind, key, attempts, taken ORDER BY attempts DESC, min(change_id) LIMIT {CHANGES}
    """,
}
_NOTE = {
    "pending": "UPDATE pending SET attempts = %s, taken = %s WHERE tenant_id = %s AND pending_id = ANY(%s)",
    "roster_change": "UPDATE roster_change SET attempts = %s, taken = %s WHERE tenant_id = %s AND change_id = ANY(%s)",
}


class Suspects(NamedTuple):
    """Rows that are judged together next; they had `before` attempts, and have `attempts` unless
    the database fails them.
    """

    table: str
    ids: list[int]
    before: int
    attempts: int


class _Subject(NamedTuple):
    """What cannot be judged by halves: a row of `pending`, or all of a key of `roster_change` that
    were tried as often.
    """

    ids: list[int]
    attempts: int
    taken: bool


def take(engine: Engine, tenant_id: int, as_of: datetime) -> Suspects | None:
    """Choose what to judge next, and commit that it is taken. Needs the tenant's lock, which
    another transaction holds.
    """
    with transaction(engine) as cursor:
        suspects = _choose(cursor, tenant_id, "pending", as_of) or _choose(
            cursor, tenant_id, "roster_change", as_of
        )
        if suspects:
            cursor.execute(
                _NOTE[suspects.table], (suspects.attempts, True, tenant_id, suspects.ids)
            )
        return suspects


@contextmanager
def given_back(engine: Engine, tenant_id: int, suspects: Suspects) -> Iterator[None]:
    """For as long as they are judged: if that fails they are not taken any more, so that nobody
    believes their judge dead.
    """
    try:
        yield
    except BaseException as error:
        attempts = suspects.attempts if _is_theirs(error) else suspects.before
        try:
            _give_back(engine, tenant_id, suspects, attempts)
        except DATABASE_ERRORS:
            wait_for(engine)
            # then it counts as a death, and the error goes its way
            with suppress(*DATABASE_ERRORS):
                _give_back(engine, tenant_id, suspects, attempts)
        raise


def halved(attempts: int, subjects: int) -> int:
    """The attempts to mark `subjects` with that have `attempts`: as many as make the next batch at
    most half of this one.
    """
    following = attempts + 1
    while following < _ALONE and BATCH >> following > subjects // 2:
        following += 1
    return following


def _choose(cursor: Cursor, tenant_id: int, table: str, as_of: datetime) -> Suspects | None:
    subjects = [_Subject(*row) for row in cursor.execute(_WAITING[table], (tenant_id, as_of))]
    if not subjects:
        return None
    most = subjects[0].attempts
    if dead := [row_id for subject in subjects if subject.taken for row_id in subject.ids]:
        # none has more attempts than what was taken last
        cursor.execute(_NOTE[table], (most, False, tenant_id, dead))
        log.warning(JUDGE_DIED, tenant_id=tenant_id, table=table, rows=len(dead), attempts=most)
    if most >= _ALONE + LONE_ATTEMPTS - 1:
        give_up(cursor, tenant_id, table, subjects[0].ids, as_of)
        return _choose(cursor, tenant_id, table, as_of)
    alike = [subject.ids for subject in subjects if subject.attempts == most][
        : max(BATCH >> most, 1)
    ]
    return Suspects(
        table, [row_id for ids in alike for row_id in ids], most, halved(most, len(alike))
    )


def _is_theirs(error: BaseException) -> bool:
    """Whether the rows may be what it failed of. The database's trouble and an end of the process
    are not; what takes for ever is.
    """
    return isinstance(error, QueryCanceled) or (
        isinstance(error, Exception) and not isinstance(error, DATABASE_ERRORS)
    )


def _give_back(engine: Engine, tenant_id: int, suspects: Suspects, attempts: int) -> None:
    with transaction(engine) as cursor:
        cursor.execute(_NOTE[suspects.table], (attempts, False, tenant_id, suspects.ids))
