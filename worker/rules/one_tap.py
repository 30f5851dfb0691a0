"""One tap of several: who is not sure that a clock heard them taps again, and a phone's first fix
after waking may be an old one. So repeats of one kind at one site, with nothing between, are one
tap, whose fix is that of its last punch with a good one. Source: DETECTION, "One tap of several".
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from worker.rules.geometry import Place, good_fix_of, place_of
from worker.rules.window import Punch, Stretch, Window


class _Taps(NamedTuple):
    """The taps of a stretch, by the places of its punches there."""

    first: list[int]  # of each punch, the first of its tap
    last: list[int]
    good: list[int]  # the punches with a good fix
    moments: list[datetime]  # of these


def fix_of_tap(window: Window, punch: Punch) -> Punch | None:
    """Return the punch whose fix is that of this punch's tap: None where none of it has a good one.

    No more than `max_spell_hours` on either side are looked at.
    """
    stretch, place = window.place_in_time(punch)
    taps = _taps(window, stretch)
    if taps is None:
        return punch if good_fix_of(window, punch) else None
    longest = timedelta(hours=window.policy_of(punch).max_spell_hours)
    until = bisect_right(taps.moments, punch.occurred_at + longest)
    found = min(until, bisect_right(taps.good, taps.last[place]))
    if not found or taps.good[found - 1] < taps.first[place]:
        return None
    other = stretch.punches[taps.good[found - 1]]
    return other if punch.occurred_at - other.occurred_at <= longest else None


def place_on_ways(window: Window, punch: Punch) -> Place | None:
    """Return where ways go to and from: the fix of the punch's tap, else its site's place at its
    time; None without either.
    """
    return place_of(window, fix_of_tap(window, punch) or punch)


def _taps(window: Window, stretch: Stretch) -> _Taps | None:
    """Return the taps of a stretch; None where each punch is a tap of its own."""
    key = ("taps", id(stretch))
    if key not in window.memo:
        window.memo[key] = _find_taps(window, stretch.punches)
    taps: _Taps | None = window.memo[key]
    return taps


def _find_taps(window: Window, punches: Sequence[Punch]) -> _Taps | None:
    goes_on = [_is_one_tap(window, *pair) for pair in pairwise(punches)]
    if not any(goes_on):
        return None
    first, last = [0], [len(punches) - 1]
    for place, one in enumerate(goes_on, 1):
        first.append(first[-1] if one else place)
    for place in range(len(goes_on) - 1, -1, -1):
        last.append(last[-1] if goes_on[place] else place)
    last.reverse()
    good = [place for place, punch in enumerate(punches) if good_fix_of(window, punch)]
    return _Taps(first, last, good, [punches[place].occurred_at for place in good])


def _is_one_tap(window: Window, punch: Punch, following: Punch) -> bool:
    return (
        following.site_id == punch.site_id
        and following.is_tap == punch.is_tap
        and (punch.is_tap or following.is_check_in == punch.is_check_in)
        and following.occurred_at - punch.occurred_at
        <= timedelta(minutes=window.policy_of(following).repeat_minutes)
    )
