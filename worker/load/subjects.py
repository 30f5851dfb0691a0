"""From what was touched to every subject whose outcome it may have changed.

One punch matters to the same person's punches around it; to the shifts they are entitled to around
it, and by them to whoever stands in for somebody at those sites; to other uses of its device and of
the same biometrics; and to later scores of the person. Too many subjects only cost time; one too
few would leave an anomaly standing that no longer holds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from psycopg import Cursor

from worker.load.affected import affected_shifts, ask_named
from worker.load.others import other_punches
from worker.load.presence import Change, change
from worker.load.ranges import merge
from worker.load.reading import Reading
from worker.load.tenant import DAY, Reach
from worker.load.touched import Touched, TouchedPunch
from worker.rules.finding import Subject
from worker.rules.window import Punch, Shift

# A moment of judgement may be earlier than the one before it by as much as the clocks of two
# database servers differ.
_CLOCKS_DIFFER = timedelta(minutes=1)


def find_subjects(reading: Reading, touched: Touched, as_of: datetime) -> frozenset[Subject]:
    """Punches and shifts, also those that are no longer there."""
    reach = reading.reach
    named = _ask(reading, touched, as_of)
    own = _around(reading, touched.punches)
    changes = [
        (punch, change(punch, own.get(punch.person_id, ()), reach)) for punch in touched.punches
    ]
    theirs = reading.shifts.read(
        merge(
            (punch.person_id, changed.here_since, changed.here_until) for punch, changed in changes
        )
    )
    if any(_is_long(shift, reach) for shift in theirs):
        own = _around(reading, touched.punches, theirs)
    shifts = affected_shifts(reading, named, touched, theirs)
    ids = {punch.punch_id for punch in touched.punches} | set(_since(changes, own, theirs, reach))
    ids |= other_punches(reading, touched, own, shifts, theirs)
    shift_ids = touched.shifts | {
        shift.shift_id for shift in shifts if _may_be_missed(reading, shift, touched, as_of)
    }
    return frozenset(
        (
            *(Subject(punch_id, "") for punch_id in ids),
            *(Subject("", shift_id) for shift_id in shift_ids),
        )
    )


def _ask(reading: Reading, touched: Touched, as_of: datetime) -> Cursor | None:
    """Send for all that can be named by now, as far as both steps look, so that it is waited for
    once. Returns the named shifts'.
    """
    reach, moved = reading.reach, touched.punches
    reading.timelines.ask(merge(_near(reach, moved)))
    reading.shifts.ask(
        merge(
            (p.person_id, p.occurred_at - reach.spell - DAY, p.occurred_at + reach.spell + DAY)
            for p in moved
        )
    )
    reading.devices.ask(punch.device_id for punch in moved)
    return ask_named(reading, touched, as_of)


def _near(reach: Reach, moved: Sequence[TouchedPunch]) -> list[tuple[int, datetime, datetime]]:
    before, after = reach.before, reach.after
    return [(p.person_id, p.occurred_at - before, p.occurred_at + after) for p in moved]


def _around(
    reading: Reading, moved: Sequence[TouchedPunch], shifts: Iterable[Shift] = ()
) -> dict[int, list[Punch]]:
    """Each person's punches around the touched ones, in order: as far as both steps look, and back
    to where their `shifts` begin.
    """
    reach = reading.reach
    own: dict[int, list[Punch]] = {}
    ranges = _near(reach, moved)
    people = {person_id for person_id, _, _ in ranges}
    ranges += [
        (person, s.starts_at - reach.early, s.ends_at)
        for s in shifts
        for person in s.entitled
        if person in people and _is_long(s, reach)
    ]
    for stretch in reading.timelines.read(merge(ranges)):
        own.setdefault(stretch.person_id, []).extend(stretch.punches)
    return own


def _is_long(shift: Shift, reach: Reach) -> bool:
    """Whether its beginning may lie out of reach of a punch in it."""
    return shift.ends_at - shift.starts_at > reach.before - reach.early


def _may_be_missed(reading: Reading, shift: Shift, touched: Touched, as_of: datetime) -> bool:
    """Whether the shift may be a no-show, or may have been one by an earlier policy."""
    is_due = shift.starts_at + reading.tenant.no_show[0] <= as_of + _CLOCKS_DIFFER
    return is_due or bool(touched.people or touched.swept)


def _since(
    changes: Sequence[tuple[TouchedPunch, Change]],
    own: Mapping[int, Sequence[Punch]],
    shifts: Sequence[Shift],
    reach: Reach,
) -> Iterator[str]:
    """The person's own punches whose outcome may have changed; for the shifts they were at, from
    the beginning of reach.
    """
    since: dict[int, datetime] = {}
    for punch, changed in changes:
        since[punch.person_id] = min(since.get(punch.person_id, changed.since), changed.since)
    for shift in shifts:
        for person_id in shift.entitled:
            if person_id in since:
                since[person_id] = min(since[person_id], shift.starts_at - reach.early)
    for person_id, first in since.items():
        yield from (
            punch.punch_id for punch in own.get(person_id, ()) if punch.occurred_at >= first
        )
