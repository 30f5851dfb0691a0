"""Shifts whose post may be empty: nobody of those entitled to it was there for long, nor perhaps of
those entitled to others that are on at its site.

Whether one is depends on everybody whom the site's shifts expect, and on the time since somebody of
them went. So it is looked for at the sites of all shifts whose attendance may have changed, and by
a sweep at those of which people went, or could have been expected, just long enough ago.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from models.ids import Id
from models.schemas.roster import LONGEST_SHIFT
from worker.load.affected import CLOCKS_DIFFER
from worker.load.arrays import numbers, texts
from worker.load.ranges import columns, merge
from worker.load.reading import Reading
from worker.load.rows import STANDING
from worker.load.tenant import Tenant
from worker.load.touched import Touched
from worker.load.window_shifts import read_shifts_at
from worker.rules.window import Shift

# A shift is left out whose person surely is there: by a last punch, a check-in, that did not change
# and repeats none. It was not empty before, and is not now.
_EMPTIED = f"""
SELECT s.shift_id FROM unnest(%(sites)s::bigint[]) AS r(site_id)
JOIN shift s ON s.tenant_id = %(tenant_id)s AND s.site_id = r.site_id
  AND s.starts_at BETWEEN %(as_of)s - %(longest)s AND %(begun)s
  AND s.ends_at >= %(ended)s AND {STANDING}
WHERE (SELECT NOT EXISTS (
    SELECT FROM punch c
    WHERE c.tenant_id = s.tenant_id AND c.person_id = s.person_id AND NOT s.person_left
      AND c.occurred_at BETWEEN %(as_of)s - %(least_work)s AND %(as_of)s
      AND c.site_id + 0 = s.site_id AND c.is_check_in AND NOT c.is_tap AND c.voided_at IS NULL
      AND c.punch_id NOT IN (SELECT unnest(%(touched)s::text[]))
      AND (SELECT NOT EXISTS (
        SELECT FROM punch o
        WHERE o.tenant_id = c.tenant_id AND o.person_id = c.person_id
          AND o.occurred_at BETWEEN c.occurred_at - %(repeat)s AND %(as_of)s
          AND o.punch_id <> c.punch_id AND o.voided_at IS NULL
      ))
))
"""
# Who punched, or whose check-in is believed no longer, as long before the sweep as a post may be
# empty.
_WENT = """
SELECT DISTINCT p.person_id, p.occurred_at + r.later
FROM unnest(
    %(since)s::timestamptz[], %(until)s::timestamptz[], %(later)s::interval[]
) AS r(since, until, later)
CROSS JOIN site i
JOIN punch p ON p.tenant_id = i.tenant_id AND p.site_id = i.site_id
  AND p.occurred_at BETWEEN r.since AND r.until AND p.voided_at IS NULL
  AND (p.is_check_in OR r.later = interval '0')
WHERE i.tenant_id = %(tenant_id)s
"""
# The sites of shifts that started or ended as long before.
_EDGES = f"""
SELECT s.site_id
FROM unnest(%(since)s::timestamptz[], %(until)s::timestamptz[]) AS r(since, until)
JOIN shift s ON s.tenant_id = %(tenant_id)s
  AND s.starts_at BETWEEN r.since AND r.until AND {STANDING}
UNION
SELECT s.site_id
FROM unnest(%(since)s::timestamptz[], %(until)s::timestamptz[]) AS r(since, until)
JOIN shift s ON s.tenant_id = %(tenant_id)s
  AND s.ends_at BETWEEN r.since AND r.until AND {STANDING}
"""
_NOW = timedelta(0)


def post_empty(tenant: Tenant) -> list[timedelta]:
    """Return for how long a post may be empty, shortest first."""
    return sorted({timedelta(minutes=m) for m in tenant.policies.values("post_empty_minutes")})


def believed(tenant: Tenant) -> list[timedelta]:
    """Return for how long a check-in without a check-out is believed, shortest first."""
    return sorted({timedelta(hours=hours) for hours in tenant.policies.values("max_work_hours")})


def read_expected_with(reading: Reading, emptied: Iterable[Shift], as_of: datetime) -> list[Shift]:
    """Read the shifts at the site that were on during these so far."""
    return read_shifts_at(
        reading, merge((shift.site_id, shift.starts_at, as_of) for shift in emptied)
    )


def find_emptied(
    reading: Reading, touched: Touched, affected: Sequence[Shift], as_of: datetime
) -> set[str]:
    """Return the ids of shifts that are on whose post may be empty, or may have been.

    `affected` are those whose attendance may have changed, or the waiting for them.
    """
    least = post_empty(reading.tenant)[0]
    begun, ended = as_of + CLOCKS_DIFFER - least, as_of - CLOCKS_DIFFER
    found = {s.shift_id for s in affected if s.starts_at <= begun and s.ends_at >= ended}
    sites = {
        shift.site_id
        for shift in affected
        if shift.starts_at <= as_of and shift.ends_at >= as_of - LONGEST_SHIFT
    }
    if touched.swept:
        sites |= _sites_of_moments(reading, *touched.swept)
    if not sites:
        return found
    parameters = {
        "tenant_id": reading.tenant_id,
        "sites": numbers(sites),
        "as_of": as_of,
        "begun": begun,
        "ended": ended,
        "longest": LONGEST_SHIFT,
        "least_work": believed(reading.tenant)[0],
        "repeat": reading.reach.repeat,
        "touched": texts(punch.punch_id for punch in touched.punches),
    }
    answer = reading.cursor.execute(_EMPTIED, parameters)
    return found | {shift_id for (shift_id,) in answer.fetchall()}


def _sites_of_moments(reading: Reading, since: datetime, until: datetime) -> set[Id]:
    """Return the sites that may have been empty for long enough by a moment of the sweep."""
    waits = post_empty(reading.tenant)
    edges, edges_until = columns(((since - wait, until - wait) for wait in waits), 2)
    asked_edges = reading.cursor.execute(
        _EDGES, {"tenant_id": reading.tenant_id, "since": edges, "until": edges_until}
    )
    went = [
        (since - wait - later, until - wait - later, later)
        for wait in waits
        for later in (_NOW, *believed(reading.tenant))
    ]
    went_since, went_until, later = columns(went)
    parameters = {"since": went_since, "until": went_until, "later": later}
    asked_went = reading.cursor.execute(_WENT, {"tenant_id": reading.tenant_id, **parameters})
    sites = {site_id for (site_id,) in asked_edges.fetchall()}
    expected = reading.shifts.read(merge((who, at, at) for who, at in asked_went.fetchall()))
    return sites | {shift.site_id for shift in expected}
