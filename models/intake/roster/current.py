"""Bringing rows of the roster up to date once a version of theirs begins or ends.

What is judged is read from the versions, and was noted when they were written. So nothing is noted
here; the rows themselves are for whoever asks how things are by now.
"""

from datetime import UTC, datetime

import structlog
from psycopg import Cursor
from sqlalchemy import Engine

from models.database import KEEP_SESSION, transaction
from models.due import put_off
from models.ids import Id
from models.intake.roster import tables
from models.intake.roster.kinds import TENANT, WITH_PAST, Kind
from models.intake.submitter import Submitter
from models.locks import tenant_lock_key

NOT_UP_TO_DATE = "roster_not_up_to_date"
# A chore of models.due: tenants have it while a version is to begin or to end.
CHORE = "versions"

log = structlog.get_logger(__name__)

BY_UPKEEP = Submitter("upkeep")

# Who brings rows up to date goes by one clock, the database's, and asks it holding the lock: so
# nobody goes back in time.
_WAIT_LOCK = "SELECT pg_advisory_xact_lock(%s)"
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"
_CLOCK = "SELECT clock_timestamp()"
# When nothing is to come, it is due no more: the row goes.
_DONE = "DELETE FROM due WHERE tenant_id = %s AND chore = %s"
_DUE_SINCE = "SELECT at FROM due WHERE tenant_id = %s AND chore = %s"
_BEGUN = """
UPDATE {kind} SET deleted = false, {assignments}
FROM {kind}_version AS version
WHERE version.tenant_id = %(tenant_id)s AND {kind}.tenant_id = version.tenant_id {same_row}
    AND since BETWEEN %(due_since)s AND %(now)s AND until > %(now)s
"""
# One that is there no more stays as it was last.
_ENDED = """
UPDATE {kind} SET deleted = true, {assignments}
FROM {kind}_version AS version
WHERE version.tenant_id = %(tenant_id)s AND {kind}.tenant_id = version.tenant_id {same_row}
    AND until BETWEEN %(due_since)s AND %(now)s
    AND NOT EXISTS (
        SELECT FROM {kind}_version AS later
        WHERE later.tenant_id = version.tenant_id {same_later}
            AND later.since BETWEEN version.until AND %(now)s
    )
"""
_COMING = """
SELECT since FROM {kind}_version WHERE tenant_id = %(tenant_id)s AND since > %(now)s
UNION ALL
SELECT until FROM {kind}_version
WHERE tenant_id = %(tenant_id)s AND until > %(now)s AND until <> 'infinity'
"""
_NEXT = "SELECT min(moment) FROM ({}) AS coming(moment)".format(
    " UNION ALL ".join(_COMING.format(kind=kind.table) for kind in (TENANT, *WITH_PAST))
)


def bring_up_to_date(engine: Engine, tenant_id: Id) -> None:
    """Bring the tenant's rows up to date whose version began or ended since the last time.

    Where somebody else has the tenant, it is left for the next time, as it is where this fails.
    """
    try:
        with transaction(engine) as cursor:
            cursor.execute(KEEP_SESSION)
            if now := try_lock(cursor, tenant_id):
                bring_up(cursor, tenant_id, now)
    except Exception as error:
        log.error(NOT_UP_TO_DATE, tenant_id=tenant_id, exc_info=error)


def wait_lock(cursor: Cursor, tenant_id: Id) -> datetime:
    """Wait for whoever judges the tenant, hold its lock, and return the moment by now."""
    cursor.execute(_WAIT_LOCK, [tenant_lock_key(tenant_id)])
    return _clock(cursor)


def try_lock(cursor: Cursor, tenant_id: Id) -> datetime | None:
    """Hold the tenant's lock and return the moment by now, or None where somebody else has it."""
    is_held = cursor.execute(_TRY_LOCK, [tenant_lock_key(tenant_id)]).fetchone() == (True,)
    return _clock(cursor) if is_held else None


def _clock(cursor: Cursor) -> datetime:
    (now,) = cursor.execute(_CLOCK).fetchone() or (None,)
    assert isinstance(now, datetime)
    return now.astimezone(UTC)


def bring_up(cursor: Cursor, tenant_id: Id, now: datetime) -> None:
    """Bring the tenant's rows up to date, if that is due by now, and note when it is due next.

    The caller holds the tenant's lock.
    """
    due = cursor.execute(_DUE_SINCE, [tenant_id, CHORE]).fetchone()
    if due is None or due[0] > now:
        return
    values = {"tenant_id": tenant_id, "due_since": due[0], "now": now}
    for kind in (TENANT, *WITH_PAST):
        for update in (_ENDED, _BEGUN):
            cursor.execute(_of_kind(update, kind), values)
    tables.save_policy(cursor, tenant_id, BY_UPKEEP, at=now, if_new=True)
    (following,) = cursor.execute(_NEXT, values).fetchone() or (None,)
    if following:
        put_off(cursor, tenant_id, CHORE, following)
    else:
        cursor.execute(_DONE, [tenant_id, CHORE])


def _of_kind(update: str, kind: Kind) -> str:
    return update.format(
        kind=kind.table,
        assignments=", ".join(f"{name} = version.{name}" for name in kind.past),
        same_row="".join(f" AND {kind.table}.{name} = version.{name}" for name in kind.key),
        same_later="".join(f" AND later.{name} = version.{name}" for name in kind.key),
    )
