"""Taking what workers of the release before have written into the roster as said by its rows.

They know neither statements nor versions, nor the marks of shifts and assignments. Looking for such
rows takes a few SQL statements for many tenants and no lock, and is done less and less often; only
where there are any is a tenant's lock taken, and batch by batch.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from psycopg import Cursor
from sqlalchemy import Engine

from models.database import KEEP_SESSION, transaction
from models.due import enrol, put_off, tenants_due
from models.ids import Id
from models.intake.roster import current
from models.intake.roster.kinds import PLANNED, TENANT, WITH_PAST
from models.intake.roster.presence import marked_wrong, spans_differ
from models.intake.roster.sync import Sync
from models.intake.roster.tables import RowKey
from models.intake.roster.unsaid import unsaid
from models.intake.submitter import Submitter

ROWS_ADOPTED = "roster_rows_adopted"
NOT_ADOPTED = "roster_rows_not_adopted"
CHORE = "adopt"  # of models.due
TENANTS_AT_ONCE = 20
ROWS_A_BATCH = 1_000
# From one time to the next. It becomes longer with the time since the tenant has statements: the
# release before is replaced soon after that, or never wrote anything of it.
SOONEST = timedelta(minutes=10)
LATEST = timedelta(days=30)
_SHARE = 0.1

log = structlog.get_logger(__name__)

BY_UPKEEP = Submitter("upkeep")

_PATIENCE = "SELECT set_config('statement_timeout', %s, true)"
_PUT_OFF = """
UPDATE due SET at = statement_timestamp() + least(%(latest)s, greatest(%(soonest)s, %(share)s * (
    SELECT statement_timestamp() - min(received_at) FROM statement
    WHERE statement.tenant_id = due.tenant_id AND kind = 'tenant'
)))
WHERE chore = %(chore)s AND tenant_id = ANY(%(tenant_ids)s)
"""
_ASSIGNMENTS_MARKED_WRONG = """
SELECT tenant_id, person_id, site_id, valid_from_key FROM assignment
WHERE tenant_id = ANY(%s)
    AND (deleted <> (ended_at IS NOT NULL) OR (never_was AND NOT deleted))
"""

Found = dict[str, list[RowKey]]  # keys by table


def adopt(engine: Engine, *, seconds: float) -> list[Id]:
    """Take rows of tenants of which that is due as said by them where nothing else was, and commit.

    Return the tenants of which any were taken. Those that are left after `seconds` are due still.
    One whose lock is taken, or that fails, is left for the next time.
    """
    until = time.monotonic() + seconds
    with transaction(engine) as cursor:
        enrol(cursor)
        tenants = tenants_due(cursor, CHORE)
    adopted = []
    for start in range(0, len(tenants), TENANTS_AT_ONCE):
        some = tenants[start : start + TENANTS_AT_ONCE]
        if time.monotonic() >= until:
            break
        with transaction(engine) as cursor:  # first, so that those that fail keep none from theirs
            _put_off(cursor, some)
        try:
            with transaction(engine) as cursor:
                found = _find(cursor, some, until)
        except Exception as error:
            log.error(NOT_ADOPTED, tenants=some, exc_info=error)
            continue
        adopted += [
            tenant_id for tenant_id, rows in found.items() if _adopt(engine, tenant_id, rows, until)
        ]
    return adopted


def _put_off(cursor: Cursor, tenants: Sequence[Id]) -> None:
    values = {
        "soonest": SOONEST,
        "latest": LATEST,
        "share": _SHARE,
        "chore": CHORE,
        "tenant_ids": list(tenants),
    }
    cursor.execute(_PUT_OFF, values)


def _find(cursor: Cursor, tenants: Sequence[Id], until: float) -> dict[Id, Found]:
    """Return the rows that are to be looked at, by tenant, also of those with other times only.

    No look takes longer than there is time `until` a moment of the monotonic clock.
    """
    milliseconds = max(1_000, round((until - time.monotonic()) * 1_000))
    cursor.execute(_PATIENCE, [str(milliseconds)])
    now = datetime.now(UTC)
    found: dict[Id, Found] = defaultdict(lambda: defaultdict(list))
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


def _adopt(engine: Engine, tenant_id: Id, rows: Found, until: float) -> bool:
    """Take a tenant's rows as said by them, and tell whether anything changed.

    What is left is due soon.
    """
    batches: list[Found] = [
        {table: keys[start : start + ROWS_A_BATCH]}
        for table in (kind.table for kind in (TENANT, *WITH_PAST, *PLANNED))
        for keys in [rows.get(table, [])]
        for start in range(0, len(keys), ROWS_A_BATCH)
    ]
    changes = 0
    is_left = False
    try:
        for batch in batches or [{}]:
            with transaction(engine) as cursor:
                now = None if time.monotonic() >= until else current.try_lock(cursor, tenant_id)
                if now is None:
                    is_left = True
                    break
                cursor.execute(KEEP_SESSION)
                changes += len(Sync.of_stored(cursor, tenant_id, BY_UPKEEP, now).adopt(batch))
        if is_left:
            with transaction(engine) as cursor:
                put_off(cursor, tenant_id, CHORE, datetime.now(UTC) + SOONEST)
    except Exception as error:
        log.error(NOT_ADOPTED, tenant_id=tenant_id, exc_info=error)
    if changes:
        counts = {table: len(keys) for table, keys in rows.items()}
        log.info(ROWS_ADOPTED, tenant_id=tenant_id, changes=changes, **counts)
    return changes > 0
