"""The calendars of recurring maintenance windows: their starts, worked out ahead, as rows.

A rule is followed when it is made, and by upkeep a month at a time, never by a judgement. What
reads a calendar that ends too soon, as upkeep has not run for a year or the rule is older than
calendars are, has it extended first, once.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any, NamedTuple, Self
from uuid import UUID

import structlog
from dateutil.rrule import rrule
from psycopg import Cursor
from sqlalchemy import Engine

from models.bulk import document, insert
from models.database import transaction
from models.due import put_off, set_due, tenants_due
from models.ids import Id
from models.recurrence import starts_between, stored_rule

NOT_EXTENDED = "calendar_not_extended"
CHORE = "calendar"
AHEAD = timedelta(days=400)
EXTEND_EVERY = timedelta(days=30)
AGAIN = timedelta(days=1)  # after this upkeep tries again what failed
# Wall time is less than a day from UTC, and a change of clocks moves it by less than another.
SLACK = timedelta(days=2)
BATCH = 20  # calendars that one transaction of upkeep extends

log = structlog.get_logger(__name__)

_DAY_COLUMNS = ("tenant_id", "quiet_id", "day", "starts")
_ADD_DAYS = f"""
{insert("quiet_day", _DAY_COLUMNS)} ON CONFLICT (tenant_id, quiet_id, day) DO NOTHING
"""
_SET_END = """
UPDATE quiet SET calendar_until = %(until)s
WHERE tenant_id = %(tenant_id)s AND quiet_id = ANY(%(quiet_ids)s)
"""
_SHORT = """
SELECT quiet_id, rrule, starts_wall, duration_seconds, calendar_until FROM quiet
WHERE tenant_id = %(tenant_id)s AND rrule IS NOT NULL AND cancelled_at IS NULL
    AND (ends_at IS NULL OR ends_at > %(now)s)
    AND (calendar_until IS NULL OR calendar_until < %(enough)s)
ORDER BY quiet_id LIMIT %(limit)s
"""
_REMOVE_PASSED = """
DELETE FROM quiet_day USING quiet
WHERE quiet.tenant_id = %(tenant_id)s AND quiet_day.tenant_id = quiet.tenant_id
    AND quiet_day.quiet_id = quiet.quiet_id
    AND quiet_day.day < %(today)s - 2 * %(slack)s - make_interval(secs => duration_seconds)
"""


class Calendar(NamedTuple):
    """A recurring maintenance window, and up to which day, without it, its starts are rows."""

    quiet_id: UUID
    rule: rrule  # on naive wall time, with its dtstart
    length: timedelta
    until: date | None = None

    @classmethod
    def of(
        cls,
        quiet_id: UUID,
        rule: str,
        starts_wall: datetime,
        duration_seconds: float,
        until: date | None,
    ) -> Self:
        """Return the calendar of a row of `quiet`."""
        parsed = stored_rule(rule, starts_wall)
        return cls(quiet_id, parsed, timedelta(seconds=duration_seconds), until)


def is_short(until: date | None, at: datetime) -> bool:
    """Tell whether a calendar up to `until` lacks days that count at a moment."""
    return until is None or until <= (at + SLACK).date()


def extend(cursor: Cursor, tenant_id: Id, calendars: Sequence[Calendar], now: datetime) -> None:
    """Work the starts out that each calendar lacks, up to 400 days ahead of `now`.

    It takes three statements, however many calendars there are. Two at once write the same.
    """
    until = (now + AHEAD).date()
    days = [day for calendar in calendars for day in _days(tenant_id, calendar, now, until)]
    cursor.execute(_ADD_DAYS, {"rows": document(days)})
    quiet_ids = [calendar.quiet_id for calendar in calendars]
    cursor.execute(_SET_END, {"tenant_id": tenant_id, "until": until, "quiet_ids": quiet_ids})
    set_due(cursor, tenant_id, CHORE, now + EXTEND_EVERY)


def extend_due(engine: Engine) -> None:
    """Extend the calendars of the tenants of which that is due.

    A tenant of which that fails, or ends the process, holds up no other. It is tried again in a
    day, as its calendars end in a year at the earliest.
    """
    with transaction(engine) as cursor:
        tenants = tenants_due(cursor, CHORE)
    for tenant_id in tenants:
        with transaction(engine) as cursor:
            put_off(cursor, tenant_id, CHORE, datetime.now(UTC) + AGAIN)
        try:
            extend_all(engine, tenant_id)
        except Exception as error:
            log.error(NOT_EXTENDED, tenant_id=tenant_id, exc_info=error)


def extend_all(engine: Engine, tenant_id: Id) -> int:
    """Extend the tenant's calendars, and remove the days that have passed.

    Return how many were extended. They end 370 days from now or later afterwards.
    """
    now, extended = datetime.now(UTC), 0
    while True:
        with transaction(engine) as cursor:
            calendars = _short(cursor, tenant_id, now)
            if not calendars:
                put_off(cursor, tenant_id, CHORE, now + EXTEND_EVERY)
                cursor.execute(
                    _REMOVE_PASSED,
                    {"tenant_id": tenant_id, "today": now.date(), "slack": SLACK},
                )
                return extended
            extend(cursor, tenant_id, calendars, now)
        extended += len(calendars)


def _short(cursor: Cursor, tenant_id: Id, now: datetime) -> list[Calendar]:
    enough = (now + AHEAD - EXTEND_EVERY).date()
    values = {"tenant_id": tenant_id, "now": now, "enough": enough, "limit": BATCH}
    return [Calendar.of(*row) for row in cursor.execute(_SHORT, values)]


def _days(
    tenant_id: Id, calendar: Calendar, now: datetime, until: date
) -> Iterable[dict[str, Any]]:
    """Yield the rows of quiet_day that the calendar lacks: one for each day on which it starts."""
    since = calendar.until or (now - calendar.length - 2 * SLACK).date()
    bounds = (datetime.combine(day, time()) for day in (since, until))
    starts = starts_between(calendar.rule, *bounds)
    for day, of_day in groupby(starts, key=datetime.date):
        values = (tenant_id, calendar.quiet_id, day, [start.time() for start in of_day])
        yield dict(zip(_DAY_COLUMNS, values, strict=True))
