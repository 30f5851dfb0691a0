"""Find the shifts whose attendance, or the waiting for it, may have changed.

Each may be a subject, and punches of other people are judged by it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import Cursor

from models.ids import Id
from models.schemas.roster import LONGEST_SHIFT
from worker.load.arrays import texts
from worker.load.ranges import columns, document, merge, unnest
from worker.load.reading import Reading
from worker.load.rows import SHIFT, STANDING, as_shift, as_shifts
from worker.load.tenant import DAY
from worker.load.touched import Touched
from worker.rules.window import Shift

# A moment of judgement may be earlier than the one before it by as much as the clocks of two
# database servers differ.
CLOCKS_DIFFER = timedelta(minutes=1)

# Shifts that changed themselves; whose person changed at about that time; that start or end at a
# moment which passed, or some wait before it; and those before whose start their site had not
# reported until now, or no longer has: they start between its touched punch and the first other.
_NAMED = f"""
SELECT DISTINCT {SHIFT}, {STANDING} FROM (
    SELECT s.* FROM shift s
    WHERE s.tenant_id = %(tenant_id)s AND s.shift_id = ANY(%(shifts)s::text[])
    UNION ALL
    SELECT s.* FROM {unnest("people", "person_id", "bigint")}
    JOIN shift s ON s.tenant_id = %(tenant_id)s AND s.person_id = r.person_id
      AND s.starts_at BETWEEN r.since AND r.until
    UNION ALL
    SELECT s.*
    FROM unnest(%(start_since)s::timestamptz[], %(start_until)s::timestamptz[]) AS r(since, until)
    JOIN shift s ON s.tenant_id = %(tenant_id)s AND s.starts_at BETWEEN r.since AND r.until
    UNION ALL
    SELECT s.*
    FROM unnest(%(end_since)s::timestamptz[], %(end_until)s::timestamptz[]) AS r(since, until)
    JOIN shift s ON s.tenant_id = %(tenant_id)s AND s.ends_at BETWEEN r.since AND r.until
    UNION ALL
    SELECT s.*
    FROM unnest(%(first_site)s::bigint[], %(first_at)s::timestamptz[]) AS r(site_id, occurred_at)
    JOIN shift s ON s.tenant_id = %(tenant_id)s AND s.site_id = r.site_id
      AND s.starts_at BETWEEN greatest(r.occurred_at, %(oldest)s) AND %(as_of)s
    WHERE NOT EXISTS (
        SELECT FROM punch p
        WHERE p.tenant_id = s.tenant_id AND p.site_id = s.site_id AND p.occurred_at < s.starts_at
          AND p.voided_at IS NULL AND p.punch_id NOT IN (SELECT unnest(%(touched)s::text[]))
    )
) s WHERE {STANDING} OR s.shift_id = ANY(%(shifts)s::text[])
"""

_TOGETHER = f"""
SELECT DISTINCT {SHIFT}
FROM unnest(%(site)s::bigint[], %(starts)s::timestamptz[]) AS r(site_id, starts_at)
JOIN shift s ON s.tenant_id = %(tenant_id)s AND s.site_id = r.site_id
  AND s.starts_at = r.starts_at AND {STANDING}
"""


def ask_named(reading: Reading, touched: Touched, as_of: datetime) -> Cursor | None:
    """Send for the shifts that `touched` names by itself. Return None where it names none."""
    names = _names(reading, touched, as_of)
    names_any = touched.shifts or touched.people or touched.swept or names["first_site"]
    return reading.cursor.execute(_NAMED, names) if names_any else None


def affected_shifts(
    reading: Reading, asked: Cursor | None, touched: Touched, own_shifts: Sequence[Shift]
) -> list[Shift]:
    """Return the shifts whose attendance may have changed, and such as count no more.

    `asked` comes from `ask_named`. `own_shifts` are those of the people who punched, at times when
    their presence may have changed.
    """
    rows = asked.fetchall() if asked else []
    named = [as_shift(row) for *row, stands in rows if stands]
    gone = [as_shift(row) for *row, stands in rows if not stands]
    changed = [shift for shift in (*named, *gone) if shift.shift_id in touched.shifts]
    affected = {
        shift.shift_id: shift
        for shift in (*named, *own_shifts, *_beside(reading, changed, touched))
    }
    together = starting_together(reading, [*affected.values(), *gone])
    affected |= {shift.shift_id: shift for shift in together}
    reading.shifts.know(affected.values())
    return [_as_it_was(shift, touched) for shift in (*affected.values(), *gone)]


def _as_it_was(shift: Shift, touched: Touched) -> Shift:
    """Return a shift with everybody whose punches it has to do with: one that changed itself, or
    counts no more, may have been that of a person who has left.
    """
    return shift._replace(person_left=False) if shift.shift_id in touched.shifts else shift


def _beside(reading: Reading, changed: Sequence[Shift], touched: Touched) -> list[Shift]:
    """Return the shifts that are within reach together with one that changed, of the same people at
    its site: check-ins for them may belong to it now, or no more.
    """
    sites, early = {shift.site_id for shift in changed}, reading.reach.early
    ranges = (
        (person_id, shift.starts_at - early, shift.ends_at + early)
        for shift in changed
        for person_id in _as_it_was(shift, touched).entitled
    )
    return [shift for shift in reading.shifts.read(merge(ranges)) if shift.site_id in sites]


def starting_together(reading: Reading, shifts: Iterable[Shift]) -> list[Shift]:
    """Read all shifts that start with one of these at its site, where people may choose between
    them: who attends which depends on all of them.
    """
    starts = sorted({(shift.site_id, shift.starts_at) for shift in shifts if shift.substitutes})
    if not starts:
        return []
    site_ids, starts_at = columns(starts, 2)
    parameters = {"tenant_id": reading.tenant_id, "site": site_ids, "starts": starts_at}
    return as_shifts(reading.cursor.execute(_TOGETHER, parameters).fetchall())


def _names(reading: Reading, touched: Touched, as_of: datetime) -> dict[str, Any]:
    tenant = reading.tenant
    first_at: dict[Id, datetime] = {}  # by site_id
    for punch in touched.punches:
        if punch.occurred_at > as_of:  # no shift after it has begun
            continue
        at = punch.occurred_at
        first_at[punch.site_id] = min(first_at.get(punch.site_id, at), at)
    start_since, start_until = columns(_passed(touched, [timedelta(0), *tenant.no_show]), 2)
    end_since, end_until = columns(_passed(touched, [timedelta(0), *tenant.missing_check_out]), 2)
    return {
        "tenant_id": tenant.tenant_id,
        "shifts": texts(touched.shifts),
        "people": document(merge(_people(reading, touched, as_of))),
        "as_of": as_of,
        "oldest": as_of - timedelta(days=tenant.policies.of_tenant.at(as_of).rejudge_days),
        "start_since": start_since,
        "start_until": start_until,
        "end_since": end_since,
        "end_until": end_until,
        "first_site": list(first_at),
        "first_at": list(first_at.values()),
        "touched": texts(punch.punch_id for punch in touched.punches),
    }


def _people(
    reading: Reading, touched: Touched, as_of: datetime
) -> Iterator[tuple[Id, datetime, datetime]]:
    """Yield when shifts begin that may be judged by what changed of their people, or others by
    them: those that went on at the time, too.
    """
    early = reading.reach.early
    # A clock ahead of ours may report somebody in place of a person whose shift is yet to come.
    ahead = as_of + DAY + early
    # Whoever came at the time may still be there when a later shift begins.
    after = max(DAY, reading.reach.spell, reading.reach.work) + early
    for person_id, since, until in touched.people:
        yield person_id, since - LONGEST_SHIFT, min(until + after, ahead)


def _passed(touched: Touched, waits: list[timedelta]) -> list[tuple[datetime, datetime]]:
    """Return from when to when each wait must have begun to have come to its end in the sweep."""
    if not touched.swept:
        return []
    since, until = touched.swept
    return [(since - wait, until - wait) for wait in waits]
