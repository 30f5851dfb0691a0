"""Removing old statements that say what was said already, and so change no version."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from psycopg import Cursor
from sqlalchemy import Engine

from models.database import KEEP_SESSION, transaction
from models.ids import Id
from models.intake.roster import past_tables
from models.intake.roster.kinds import PLANNED, TENANT, WITH_PAST, Kind
from models.intake.roster.laying import superfluous
from models.locks import tenant_lock_key

STATEMENTS_A_BATCH = 5_000
# A roster that comes later than this after those sent after it finds what they only repeated
# forgotten, and lies over it.
REPEATS = timedelta(days=7)
# Of a row of which more was said, what changes nothing stays for a day only: whoever says something
# of the past has all of it laid anew.
MANY = 100
REPEATS_OF_MANY = timedelta(days=1)
# What removed a shift or an assignment is in its row as well. It is kept for content that is said
# before it and comes later.
REMOVALS = timedelta(days=60)
# Rows of which something became old within this are looked at: longer than from one time to the
# next. What is left out is taken with what is said next of its row.
_LATELY = timedelta(days=3)

_REPEATED = """
SELECT key, count(*) FROM statement WHERE tenant_id = %(tenant_id)s AND kind = %(kind)s
GROUP BY key
HAVING count(*) > 1 AND bool_or(said_at >= %(before)s - %(lately)s AND said_at < %(before)s)
    OR count(*) > %(many)s
        AND bool_or(said_at >= %(before_of_many)s - %(lately)s AND said_at < %(before_of_many)s)
"""
_FORGET = """
DELETE FROM statement
USING unnest(%(keys)s::text[], %(said_at)s::timestamptz[], %(digests)s::bytea[])
    AS said(key, said_at, digest)
WHERE tenant_id = %(tenant_id)s AND kind = %(kind)s AND statement.key = said.key
    AND statement.said_at = said.said_at AND statement.digest = said.digest
"""
_FORGET_REMOVALS = """
DELETE FROM statement WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM statement
    WHERE tenant_id = %(tenant_id)s AND kind = %(kind)s AND said_at < %(before)s LIMIT %(limit)s
))
"""


def prune_statements(engine: Engine, tenant_id: Id) -> int:
    """Remove what is old and superfluous, and return how much that was.

    It commits batch by batch, and waits for whoever judges the tenant.
    """
    now = datetime.now(UTC)
    before, before_of_many = now - REPEATS, now - REPEATS_OF_MANY
    pruned = 0
    for kind in (TENANT, *WITH_PAST):
        values = {
            "tenant_id": tenant_id,
            "kind": kind.table,
            "before": before,
            "before_of_many": before_of_many,
            "many": MANY,
            "lately": _LATELY,
        }
        with transaction(engine) as cursor:
            counts = dict(cursor.execute(_REPEATED, values).fetchall())
        for keys in _batches(counts):
            with transaction(engine) as cursor:
                pruned += _prune_rows(cursor, tenant_id, kind, keys, before, before_of_many)
    for kind in PLANNED:
        pruned += _prune_removals(engine, tenant_id, kind, now - REMOVALS)
    return pruned


def _batches(counts: Mapping[str, int]) -> Iterator[list[str]]:
    """Yield the keys, together as many as have a batch of statements, or one that has more."""
    batch: list[str] = []
    statements = 0
    for key, count in counts.items():
        if batch and statements + count > STATEMENTS_A_BATCH:
            yield batch
            batch, statements = [], 0
        batch.append(key)
        statements += count
    if batch:
        yield batch


def _prune_rows(
    cursor: Cursor,
    tenant_id: Id,
    kind: Kind,
    keys: Sequence[str],
    before: datetime,
    before_of_many: datetime,
) -> int:
    cursor.execute(KEEP_SESSION)
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [tenant_lock_key(tenant_id)])
    told = past_tables.statements(cursor, tenant_id, kind, [(key,) for key in keys])
    gone = [
        (key, statement)
        for (key,), said in told.items()
        for statement in superfluous(kind, said, before_of_many if len(said) > MANY else before)
    ]
    if gone:
        cursor.execute(
            _FORGET,
            {
                "tenant_id": tenant_id,
                "kind": kind.table,
                "keys": [key for key, _ in gone],
                "said_at": [statement.said_at for _, statement in gone],
                "digests": [statement.digest for _, statement in gone],
            },
        )
    return len(gone)


def _prune_removals(engine: Engine, tenant_id: Id, kind: Kind, before: datetime) -> int:
    values = {
        "tenant_id": tenant_id,
        "kind": kind.table,
        "before": before,
        "limit": STATEMENTS_A_BATCH,
    }
    pruned = 0
    while True:
        with transaction(engine) as cursor:
            rows = cursor.execute(_FORGET_REMOVALS, values).rowcount
        pruned += rows
        if rows < STATEMENTS_A_BATCH:
            return pruned
