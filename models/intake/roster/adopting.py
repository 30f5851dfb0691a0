"""Taking what workers of the release before have written into the roster as said by its rows.

They know neither statements nor versions, nor the marks of shifts and assignments. Looking for such
rows takes a few SQL statements for many tenants and no lock; only where there are any is a tenant's
lock taken, and batch by batch.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from psycopg import Cursor
from sqlalchemy import Engine

from models.database import KEEP_SESSION, transaction
from models.intake.roster.kinds import PLANNED, TENANT, WITH_PAST
from models.intake.roster.presence import marked_wrong, spans_differ
from models.intake.roster.sync import Sync
from models.intake.roster.tables import RowKey
from models.intake.roster.unsaid import unsaid
from models.intake.submitter import Submitter
from models.locks import tenant_lock_key

ROWS_ADOPTED = "roster_rows_adopted"
NOT_ADOPTED = "roster_rows_not_adopted"
TENANTS_AT_ONCE = 20
ROWS_A_BATCH = 1_000

log = structlog.get_logger(__name__)

BY_UPKEEP = Submitter("upkeep")

_TENANTS = "SELECT tenant_id FROM tenant ORDER BY tenant_id"
_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"
_ASSIGNMENTS_MARKED_WRONG = """
SELECT tenant_id, person_id, site_id, valid_from_key FROM assignment
WHERE tenant_id = ANY(%s)
    AND (deleted <> (ended_at IS NOT NULL) OR (never_was AND NOT deleted))
"""

Found = dict[str, list[RowKey]]  # keys by table


def adopt(engine: Engine, *, seconds: float) -> list[int]:
    """Take the rows of all tenants as said by them where nothing else was, and commit.

    Return the tenants of which any were taken. A tenant whose lock is taken, one that fails, and
    those that are left after `seconds`, are left for the next time.
    """
    until = time.monotonic() + seconds
    with transaction(engine) as cursor:
        tenants = [tenant_id for (tenant_id,) in cursor.execute(_TENANTS)]
    adopted = []
    for start in range(0, len(tenants), TENANTS_AT_ONCE):
        some = tenants[start : start + TENANTS_AT_ONCE]
        if time.monotonic() >= until:
            break
        try:
            with transaction(engine) as cursor:
                found = _find(cursor, some, datetime.now(UTC))
        except Exception as error:
            log.error(NOT_ADOPTED, tenants=some, exc_info=error)
            continue
        adopted += [
            tenant_id for tenant_id, rows in found.items() if _adopt(engine, tenant_id, rows)
        ]
    return adopted


def _find(cursor: Cursor, tenants: Sequence[int], now: datetime) -> dict[int, Found]:
    """Return the rows that are to be looked at, by tenant, also of those with other times only."""
    found: dict[int, Found] = defaultdict(lambda: defaultdict(list))
    for kind in (TENANT, *WITH_PAST):
        for tenant_id, keys in unsaid(cursor, kind, tenants, now).items():
            found[tenant_id][kind.table] = keys
    for tenant_id, *key in cursor.execute(_ASSIGNMENTS_MARKED_WRONG, [list(tenants)]):
        found[tenant_id]["assignment"].append(tuple(key))
    for tenant_id, shift_id in marked_wrong(cursor, tenants):
        found[tenant_id]["shift"].append((shift_id,))
    for tenant_id in tenants:
        if spans_differ(cursor, tenant_id):
            found[tenant_id] |= {}
    return found


def _adopt(engine: Engine, tenant_id: int, rows: Found) -> bool:
    """Take a tenant's rows as said by them, and tell whether anything changed."""
    batches: list[Found] = [
        {table: keys[start : start + ROWS_A_BATCH]}
        for table in (kind.table for kind in (TENANT, *WITH_PAST, *PLANNED))
        for keys in [rows.get(table, [])]
        for start in range(0, len(keys), ROWS_A_BATCH)
    ]
    changes = 0
    try:
        for batch in batches or [{}]:
            with transaction(engine) as cursor:
                cursor.execute(KEEP_SESSION)
                if cursor.execute(_LOCK, [tenant_lock_key(tenant_id)]).fetchone() != (True,):
                    break
                changes += len(Sync.of_stored(cursor, tenant_id, BY_UPKEEP).adopt(batch))
    except Exception as error:
        log.error(NOT_ADOPTED, tenant_id=tenant_id, exc_info=error)
    if changes:
        counts = {table: len(keys) for table, keys in rows.items()}
        log.info(ROWS_ADOPTED, tenant_id=tenant_id, changes=changes, **counts)
    return changes > 0
