"""The shifts of a window: those of whoever is judged, and all whose attendance matters to them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from models.ids import Id
from models.schemas.roster import LONGEST_SHIFT
from worker.load.affected import starting_together
from worker.load.ranges import Range, document, merge, unnest
from worker.load.reading import Reading
from worker.load.rows import SHIFT, STANDING, as_shifts
from worker.load.tenant import DAY, Reach
from worker.rules.finding import Subject
from worker.rules.window import Punch, Shift

PersonRange = tuple[Id, datetime, datetime]  # person_id, since, until

_SITE_SHIFTS = f"""
SELECT DISTINCT {SHIFT}
FROM {unnest("ranges", "site_id", "bigint")}
JOIN shift s ON s.tenant_id = %(tenant_id)s AND s.site_id = r.site_id
  AND s.starts_at BETWEEN r.since - %(longest)s AND r.until AND s.ends_at >= r.since AND {STANDING}
"""


class WindowShifts(NamedTuple):
    waiting: list[Shift]  # subjects themselves: did somebody entitled come?
    own: dict[Id, list[Shift]]  # by person: waiting, or around one of their judged punches
    attended: dict[str, Shift]  # by shift_id: it matters who attends them
    # When a stranger may have checked in earlier for the same shift: the first such check-in stands
    # in somebody's place.
    earlier: list[PersonRange]
    by_id: dict[str, Shift]  # all of these, and what else people might attend or be excused by


def read_window_shifts(
    reading: Reading,
    subjects: Iterable[Subject],
    judged: Iterable[Punch],
    telling: Iterable[Shift] = (),
) -> WindowShifts:
    """Read the shifts by which the judged punches and the shifts among the subjects are judged.

    `telling` are further shifts of which it matters who attends them.
    """
    reach = reading.reach
    waiting = reading.shifts.named(s.shift_id for s in subjects if s.shift_id)
    rostered = {s.shift_id: s for s in (*waiting, *reading.shifts.read(_around(judged, reach)))}
    own = _by_person(rostered.values())
    strangers = [p for p in judged if p.is_check_in and not _has_shift(p, own, reach)]
    site_shifts = _site_shifts(reading, strangers)
    within_reach = list(_within_reach(strangers, site_shifts, reach))
    attended, entitled = _attended(
        reading, (*waiting, *telling, *(shift for _, shift in within_reach), *_shared(judged, own))
    )
    earlier = [
        (punch.person_id, shift.starts_at - reach.early, punch.occurred_at)
        for punch, shift in within_reach
    ]
    excusing = reading.shifts.read(
        merge((person_id, since - DAY, until + DAY) for person_id, since, until in earlier)
    )
    every = (*rostered.values(), *site_shifts, *attended.values(), *entitled, *excusing)
    return WindowShifts(waiting, own, attended, earlier, {s.shift_id: s for s in every})


def presence_ranges(attended: Iterable[Shift], reach: Reach) -> Iterator[PersonRange]:
    """Yield when the presence of whoever is entitled to a shift decides whether it is attended."""
    for shift in attended:
        since, until = shift.starts_at - reach.early - reach.spell, shift.ends_at + reach.spell
        for person_id in shift.entitled:
            yield person_id, since, until


def _around(judged: Iterable[Punch], reach: Reach) -> Iterator[Range[Id]]:
    """When shifts begin or end that a punch may belong to, that excuse it, or that its spell ran
    into.
    """
    around = reach.spell + DAY
    return merge((p.person_id, p.occurred_at - around, p.occurred_at + around) for p in judged)


def _by_person(rostered: Iterable[Shift]) -> dict[Id, list[Shift]]:
    own: dict[Id, list[Shift]] = {}
    for shift in rostered:
        for person_id in shift.entitled:
            own.setdefault(person_id, []).append(shift)
    return own


def _has_shift(punch: Punch, own: Mapping[Id, list[Shift]], reach: Reach) -> bool:
    """Whether the person has a shift at this site within reach, whichever policy applies."""
    return any(
        s.site_id == punch.site_id
        and s.starts_at - reach.least_early <= punch.occurred_at <= s.ends_at
        for s in own.get(punch.person_id, ())
    )


def _site_shifts(reading: Reading, strangers: Iterable[Punch]) -> list[Shift]:
    """Read everybody's shifts at the site within a day of a check-in by somebody who has none."""
    return read_shifts_at(
        reading, merge((p.site_id, p.occurred_at - DAY, p.occurred_at + DAY) for p in strangers)
    )


def read_shifts_at(reading: Reading, site_ranges: Iterable[Range[Id]]) -> list[Shift]:
    """Read everybody's shifts that touch the ranges at their sites."""
    ranges = list(site_ranges)
    if not ranges:
        return []
    parameters = {
        "tenant_id": reading.tenant_id,
        "longest": LONGEST_SHIFT,
        "ranges": document(ranges),
    }
    return as_shifts(reading.cursor.execute(_SITE_SHIFTS, parameters).fetchall())


def _within_reach(
    strangers: Iterable[Punch], site_shifts: Iterable[Shift], reach: Reach
) -> Iterator[tuple[Punch, Shift]]:
    """Each stranger's check-in with the shifts within its reach: it matters who attends them."""
    at_site: dict[Id, list[Shift]] = {}
    for shift in site_shifts:
        at_site.setdefault(shift.site_id, []).append(shift)
    for punch in strangers:
        for shift in at_site.get(punch.site_id, ()):
            if shift.starts_at - reach.early <= punch.occurred_at <= shift.ends_at:
                yield punch, shift


def _shared(judged: Iterable[Punch], own: Mapping[Id, list[Shift]]) -> Iterator[Shift]:
    """Own shifts in which somebody else's presence matters: where the person only substitutes, or
    has a choice.
    """
    for person_id in {punch.person_id for punch in judged}:
        starts: dict[tuple[Id, datetime], list[Shift]] = {}
        for shift in own.get(person_id, ()):
            starts.setdefault((shift.site_id, shift.starts_at), []).append(shift)
        for together in starts.values():
            yield from (s for s in together if len(together) > 1 or s.person_id != person_id)


def _attended(
    reading: Reading, attended_shifts: Iterable[Shift]
) -> tuple[dict[str, Shift], list[Shift]]:
    """Return, by shift_id, the shifts of which it matters who attends them: these and those that
    people may attend instead. And, as a list, all shifts of the people entitled to any of them.
    """
    attended = {shift.shift_id: shift for shift in attended_shifts}
    attended |= _by_id(starting_together(reading, attended.values()))
    entitled = reading.shifts.read(merge(presence_ranges(attended.values(), reading.reach)))
    if alternatives := _alternatives(entitled, attended):
        attended |= _by_id((*alternatives, *starting_together(reading, alternatives)))
        entitled = reading.shifts.read(merge(presence_ranges(attended.values(), reading.reach)))
    return attended, entitled


def _alternatives(entitled: Iterable[Shift], attended: Mapping[str, Shift]) -> list[Shift]:
    """Shifts of the same people that start with one of `attended` at its site."""
    starts = {(shift.site_id, shift.starts_at) for shift in attended.values()}
    return [
        s for s in entitled if s.shift_id not in attended and (s.site_id, s.starts_at) in starts
    ]


def _by_id(rows: Iterable[Shift]) -> dict[str, Shift]:
    return {shift.shift_id: shift for shift in rows}
