"""Uses of one thing, a device or a body, among which those by others are found without looking at
each: a pile of them costs what as many apart do.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from models.ids import Id
from worker.rules.window import Punch, in_order

MOST_NAMED = 10  # of the punches, shifts or people that a finding rests on


class Others(NamedTuple):
    """Uses by others: how many they are in all, and the nearest of them, the very nearest first."""

    total: int
    nearest: list[Punch]


class Uses:
    """Punches in order, each of which belongs to somebody: to a person, or to a site."""

    def __init__(self, punches: Sequence[Punch], whose: Callable[[Punch], Id]) -> None:
        self._punches = punches
        self._whose = [whose(punch) for punch in punches]
        self.times = [punch.occurred_at for punch in punches]
        self._places: dict[Id, list[int]] = {}  # by whose
        for place, owner in enumerate(self._whose):
            self._places.setdefault(owner, []).append(place)
        # The next place, on either side, that is of somebody else than this one.
        self._next, self._before = self._turns()

    def places(self, since: datetime, until: datetime) -> tuple[int, int]:
        """Return the places of the uses between two moments, both included: the first, and the one
        after the last.
        """
        return bisect_left(self.times, since), bisect_right(self.times, until)

    def others(self, owner: Id, at: datetime, first: int, last: int) -> "Others":
        """Return the uses at these places that are not of `owner`."""
        own = self._places.get(owner, ())
        count = last - first - (bisect_left(own, last) - bisect_left(own, first))
        return Others(count, list(islice(self._nearest(owner, at, first, last), MOST_NAMED)))

    def _nearest(self, owner: Id, at: datetime, first: int, last: int) -> Iterator[Punch]:
        """Yield the uses at these places that are not of `owner`: the nearest to a moment first, of
        those as near in order.
        """
        middle = bisect_left(self.times, at, first, last)
        earlier, later = self._earlier(owner, first, middle), self._later(owner, middle, last)
        before, after = next(earlier, None), next(later, None)
        while before is not None or after is not None:
            if after is None or (
                before is not None and at - self.times[before] <= self.times[after] - at
            ):
                assert before is not None
                yield self._punches[before]
                before = next(earlier, None)
            else:
                yield self._punches[after]
                after = next(later, None)

    def _earlier(self, owner: Id, first: int, place: int) -> Iterator[int]:
        """Yield the places before this one that are not of `owner`: the latest moment first, each
        moment in order.
        """
        while place > first:
            place -= 1
            if self._whose[place] == owner:
                place = self._before[place]
                if place < first:
                    return
            start = bisect_left(self.times, self.times[place], first, place)
            yield from self._later(owner, start, place + 1)
            place = start

    def _later(self, owner: Id, place: int, last: int) -> Iterator[int]:
        """Yield the places from this one on that are not of `owner`."""
        while place < last:
            if self._whose[place] == owner:
                place = self._next[place]
                continue
            yield place
            place += 1

    def _turns(self) -> tuple[list[int], list[int]]:
        count = len(self._whose)
        following, before = [count] * count, [-1] * count
        for place in range(1, count):
            same = self._whose[place] == self._whose[place - 1]
            before[place] = before[place - 1] if same else place - 1
        for place in range(count - 2, -1, -1):
            same = self._whose[place] == self._whose[place + 1]
            following[place] = following[place + 1] if same else place + 1
        return following, before


def nearest_first(punch: Punch, other: Punch) -> tuple[timedelta, tuple[datetime, bool, bool, str]]:
    """Return the sort key of others by how near to the punch they are in time."""
    return abs(other.occurred_at - punch.occurred_at), in_order(other)
