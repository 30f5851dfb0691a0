"""How far one touched punch matters to the same person: from which of their punches on, and when
their presence changed.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from worker.load.tenant import Reach
from worker.load.touched import TouchedPunch
from worker.rules.window import Punch


class Change(NamedTuple):
    """What a punch that came or went changes for its person."""

    since: datetime  # from the person's punches at this moment on, outcomes may have changed
    here_since: datetime  # the person's presence at some site may have changed between these two
    here_until: datetime


def change(punch: TouchedPunch, own: Sequence[Punch], reach: Reach) -> Change:
    """`own` are the person's punches around it as they are now, in order, with the one before and
    the one after their range.

    Before it, what changed is the spell it closes, parts or repeats, and the stay it closes at its
    own site.
    """
    at = punch.occurred_at
    earlier = own[: bisect_left(own, at, key=_when)]
    begun = _begun(earlier, at, reach)
    # A check-out before it stands as it is: what follows matters to one only as a check-in within
    # its shift, and shifts are looked at.
    at_site = next((other for other in reversed(earlier) if other.site_id == punch.site_id), None)
    open_before = (
        other.occurred_at
        for other in (earlier[-1] if earlier else None, at_site)
        if other and other.is_check_in
    )
    since = min(at - reach.buddy, begun or at, *open_before)
    return Change(since, begun or at, max(at, _until(punch, own, begun, reach)) + reach.early)


def _begun(earlier: Sequence[Punch], at: datetime, reach: Reach) -> datetime | None:
    """The check-in that a check-out at that moment would close, the first of those that repeat each
    other.
    """
    if not earlier or not earlier[-1].is_check_in or at - earlier[-1].occurred_at > reach.spell:
        return None
    first = earlier[-1]
    for other in reversed(earlier):
        if (
            not other.is_check_in
            or other.site_id != first.site_id
            or first.occurred_at - other.occurred_at > reach.repeat
        ):
            break
        first = other
    return first.occurred_at


def _until(
    punch: TouchedPunch, own: Sequence[Punch], begun: datetime | None, reach: Reach
) -> datetime:
    """The last moment at which the person may be taken to be somewhere because of this punch, or
    for want of it.
    """
    at = punch.occurred_at
    following = own[bisect_right(own, at, key=_when) :]
    simultaneous = len(own) - len(following) - bisect_left(own, at, key=_when)
    is_check_out = (
        any(other.punch_id == punch.punch_id and not other.is_check_in for other in own)
        and simultaneous == 1
    )
    presumed = (begun or at) + reach.work if is_check_out else at + reach.work
    if not following or following[0].occurred_at - at > reach.spell:
        return presumed
    if not following[0].is_check_in:
        return following[0].occurred_at
    if following[0].occurred_at - at <= reach.repeat:
        return at + reach.spell
    return min(presumed, following[0].occurred_at)


def _when(punch: Punch) -> datetime:
    return punch.occurred_at
