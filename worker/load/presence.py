"""How far one touched punch matters to its own person: since when the outcomes of their punches may
have changed, and between which moments their presence.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from worker.load.tenant import Reach
from worker.load.touched import TouchedPunch
from worker.rules.window import Punch


class PresenceChange(NamedTuple):
    """What a punch that came or went may change for its person."""

    since: datetime  # outcomes of the person's punches from this moment on
    presence_since: datetime  # the person's presence at some site, between these two
    presence_until: datetime


def presence_change(
    punch: TouchedPunch, person_punches: Sequence[Punch], reach: Reach
) -> PresenceChange:
    """Return what the punch may have changed.

    `person_punches` are the person's around it as they are now, in order, with the one before and
    the one after their range. Before the punch, it changes the spell that it closes, parts or
    repeats, and the stay that it closes at its own site.
    """
    at = punch.occurred_at
    earlier = person_punches[: bisect_left(person_punches, at, key=_when)]
    begun = _begun(earlier, at, reach)
    # A check-out before it stands as it is: what follows matters to one only as a check-in within
    # its shift, and shifts are looked at.
    before = earlier[-1] if earlier else None
    before_at_site = next((p for p in reversed(earlier) if p.site_id == punch.site_id), None)
    open_check_ins = (
        check_in.occurred_at
        for check_in in (before, before_at_site)
        if check_in and check_in.is_check_in
    )
    since = min(at - reach.buddy, begun or at, *open_check_ins)
    until = max(at, _until(punch, person_punches, begun, reach)) + reach.early
    return PresenceChange(since, begun or at, until)


def _begun(earlier: Sequence[Punch], at: datetime, reach: Reach) -> datetime | None:
    """Return when the spell began that a check-out at that moment would close: its check-in is the
    first of those that repeat each other.
    """
    if not earlier or not earlier[-1].is_check_in or at - earlier[-1].occurred_at > reach.spell:
        return None
    first = earlier[-1]
    for punch in reversed(earlier):
        if (
            not punch.is_check_in
            or punch.site_id != first.site_id
            or first.occurred_at - punch.occurred_at > reach.repeat
        ):
            break
        first = punch
    return first.occurred_at


def _until(
    punch: TouchedPunch, person_punches: Sequence[Punch], begun: datetime | None, reach: Reach
) -> datetime:
    """Return the last moment at which the person may be taken to be somewhere because of this
    punch, or because it is missing.
    """
    at = punch.occurred_at
    following = person_punches[bisect_right(person_punches, at, key=_when) :]
    up_to_at = len(person_punches) - len(following)
    simultaneous = up_to_at - bisect_left(person_punches, at, key=_when)
    is_check_out = simultaneous == 1 and any(
        other.punch_id == punch.punch_id and not other.is_check_in for other in person_punches
    )
    presumed = (begun or at) + reach.work if is_check_out else at + reach.work
    if not following or following[0].occurred_at - at > reach.spell:
        return presumed
    after = following[0]
    if not after.is_check_in:
        return after.occurred_at
    if after.occurred_at - at <= reach.repeat:
        return at + reach.spell
    return min(presumed, after.occurred_at)


def _when(punch: Punch) -> datetime:
    return punch.occurred_at
