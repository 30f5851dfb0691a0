"""Punches of kind `tap` say presence without direction: which of them are read as check-ins and
check-outs. Source: DETECTION, "Punches of kind tap".
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from models.policy import Policy
from models.schemas.roster import LONGEST_SHIFT
from worker.rules.values import Punch, Shift

# Where taps follow each other for longer than this before and after, they are cut at each multiple
# of it: nobody stays for so long, and what a tap is read as rests on no others than those around.
LONGEST_RUN = timedelta(hours=96)
DAY = timedelta(hours=24)  # no policy has a gap between taps, or an early window, longer
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Read(NamedTuple):
    """A person's punches, of which each tap has the direction it is read with."""

    punches: Sequence[Punch]
    between: frozenset[str]  # ids of taps within a stay: neither check-in nor check-out


class _Stay(NamedTuple):
    """Places of punches that belong together: the first may be a directed check-in."""

    places: list[int]
    # ids of the own shifts there in whose reach the first is that is in any's
    shifts: frozenset[str]


def read_taps(
    punches: Sequence[Punch],
    own_shifts: Sequence[Shift],
    policy_of: Callable[[Punch | Shift], Policy],
) -> Read:
    """Read a person's punches, which are in turn, by the shifts they are entitled to, by start."""
    if not any(punch.is_tap for punch in punches):
        return Read(punches, frozenset())
    return _Reader(punches, own_shifts, policy_of).read()


def _starts(shift: Shift) -> datetime:
    return shift.starts_at


class _Reader:
    def __init__(
        self,
        punches: Sequence[Punch],
        own_shifts: Sequence[Shift],
        policy_of: Callable[[Punch | Shift], Policy],
    ) -> None:
        self._punches = punches
        self._policy_of = policy_of
        self._own_shifts = own_shifts
        self._runs = list(self._find_runs())
        self._check_outs: set[int] = set()  # places of taps
        self._between: set[int] = set()

    def read(self) -> Read:
        stay: _Stay | None = None
        for place, punch in enumerate(self._punches):
            if stay is None or not self._goes_on(stay, place):
                self._end(stay)
                stay = None
                if punch.is_tap or punch.is_check_in:
                    stay = _Stay([place], frozenset(self._reaches(punch)))
                continue
            stay.places.append(place)
            if not stay.shifts:  # the first in any shift's reach says which the stay is for
                stay = stay._replace(shifts=frozenset(self._reaches(punch)))
            if not punch.is_tap:
                self._between.update(self._taps(stay.places[1:]))
                stay = None
        self._end(stay)
        return Read(
            [self._read(place, punch) for place, punch in enumerate(self._punches)],
            frozenset(self._punches[place].punch_id for place in self._between),
        )

    def _read(self, place: int, punch: Punch) -> Punch:
        if place in self._check_outs or place in self._between:
            return punch._replace(is_check_in=False)
        return punch

    def _end(self, stay: _Stay | None) -> None:
        """End a stay that no directed check-out ends."""
        taps = self._taps(stay.places[1:]) if stay else []
        if not stay or not taps:
            return
        first, last = self._punches[stay.places[0]], self._punches[taps[-1]]
        repeat = timedelta(minutes=self._policy_of(last).repeat_minutes)
        if last.occurred_at - first.occurred_at > repeat:
            self._check_outs.add(taps.pop())
        self._between.update(taps)

    def _taps(self, places: Sequence[int]) -> list[int]:
        return [place for place in places if self._punches[place].is_tap]

    def _goes_on(self, stay: _Stay, place: int) -> bool:
        """Whether the stay goes on with the punch at this place: a tap, or the check-out that ends
        it.
        """
        before, punch = self._punches[stay.places[-1]], self._punches[place]
        if punch.site_id != before.site_id or (punch.is_check_in and not punch.is_tap):
            return False
        shifts = self._reaches(punch)
        if punch.occurred_at - before.occurred_at > timedelta(
            hours=self._policy_of(punch).tap_gap_hours
        ) and shifts.isdisjoint(self._reaches(before)):
            return False
        if not punch.is_tap:
            return True
        if stay.shifts and shifts and shifts.isdisjoint(stay.shifts):
            return False
        return not self._is_cut(place)

    def _reaches(self, punch: Punch) -> set[str]:
        """Return the ids of the own shifts at the punch's site in whose reach it is."""
        holdover = timedelta(minutes=self._policy_of(punch).holdover_minutes)
        near = LONGEST_SHIFT + holdover
        first = bisect_left(self._own_shifts, punch.occurred_at - near, key=_starts)
        last = bisect_right(self._own_shifts, punch.occurred_at + DAY, first, key=_starts)
        return {
            shift.shift_id
            for shift in self._own_shifts[first:last]
            if shift.site_id == punch.site_id
            and shift.starts_at - timedelta(minutes=self._policy_of(shift).early_window_minutes)
            <= punch.occurred_at
            <= shift.ends_at + holdover
        }

    def _find_runs(self) -> Iterator[tuple[datetime, datetime]]:
        """Yield, of each punch, since when and until when taps follow each other around it, each at
        most `tap_gap_hours` after the one before.
        """
        run: list[Punch] = []
        for punch, following in pairwise((*self._punches, None)):
            assert punch is not None
            run.append(punch)
            if following is None or not self._is_run(punch, following):
                yield from [(run[0].occurred_at, run[-1].occurred_at)] * len(run)
                run = []

    def _is_run(self, punch: Punch, following: Punch) -> bool:
        return (
            punch.is_tap
            and following.is_tap
            and punch.site_id == following.site_id
            and following.occurred_at - punch.occurred_at
            <= timedelta(hours=self._policy_of(following).tap_gap_hours)
        )

    def _is_cut(self, place: int) -> bool:
        """Whether a multiple of the longest run lies between a tap and the one before, and both go
        on for as long on either side.
        """
        before, at = self._punches[place - 1].occurred_at, self._punches[place].occurred_at
        multiple = (at - _EPOCH) // LONGEST_RUN
        cut = _EPOCH + multiple * LONGEST_RUN
        since, until = self._runs[place]
        return before < cut and since <= cut - LONGEST_RUN and cut + LONGEST_RUN <= until
