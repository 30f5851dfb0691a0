"""Silences and maintenance windows as rows: reading them, adding one, cancelling one."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import dict_row
from sqlalchemy import Engine

from models.alerts.move import Actor
from models.alerts.moves import MoveRefused
from models.alerts.quiet import Quiet, Span
from models.alerts.rows import lock_alerts
from models.bulk import document, insert
from models.database import transaction
from models.ids import time_ordered_id
from models.recurrence import parse_rule
from models.schemas.quiet import LONGEST, Planned, Recurring, Silence
from models.vocabulary import OPERATORS

# Wall time is at most this far ahead of UTC, or behind it.
_AHEAD = timedelta(hours=14)
_BEHIND = timedelta(hours=12)

_READ = """
SELECT quiet_id, reason, types, severities, sites, people, starts_at, ends_at, starts_wall,
    duration_seconds, rrule
FROM quiet
WHERE tenant_id = %(tenant_id)s AND cancelled_at IS NULL AND starts_at <= %(at)s
    AND (ends_at IS NULL OR ends_at > %(at)s)
ORDER BY quiet_id
"""
# The columns that hold what was sent as it came.
_SENT = {"kind", "reason", "types", "severities", "sites", "people"}
_FIND = "SELECT sites, cancelled_at FROM quiet WHERE tenant_id = %s AND quiet_id = %s FOR UPDATE"
_CANCEL = """
UPDATE quiet SET cancelled_at = %s, cancelled_by = %s WHERE tenant_id = %s AND quiet_id = %s
"""
_WAKE = """
UPDATE alert SET quiet_until = %s
WHERE tenant_id = %s AND quiet_id = %s AND status = 'SUPPRESSED' AND quiet_until IS NOT NULL
"""


def read_quiet(cursor: Cursor, tenant_id: int, at: datetime) -> list[Quiet]:
    """Return what has begun by `at` and is not over for good."""
    with cursor.connection.cursor(row_factory=dict_row) as reader:
        rows = reader.execute(_READ, {"tenant_id": tenant_id, "at": at})
        return [as_quiet(row) for row in rows]


def as_quiet(row: dict[str, Any]) -> Quiet:
    quiet = Quiet(
        row["quiet_id"],
        row["reason"],
        types=frozenset(row["types"]),
        severities=frozenset(row["severities"]),
        sites=frozenset(row["sites"]),
        people=frozenset(row["people"]),
        span=Span(row["starts_at"], row["ends_at"]) if row["rrule"] is None else None,
    )
    if row["rrule"] is None:
        return quiet
    length = timedelta(seconds=row["duration_seconds"])
    return quiet._replace(rule=parse_rule(row["rrule"], row["starts_wall"]), length=length)


def add_quiet(
    engine: Engine,
    tenant_id: int,
    actor: Actor,
    quiet: Silence | Planned | Recurring,
) -> UUID:
    """Store a silence or maintenance window, commit, and return its id.

    An actor of some sites names those that it is for. Raises MoveRefused where they do not, or
    where the actor may not, or where it would be over already.
    """
    _check_role(actor)
    if actor.sites is not None and not (quiet.sites and actor.sites.issuperset(quiet.sites)):
        message = "Name sites that your token covers: it does not cover all of them."
        raise MoveRefused("forbidden", message)
    with transaction(engine) as cursor:
        now = _now(cursor)
        quiet_id = time_ordered_id(now)
        row = {
            "tenant_id": tenant_id,
            "quiet_id": quiet_id,
            "author": actor.sub,
            "created_at": now,
            **quiet.model_dump(include=_SENT),
            **_times(quiet, now),
        }
        cursor.execute(insert("quiet", row), {"rows": document([row])})
    return quiet_id


def cancel_quiet(engine: Engine, tenant_id: int, actor: Actor, quiet_id: UUID) -> None:
    """End a silence or maintenance window now, and commit.

    The next upkeep looks again at the alerts that it hides. Raises MoveRefused where there is none
    that the actor may end, or where it was ended already.
    """
    _check_role(actor)
    with transaction(engine) as cursor:
        now = lock_alerts(cursor, tenant_id)
        row = cursor.execute(_FIND, (tenant_id, quiet_id)).fetchone()
        sites, cancelled_at = row or ((), None)
        out_of_sight = actor.sites is not None and sites and not actor.sites.intersection(sites)
        if row is None or out_of_sight:
            raise MoveRefused("not_found", "There is no such silence or maintenance window.")
        if actor.sites is not None and not (sites and actor.sites.issuperset(sites)):
            message = "It is for sites that your token does not cover as well."
            raise MoveRefused("forbidden", message)
        if cancelled_at is not None:
            raise MoveRefused("conflict", "It was ended already.")
        cursor.execute(_CANCEL, (now, actor.sub, tenant_id, quiet_id))
        cursor.execute(_WAKE, (now, tenant_id, quiet_id))


def _times(quiet: Silence | Planned | Recurring, now: datetime) -> dict[str, Any]:
    """Return the columns that say when it is quiet. Raises MoveRefused where that is over."""
    if isinstance(quiet, Recurring):
        length = timedelta(minutes=quiet.duration_minutes)
        last = parse_rule(quiet.rrule, quiet.starts_at)._until
        ends_at = last and last.replace(tzinfo=UTC) + length + _BEHIND
        if ends_at and ends_at <= now:
            raise MoveRefused("invalid", "rrule: its last window is over.")
        return {
            "starts_at": quiet.starts_at.replace(tzinfo=UTC) - _AHEAD,
            "ends_at": ends_at,
            "starts_wall": quiet.starts_at,
            "duration_seconds": length.total_seconds(),
            "rrule": quiet.rrule,
        }
    if isinstance(quiet, Planned):
        if quiet.ends_at <= now:
            raise MoveRefused("invalid", "ends_at: a maintenance window ends in the future.")
        return {"starts_at": quiet.starts_at, "ends_at": quiet.ends_at}
    if not now < quiet.ends_at <= now + LONGEST:
        raise MoveRefused("invalid", "ends_at: a silence ends in the future, within 31 days.")
    return {"starts_at": now, "ends_at": quiet.ends_at}


def _check_role(actor: Actor) -> None:
    if actor.role not in OPERATORS:
        raise MoveRefused("forbidden", "This needs the role operator or admin.")


def _now(cursor: Cursor) -> datetime:
    row = cursor.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment
