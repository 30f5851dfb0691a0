"""Removing old statements that say what was said already, and so change no version."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from psycopg import Cursor
from sqlalchemy import Engine

from models.database import KEEP_SESSION, transaction
from models.intake.roster import past_tables
from models.intake.roster.kinds import PLANNED, TENANT, WITH_PAST, Kind
from models.intake.roster.laying import superfluous
from models.locks import tenant_lock_key

ROWS_A_BATCH = 1_000
STATEMENTS_A_BATCH = 5_000
# Of a row of which more was said, what changes nothing stays for two days only: whoever says
# something of the past has all of it laid anew.
MANY = 1_000
SHORT_AGE = timedelta(days=2)

_REPEATED = """
SELECT key FROM statement WHERE tenant_id = %(tenant_id)s AND kind = %(kind)s
GROUP BY key HAVING count(*) FILTER (WHERE said_at < %(before)s) > 1 OR count(*) > %(many)s
"""
_FORGET = """
DELETE FROM statement
USING unnest(%(keys)s::text[], %(said_at)s::timestamptz[], %(digests)s::bytea[])
    AS said(key, said_at, digest)
WHERE tenant_id = %(tenant_id)s AND kind = %(kind)s AND statement.key = said.key
    AND statement.said_at = said.said_at AND statement.digest = said.digest
"""
# What removed a shift or an assignment is in its row as well.
_FORGET_REMOVALS = """
DELETE FROM statement WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM statement
    WHERE tenant_id = %(tenant_id)s AND kind = %(kind)s AND said_at < %(before)s LIMIT %(limit)s
))
"""


def prune_statements(engine: Engine, tenant_id: int, age: timedelta) -> int:
    """Remove what is older than `age` and superfluous, and return how much that was.

    It commits batch by batch, and waits for whoever judges the tenant.
    """
    now = datetime.now(UTC)
    before, before_of_many = now - age, now - min(age, SHORT_AGE)
    pruned = 0
    for kind in (TENANT, *WITH_PAST):
        values = {"tenant_id": tenant_id, "kind": kind.table, "before": before, "many": MANY}
        with transaction(engine) as cursor:
            keys = [key for (key,) in cursor.execute(_REPEATED, values)]
        for start in range(0, len(keys), ROWS_A_BATCH):
            batch = keys[start : start + ROWS_A_BATCH]
            with transaction(engine) as cursor:
                pruned += _prune_rows(cursor, tenant_id, kind, batch, before, before_of_many)
    for kind in PLANNED:
        pruned += _prune_removals(engine, tenant_id, kind, before)
    return pruned


def _prune_rows(
    cursor: Cursor,
    tenant_id: int,
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


def _prune_removals(engine: Engine, tenant_id: int, kind: Kind, before: datetime) -> int:
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
