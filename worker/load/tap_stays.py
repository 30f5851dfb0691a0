"""Taps make stays with those around them: how far a change at one of them matters, and the shifts
by which they are read.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from models.ids import Id
from worker.load.presence import PresenceChange
from worker.load.ranges import merge
from worker.load.reading import Reading
from worker.load.tenant import Reach
from worker.load.touched import TouchedPunch
from worker.rules.taps import DAY
from worker.rules.window import Punch, Shift, Stretch

Change = tuple[TouchedPunch, PresenceChange]


def shifts_of_taps(reading: Reading, stretches: Iterable[Stretch]) -> list[Shift]:
    """Read the shifts in whose reach anything of people who tap may be: one statement, where any
    does.
    """
    return reading.shifts.read(
        merge(
            (stretch.person_id, *_around(stretch.punches))
            for stretch in stretches
            if any(punch.is_tap for punch in stretch.punches)
        )
    )


def through_stays(
    reading: Reading, changes: Sequence[Change], timelines: Mapping[Id, Sequence[Punch]]
) -> list[Change]:
    """Return the changes, those of people who tap as far as stays reach around them."""
    tapping = {
        person_id: punches
        for person_id, punches in timelines.items()
        if any(punch.is_tap for punch in punches)
    }
    if not tapping:
        return list(changes)
    shifts = reading.shifts.read(
        merge((person_id, *_around(punches)) for person_id, punches in tapping.items())
    )
    chains = {
        person_id: _Chains(punches, shifts, reading.reach) for person_id, punches in tapping.items()
    }
    return [
        (
            punch,
            _widened(punch, change, chains[punch.person_id], reading.reach)
            if punch.person_id in chains
            else change,
        )
        for punch, change in changes
    ]


def _around(punches: Sequence[Punch]) -> tuple[datetime, datetime]:
    return punches[0].occurred_at - DAY, punches[-1].occurred_at + DAY


class _Chains:
    """A person's punches, of which those that may be of one stay hang together."""

    def __init__(self, punches: Sequence[Punch], shifts: Iterable[Shift], reach: Reach) -> None:
        self.times = [punch.occurred_at for punch in punches]
        self._gap = reach.tap_gap
        person_id = punches[0].person_id
        self._reaches = [
            (shift.starts_at - reach.early, shift.ends_at + reach.holdover)
            for shift in shifts
            if person_id in shift.entitled
        ]
        linked = [later - at <= self._gap for at, later in pairwise(self.times)]
        for since, until in self._reaches:
            first, last = bisect_left(self.times, since), bisect_right(self.times, until)
            linked[first : last - 1] = [True] * max(0, last - 1 - first)
        self._first = list(range(len(self.times)))
        for place, is_linked in enumerate(linked, 1):
            if is_linked:
                self._first[place] = self._first[place - 1]
        self._last = list(range(len(self.times)))
        for place in range(len(linked) - 1, -1, -1):
            if linked[place]:
                self._last[place] = self._last[place + 1]

    def around(self, at: datetime) -> tuple[datetime, datetime]:
        """Return from when to when punches may be of one stay with one at that moment."""
        earlier, following = bisect_left(self.times, at), bisect_right(self.times, at)
        since = until = at
        if earlier and self._hang_together(self.times[earlier - 1], at):
            since = self.times[self._first[earlier - 1]]
        if following < len(self.times) and self._hang_together(at, self.times[following]):
            until = self.times[self._last[following]]
        return since, until

    def _hang_together(self, at: datetime, later: datetime) -> bool:
        return later - at <= self._gap or any(
            since <= at and later <= until for since, until in self._reaches
        )


def _widened(
    punch: TouchedPunch, change: PresenceChange, chains: _Chains, reach: Reach
) -> PresenceChange:
    since, until = chains.around(punch.occurred_at)
    before = timedelta(0) if since == punch.occurred_at else reach.holdover
    return change._replace(
        since=min(change.since, since - reach.buddy),
        presence_since=min(change.presence_since, since - before),
        presence_until=max(change.presence_until, until + reach.spell + reach.early),
    )
