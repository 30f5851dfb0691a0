"""Shifts whose attendance, or the waiting for it, may have changed: each is a subject, and others'
punches rest on it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg import Cursor

from worker.load.arrays import numbers, texts
from worker.load.ranges import columns, merge
from worker.load.reading import Reading
from worker.load.rows import SHIFT, STANDING, shifts
from worker.load.tenant import DAY
from worker.load.touched import Touched
from worker.rules.window import Shift

# Shifts that changed themselves, whose person changed, that start or end at a moment which passed,
# or some time before; and those before whose start a site had not reported until now (or no longer
# has): from its touched punch to the first other one.
_NAMED = f"""
SELECT DISTINCT {SHIFT} FROM (
    SELECT s.* FROM shift s
    WHERE s.tenant_id = %(tenant_id)s AND s.shift_id = ANY(%(shifts)s::text[])
    UNION ALL
    SELECT s.* FROM unnest(%(people)s::bigint[]) AS r(person_id)
    JOIN shift s ON s.tenant_id = %(tenant_id)s AND s.person_id = r.person_id
      AND s.starts_at BETWEEN %(since)s AND %(ahead)s
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
          AND p.voided_at IS NULL AND p.punch_id <> ALL(%(touched)s::text[])
    )
) s WHERE {STANDING}
"""

_TOGETHER = f"""
SELECT DISTINCT {SHIFT}
FROM unnest(%(site)s::bigint[], %(starts)s::timestamptz[]) AS r(site_id, starts_at)
JOIN shift s ON s.tenant_id = %(tenant_id)s AND s.site_id = r.site_id
  AND s.starts_at = r.starts_at AND {STANDING}
"""


def ask_named(reading: Reading, touched: Touched, as_of: datetime) -> Cursor | None:
    """Send for the shifts that what was touched names by itself, if it names any."""
    names = _names(reading, touched, as_of)
    names_any = touched.shifts or touched.people or touched.swept or names["first_site"]
    return reading.cursor.execute(_NAMED, names) if names_any else None


def affected_shifts(
    reading: Reading, named: Cursor | None, touched: Touched, theirs: Sequence[Shift]
) -> list[Shift]:
    """Uncancelled shifts. `theirs` are of people who punched, at times when their presence may have
    changed.
    """
    changed = shifts(named.fetchall()) if named else []
    found = {
        shift.shift_id: shift for shift in (*changed, *theirs, *_beside(reading, changed, touched))
    }
    found |= {shift.shift_id: shift for shift in starting_together(reading, found.values())}
    reading.shifts.know(found.values())
    return list(found.values())


def _beside(reading: Reading, named: Iterable[Shift], touched: Touched) -> list[Shift]:
    """Shifts of the same people at its site within reach together with one that changed: their
    check-ins may belong to it now.
    """
    changed = [shift for shift in named if shift.shift_id in touched.shifts]
    sites, early = {shift.site_id for shift in changed}, reading.reach.early
    own = reading.shifts.read(
        merge(
            (person, s.starts_at - early, s.ends_at + early)
            for s in changed
            for person in s.entitled
        )
    )
    return [shift for shift in own if shift.site_id in sites]


def starting_together(reading: Reading, some: Iterable[Shift]) -> list[Shift]:
    """All shifts that start with one of these at its site, where people may choose between them:
    who attends which rests on all.
    """
    site, starts = columns(
        sorted({(shift.site_id, shift.starts_at) for shift in some if shift.substitutes}), 2
    )
    if not site:
        return []
    return shifts(
        reading.cursor.execute(
            _TOGETHER, {"tenant_id": reading.tenant_id, "site": site, "starts": starts}
        ).fetchall()
    )


def _names(reading: Reading, touched: Touched, as_of: datetime) -> dict[str, Any]:
    tenant = reading.tenant
    first: dict[int, datetime] = {}
    for punch in touched.punches:
        if punch.occurred_at > as_of:  # before it no shift has begun that none had reported for
            continue
        first[punch.site_id] = min(first.get(punch.site_id, punch.occurred_at), punch.occurred_at)
    start_since, start_until = columns(_passed(touched, [timedelta(0), *tenant.no_show]), 2)
    end_since, end_until = columns(_passed(touched, [timedelta(0), *tenant.missing_check_out]), 2)
    return {
        "tenant_id": tenant.tenant_id,
        "shifts": texts(touched.shifts),
        "people": numbers(touched.people),
        "since": touched.since or as_of,
        "as_of": as_of,
        # Somebody may stand in for a person before their shift begins, by a clock that is ahead of
        # ours.
        "ahead": as_of + DAY + reading.reach.early,
        "oldest": as_of - timedelta(days=tenant.policy.rejudge_days),
        "start_since": start_since,
        "start_until": start_until,
        "end_since": end_since,
        "end_until": end_until,
        "first_site": list(first),
        "first_at": list(first.values()),
        "touched": texts(punch.punch_id for punch in touched.punches),
    }


def _passed(touched: Touched, waits: list[timedelta]) -> list[tuple[datetime, datetime]]:
    """The moments after which each wait came to its end during the sweep."""
    return (
        [(touched.swept[0] - wait, touched.swept[1] - wait) for wait in waits]
        if touched.swept
        else []
    )
