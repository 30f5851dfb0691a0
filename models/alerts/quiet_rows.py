"""Silences and maintenance windows as rows: reading them, adding one, cancelling one."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import dict_row
from sqlalchemy import Engine

from models.alerts.calendar import SLACK, Calendar, extend, is_short
from models.alerts.move import Actor
from models.alerts.moves import MoveRefused
from models.alerts.quiet import Quiet, Span
from models.alerts.rows import lock_alerts
from models.bulk import document, insert
from models.database import transaction
from models.ids import Id, is_nobody, spelled, time_ordered_id
from models.numbering import find, store
from models.recurrence import parse_rule
from models.schemas.quiet import LONGEST, Planned, Recurring, Silence
from models.vocabulary import OPERATORS

# Wall time is at most this far ahead of UTC, or behind it.
_AHEAD = timedelta(hours=14)
_BEHIND = timedelta(hours=12)

# Silences and maintenance windows of one tenant that are not over.
MOST_QUIET = 200

# Of a calendar only the days are read on which what is in force may have started: those around the
# moment itself, those around the length before it, and the first after those. A start between is
# never the one that counts, as that first one is in force still.
_READ = """
SELECT quiet_id, reason, types, severities, sites, people, starts_at, ends_at, starts_wall,
    duration_seconds, rrule, calendar_until,
    ARRAY(
        SELECT day + start FROM (
            SELECT day, starts FROM quiet_day AS d
            WHERE d.tenant_id = quiet.tenant_id AND d.quiet_id = quiet.quiet_id
                AND d.day BETWEEN today - %(slack)s AND today + %(slack)s
            UNION
            SELECT day, starts FROM quiet_day AS d
            WHERE d.tenant_id = quiet.tenant_id AND d.quiet_id = quiet.quiet_id
                AND d.day BETWEEN earliest - %(slack)s AND earliest + %(slack)s
            UNION
            (
                SELECT day, starts FROM quiet_day AS d
                WHERE d.tenant_id = quiet.tenant_id AND d.quiet_id = quiet.quiet_id
                    AND d.day > earliest + %(slack)s
                ORDER BY day LIMIT 1
            )
        ) AS near CROSS JOIN unnest(near.starts) AS start
        WHERE rrule IS NOT NULL
        ORDER BY 1
    ) AS starts
FROM quiet
CROSS JOIN LATERAL (
    SELECT (%(at)s AT TIME ZONE 'UTC')::date AS today,
        (%(at)s AT TIME ZONE 'UTC' - make_interval(secs => coalesce(duration_seconds, 0)))::date
            AS earliest
) AS days
WHERE tenant_id = %(tenant_id)s AND cancelled_at IS NULL AND starts_at <= %(at)s
    AND (ends_at IS NULL OR ends_at > %(at)s)
ORDER BY quiet_id
"""
_COUNT = """
SELECT count(*) FROM quiet
WHERE tenant_id = %s AND cancelled_at IS NULL AND (ends_at IS NULL OR ends_at > %s)
"""
_UNKNOWN_SITES = """
SELECT site_id FROM unnest(%(sites)s::bigint[]) AS named(site_id)
WHERE NOT EXISTS (
    SELECT FROM site
    WHERE site.tenant_id = %(tenant_id)s AND site.site_id = named.site_id AND NOT deleted
)
"""
# The columns that hold what was sent as it came.
_SENT = {"kind", "reason", "types", "severities", "sites", "people"}
_FIND = "SELECT sites, cancelled_at FROM quiet WHERE tenant_id = %s AND quiet_id = %s FOR UPDATE"
_CANCEL = """
UPDATE quiet SET cancelled_at = %s, cancelled_by = %s WHERE tenant_id = %s AND quiet_id = %s
"""
_REMOVE_DAYS = "DELETE FROM quiet_day WHERE tenant_id = %s AND quiet_id = %s"
_WAKE = """
UPDATE alert SET quiet_until = %s
WHERE tenant_id = %s AND quiet_id = %s AND status = 'SUPPRESSED' AND quiet_until IS NOT NULL
"""


def read_quiet(cursor: Cursor, tenant_id: Id, at: datetime) -> list[Quiet]:
    """Return what has begun by `at` and is not over for good, with the starts that count then.

    It takes one statement. Calendars that end too soon, which upkeep does not let happen, are
    extended first.
    """
    rows = _read(cursor, tenant_id, at)
    if short := [row for row in rows if row["rrule"] and is_short(row["calendar_until"], at)]:
        extend(cursor, tenant_id, [_calendar(row) for row in short], at)
        rows = _read(cursor, tenant_id, at)
    return [as_quiet(row) for row in rows]


def _read(cursor: Cursor, tenant_id: Id, at: datetime) -> list[dict[str, Any]]:
    values = {"tenant_id": tenant_id, "at": at, "slack": SLACK.days}
    with cursor.connection.cursor(row_factory=dict_row) as reader:
        return reader.execute(_READ, values).fetchall()


def _calendar(row: dict[str, Any]) -> Calendar:
    return Calendar.of(
        row["quiet_id"],
        row["rrule"],
        row["starts_wall"],
        row["duration_seconds"],
        row["calendar_until"],
    )


def as_quiet(row: dict[str, Any]) -> Quiet:
    recurs = row["rrule"] is not None
    return Quiet(
        row["quiet_id"],
        row["reason"],
        types=frozenset(row["types"]),
        severities=frozenset(row["severities"]),
        sites=frozenset(row["sites"]),
        people=frozenset(row["people"]),
        span=None if recurs else Span(row["starts_at"], row["ends_at"]),
        starts=tuple(row["starts"]),
        length=timedelta(seconds=row["duration_seconds"]) if recurs else timedelta(),
    )


def add_quiet(
    engine: Engine,
    tenant_id: Id,
    actor: Actor,
    quiet: Silence | Planned | Recurring,
) -> UUID:
    """Store a silence or maintenance window, commit, and return its id.

    An actor of some sites names those that it is for. Raises MoveRefused where they do not, or
    where the actor may not, where it would be over already, where it names a site that there is
    not, and where the tenant has as many as it may.
    """
    _check_role(actor)
    if actor.sites is not None and not (quiet.sites and actor.sites.issuperset(quiet.sites)):
        message = "Name sites that your token covers: it does not cover all of them."
        raise MoveRefused("forbidden", message)
    quiet = _numbered(engine, tenant_id, quiet)
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
        calendars = [_calendar({**row, "calendar_until": None})] if row.get("rrule") else []
        lock_alerts(cursor, tenant_id)  # of two at once the second counts the first
        _check_sites(cursor, tenant_id, quiet.sites)
        _check_quota(cursor, tenant_id, now)
        cursor.execute(insert("quiet", row), {"rows": document([row])})
        if calendars:
            extend(cursor, tenant_id, calendars, now)
    return quiet_id


def _numbered(
    engine: Engine, tenant_id: Id, quiet: Silence | Planned | Recurring
) -> Silence | Planned | Recurring:
    """Return what is wanted, whose string ids have their numbers: those of people are stored.

    Raises MoveRefused for a string that is no tenant's: nothing may be kept under what stands for
    all of them.
    """
    if is_nobody(tenant_id):
        raise MoveRefused("not_found", "The tenant is not known yet.")
    sites = find(engine, [tenant_id], ((tenant_id, site_id) for site_id in quiet.sites))
    people = store(engine, [tenant_id], ((tenant_id, person_id) for person_id in quiet.people))
    return quiet.model_copy(
        update={
            "sites": [sites.id(tenant_id, site_id) for site_id in quiet.sites],
            "people": [people.id(tenant_id, person_id) for person_id in quiet.people],
        }
    )


def _check_sites(cursor: Cursor, tenant_id: Id, sites: list[Id]) -> None:
    nobodies = list(filter(is_nobody, sites))
    values = {"tenant_id": tenant_id, "sites": [site for site in sites if not is_nobody(site)]}
    rows = cursor.execute(_UNKNOWN_SITES, values).fetchall() if sites else []
    unknown = sorted([*nobodies, *(site_id for (site_id,) in rows)])
    if unknown:
        named = ", ".join(map(spelled, unknown[:10])) + (" ..." if unknown[10:] else "")
        raise MoveRefused("invalid", f"sites: the tenant's roster has no site {named}.")


def _check_quota(cursor: Cursor, tenant_id: Id, now: datetime) -> None:
    row = cursor.execute(_COUNT, (tenant_id, now)).fetchone()
    if row and row[0] >= MOST_QUIET:
        message = (
            f"The tenant has {row[0]} silences and maintenance windows that are not over,"
            f" {MOST_QUIET} at most: end one first."
        )
        raise MoveRefused("conflict", message)


def cancel_quiet(engine: Engine, tenant_id: Id, actor: Actor, quiet_id: UUID) -> None:
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
        cursor.execute(_REMOVE_DAYS, (tenant_id, quiet_id))
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
