"""The absences that the window's shifts and check-ins may lie in."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from models.ids import Id
from worker.load.ranges import Range, document, unnest
from worker.load.reading import Reading
from worker.load.roster import merged_into
from worker.load.window_shifts import WindowShifts
from worker.rules.window import Absence, Punch, Shift

_MOMENTS = """
    a.absence_id, a.person_id, a.site_id, a.absent_from, a.absent_from_date, a.absent_to,
    a.absent_to_date, a.reason"""
_OF = """
SELECT a.* FROM {ranges} CROSS JOIN LATERAL (
    SELECT {columns} FROM absence a
    WHERE a.tenant_id = %(tenant_id)s AND a.{key} = r.{key}
      AND a.covers_until >= r.since AND a.covers_since <= r.until AND a.standing
    OFFSET 0
) AS a
"""
_ABSENCES = " UNION ALL ".join(
    _OF.format(ranges=unnest(name, key, "bigint"), columns=_MOMENTS, key=key)
    for name, key in (("people", "person_id"), ("sites", "site_id"))
)


def ask_absences(
    reading: Reading,
    judged: Iterable[Punch],
    shifts: WindowShifts,
    telling: Iterable[Shift],
) -> Callable[[], list[Absence]]:
    """Send for the absences of the judged punches' people, of those whose shifts are subjects or
    `telling`, and of the sites of all shifts, at their starts. Return a function that waits for
    the answer.

    It is one statement, and none where there is neither a punch nor a shift.
    """
    others = merged_into(reading.tenant.merges)
    people = list(
        _hulls(
            (one, at)
            for person_id, at in _people(judged, shifts, telling)
            for one in (person_id, *others.get(person_id, ()))
        )
    )
    sites = list(_hulls((s.site_id, s.starts_at) for s in shifts.by_id.values()))
    if not people and not sites:
        return list
    parameters = {
        "tenant_id": reading.tenant_id,
        "people": document(people),
        "sites": document(sites),
    }
    asked = reading.cursor.execute(_ABSENCES, parameters)
    return lambda: [absence(row) for row in asked.fetchall()]


def absence(row: Iterable[Any]) -> Absence:
    """Return an absence from the columns of the table that say whose it is, when, and why."""
    absence_id, person_id, site_id, moment_from, day_from, moment_to, day_to, reason = row
    return Absence(
        absence_id, person_id, site_id, day_from or moment_from, day_to or moment_to, reason
    )


def _people(
    judged: Iterable[Punch], shifts: WindowShifts, telling: Iterable[Shift]
) -> Iterator[tuple[Id, datetime]]:
    """Yield whose absence matters at which moments."""
    people = set()
    for punch in judged:
        people.add(punch.person_id)
        yield punch.person_id, punch.occurred_at
    for shift in (*shifts.waiting, *telling):
        yield shift.person_id, shift.starts_at
    for shift in shifts.by_id.values():
        yield from (
            (person_id, shift.starts_at) for person_id in shift.entitled if person_id in people
        )


def _hulls(moments: Iterable[tuple[Id, datetime]]) -> Iterator[Range[Id]]:
    """Yield one range for each key, from its first moment to its last."""
    spans: dict[Id, tuple[datetime, datetime]] = {}
    for key, at in moments:
        since, until = spans.get(key, (at, at))
        spans[key] = min(since, at), max(until, at)
    for key, span in spans.items():
        yield Range(key, *span)
