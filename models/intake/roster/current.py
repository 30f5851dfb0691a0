"""Bringing rows of the roster up to date once a version of theirs begins or ends.

What is judged is read from the versions, and was noted when they were written. So nothing is noted
here; the rows themselves are for whoever asks how things are by now.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import structlog
from psycopg import Cursor
from sqlalchemy import Engine

from models.database import KEEP_SESSION, transaction
from models.due import put_off, tenants_due
from models.intake.roster import past_tables, tables
from models.intake.roster.changed_keys import policy_of
from models.intake.roster.kinds import SITE, TENANT, WITH_PAST, Kind
from models.intake.roster.laying import lay
from models.intake.roster.past_rows import row_by_now
from models.intake.roster.sync import CHORE
from models.intake.roster.tables import RowKey
from models.intake.submitter import Submitter
from models.locks import tenant_lock_key

NOT_UP_TO_DATE = "roster_not_up_to_date"

log = structlog.get_logger(__name__)

BY_UPKEEP = Submitter("upkeep")

# When nothing is to come, it is due no more: the row goes.
_DONE = "DELETE FROM due WHERE tenant_id = %s AND chore = %s"
_DUE_SINCE = "SELECT at FROM due WHERE tenant_id = %s AND chore = %s"
_BEGUN = """
SELECT DISTINCT {key} FROM {kind}_version
WHERE tenant_id = %(tenant_id)s
    AND (since BETWEEN %(since)s AND %(now)s OR until BETWEEN %(since)s AND %(now)s)
"""
_NEXT = """
SELECT min(moment) FROM (
    SELECT since FROM {kind}_version WHERE tenant_id = %(tenant_id)s AND since > %(now)s
    UNION ALL
    SELECT until FROM {kind}_version
    WHERE tenant_id = %(tenant_id)s AND until > %(now)s AND until <> 'infinity'
) AS coming(moment)
"""


def bring_up_to_date(engine: Engine) -> None:
    """Bring the rows up to date whose version began or ended since the last time, and commit.

    Only tenants of which something was to begin or to end by now are looked at. It waits for
    whoever judges them. One of which that fails holds up no other, and is tried again.
    """
    with transaction(engine) as cursor:
        tenants = tenants_due(cursor, CHORE)
    for tenant_id in tenants:
        try:
            with transaction(engine) as cursor:
                bring_up(cursor, tenant_id, datetime.now(UTC))
        except Exception as error:
            log.error(NOT_UP_TO_DATE, tenant_id=tenant_id, exc_info=error)


def bring_up(cursor: Cursor, tenant_id: int, now: datetime) -> None:
    """Bring the tenant's rows up to date, if that is due by now, and note when it is due next."""
    cursor.execute(KEEP_SESSION)
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [tenant_lock_key(tenant_id)])
    due = cursor.execute(_DUE_SINCE, [tenant_id, CHORE]).fetchone()
    if due is None or due[0] > now:
        return
    values = {"tenant_id": tenant_id, "since": due[0], "now": now}
    policy_changed = [
        _refresh(cursor, tenant_id, kind, _begun(cursor, kind, values), now)
        for kind in (TENANT, *WITH_PAST)
    ]
    if any(policy_changed):
        tables.save_policy(cursor, tenant_id, BY_UPKEEP, is_first=False, at=now)
    coming = (
        moment
        for kind in (TENANT, *WITH_PAST)
        for (moment,) in cursor.execute(_NEXT.format(kind=kind.table), values)
    )
    if following := min((moment for moment in coming if moment), default=None):
        put_off(cursor, tenant_id, CHORE, following)
    else:
        cursor.execute(_DONE, [tenant_id, CHORE])


def _begun(cursor: Cursor, kind: Kind, values: dict[str, object]) -> list[RowKey]:
    key = ", ".join(kind.key) or "tenant_id"
    rows = cursor.execute(_BEGUN.format(kind=kind.table, key=key), values).fetchall()
    return [row if kind.key else () for row in rows]


def _refresh(
    cursor: Cursor, tenant_id: int, kind: Kind, keys: Iterable[RowKey], now: datetime
) -> bool:
    """Write the rows as they are by now. Return whether the policy of one is another."""
    keys = list(keys)
    if not keys:
        return False
    stored = past_tables.load(cursor, tenant_id, kind, keys)
    told = past_tables.statements(cursor, tenant_id, kind, keys)
    rows = {
        key: row
        for key in keys
        if (row := row_by_now(kind, key, stored[key], lay(kind, told[key], now), None, now))
    }
    if rows and kind is TENANT:
        tables.save_tenant(cursor, tenant_id, rows[()], BY_UPKEEP)
    elif rows:
        tables.save(cursor, tenant_id, kind, list(rows.values()), BY_UPKEEP)
    return kind in (TENANT, SITE) and any(
        policy_of(_there(stored[key].row)) != policy_of(_there(row)) for key, row in rows.items()
    )


def _there(row: dict[str, object] | None) -> dict[str, object] | None:
    return None if row is None or row["deleted"] else row
