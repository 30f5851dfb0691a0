"""Find every subject whose outcome may have changed by what was touched.

One punch matters to the same person's punches around it; to the shifts they are entitled to around
it, and by them to whoever stands in for somebody at those sites; to other uses of its device and of
the same biometrics; and to later scores of the person. Too many subjects only cost time; one too
few would leave an anomaly standing that no longer holds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from psycopg import Cursor

from models.ids import Id
from worker.load.affected import CLOCKS_DIFFER, affected_shifts, ask_named
from worker.load.missed import find_stood_for
from worker.load.others import other_punches
from worker.load.posts import find_emptied
from worker.load.presence import PersonPunches, PresenceChange, presence_change
from worker.load.ranges import merge
from worker.load.reading import Reading
from worker.load.sources import find_shifts_in_silences
from worker.load.tap_stays import through_stays
from worker.load.tenant import DAY, Reach
from worker.load.touched import Touched, TouchedPunch
from worker.rules.finding import Subject
from worker.rules.window import Punch, Shift


def find_subjects(reading: Reading, touched: Touched, as_of: datetime) -> frozenset[Subject]:
    """Return punches and shifts, also those that are no longer there."""
    reach = reading.reach
    asked = _ask(reading, touched, as_of)
    timelines = _timelines(reading, touched.punches)
    changes = through_stays(reading, _changes(touched.punches, timelines, reach), timelines)
    own_shifts = _own_shifts(reading, changes)
    if any(_is_long(shift, reach) for shift in own_shifts):
        timelines = _timelines(reading, touched.punches, own_shifts)
    shifts = affected_shifts(reading, asked, touched, own_shifts)
    punch_ids = {punch.punch_id for punch in touched.punches} | touched.again
    punch_ids |= set(_own_punches(changes, timelines, own_shifts, reach))
    punch_ids |= other_punches(reading, touched, timelines, shifts, own_shifts, _taps(changes))
    shift_ids = touched.shifts | touched.due_shifts
    shift_ids |= {
        shift.shift_id for shift in shifts if _may_be_missed(reading, shift, touched, as_of)
    }
    shift_ids |= find_shifts_in_silences(reading, touched, shifts, as_of)
    shift_ids |= find_emptied(reading, touched, shifts, as_of)
    shift_ids |= find_stood_for(reading, touched, punch_ids)
    return frozenset(
        (
            *(Subject(punch_id, "") for punch_id in punch_ids),
            *(Subject("", shift_id) for shift_id in shift_ids),
        )
    )


def _taps(
    changes: Iterable[tuple[TouchedPunch, PresenceChange]],
) -> list[tuple[Id, datetime, datetime]]:
    """Return, by person, when the place of a tap may be another now."""
    return [(punch.person_id, change.taps_since, change.taps_until) for punch, change in changes]


def _changes(
    punches: Sequence[TouchedPunch], timelines: Mapping[Id, Sequence[Punch]], reach: Reach
) -> list[tuple[TouchedPunch, PresenceChange]]:
    """Return what each punch may have changed for its person."""
    of_people: dict[Id, PersonPunches] = {}
    for person_id in {punch.person_id for punch in punches}:
        of_people[person_id] = PersonPunches(timelines.get(person_id, ()), reach)
    return [(punch, presence_change(punch, of_people[punch.person_id], reach)) for punch in punches]


def _ask(reading: Reading, touched: Touched, as_of: datetime) -> Cursor | None:
    """Send for all that can be named by now, as far as both steps look, so that it is waited for
    once. Return what `ask_named` does.
    """
    reach, punches = reading.reach, touched.punches
    around = reach.spell + DAY
    reading.timelines.ask(merge(_near(reach, punches)))
    reading.shifts.ask(
        merge((p.person_id, p.occurred_at - around, p.occurred_at + around) for p in punches)
    )
    reading.devices.ask(punch.device_id for punch in punches)
    return ask_named(reading, touched, as_of)


def _near(reach: Reach, punches: Sequence[TouchedPunch]) -> list[tuple[Id, datetime, datetime]]:
    before, after = reach.before, reach.after
    return [(p.person_id, p.occurred_at - before, p.occurred_at + after) for p in punches]


def _timelines(
    reading: Reading, touched_punches: Sequence[TouchedPunch], shifts: Iterable[Shift] = ()
) -> dict[Id, list[Punch]]:
    """Read each person's punches around the touched ones, in order: as far as both steps look, and
    back to where their `shifts` begin.
    """
    reach = reading.reach
    timelines: dict[Id, list[Punch]] = {}  # by person_id
    ranges = _near(reach, touched_punches)
    people = {person_id for person_id, _, _ in ranges}
    ranges += [
        (person_id, shift.starts_at - reach.early, shift.ends_at)
        for shift in shifts
        for person_id in shift.entitled
        if person_id in people and _is_long(shift, reach)
    ]
    for stretch in reading.timelines.read(merge(ranges)):
        timelines.setdefault(stretch.person_id, []).extend(stretch.punches)
    return timelines


def _own_shifts(
    reading: Reading, changes: Iterable[tuple[TouchedPunch, PresenceChange]]
) -> list[Shift]:
    """Read the shifts of the people who punched, where their presence may have changed."""
    ranges = (
        (punch.person_id, change.presence_since, change.presence_until) for punch, change in changes
    )
    return reading.shifts.read(merge(ranges))


def _is_long(shift: Shift, reach: Reach) -> bool:
    """Whether its beginning may lie out of reach of a punch in it."""
    return shift.ends_at - shift.starts_at > reach.before - reach.early


def _may_be_missed(reading: Reading, shift: Shift, touched: Touched, as_of: datetime) -> bool:
    """Whether the shift may be a no-show, or may have been one by an earlier policy. One that was
    over before a change of the roster reaches back is left as it is.
    """
    if touched.since and shift.starts_at < touched.since:
        return False
    is_due = shift.starts_at + reading.tenant.no_show[0] <= as_of + CLOCKS_DIFFER
    return is_due or bool(touched.people or touched.swept)


def _own_punches(
    changes: Iterable[tuple[TouchedPunch, PresenceChange]],
    timelines: Mapping[Id, Sequence[Punch]],
    own_shifts: Iterable[Shift],
    reach: Reach,
) -> Iterator[str]:
    """Yield the ids of people's own punches whose outcome may have changed: all since the change,
    and since the first punch within reach of a shift they were at.
    """
    since: dict[Id, datetime] = {}  # by person_id
    for punch, change in changes:
        since[punch.person_id] = min(since.get(punch.person_id, change.since), change.since)
    for shift in own_shifts:
        for person_id in shift.entitled:
            if person_id in since:
                since[person_id] = min(since[person_id], shift.starts_at - reach.early)
    for person_id, first_at in since.items():
        yield from (
            punch.punch_id
            for punch in timelines.get(person_id, ())
            if punch.occurred_at >= first_at
        )
