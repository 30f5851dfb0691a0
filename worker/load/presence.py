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


class PersonPunches:
    """A person's punches as they are now, in order, with what is asked of each place among them."""

    def __init__(self, punches: Sequence[Punch], reach: Reach) -> None:
        self.punches = punches
        self.times = [punch.occurred_at for punch in punches]
        self._reach = reach
        self._at_site: dict[int, list[int]] = {}  # places by site_id
        self._first: list[int] = []  # of each place, that of the check-in it only repeats
        for place, punch in enumerate(punches):
            self._at_site.setdefault(punch.site_id, []).append(place)
            self._first.append(self._first[-1] if self._repeats(place) else place)
        self.check_outs = {punch.punch_id for punch in punches if not punch.is_check_in}

    def first_repeated(self, place: int) -> Punch:
        """Return the first of the check-ins that repeat each other up to this place."""
        return self.punches[self._first[place]]

    def last_at_site(self, site_id: int, before: int) -> Punch | None:
        """Return the last punch at a site before a place."""
        places = self._at_site.get(site_id, ())
        earlier = bisect_left(places, before)
        return self.punches[places[earlier - 1]] if earlier else None

    def _repeats(self, place: int) -> bool:
        punch = self.punches[place]
        if not place or not punch.is_check_in:
            return False
        before = self.punches[place - 1]
        return (
            before.is_check_in
            and before.site_id == punch.site_id
            and punch.occurred_at - before.occurred_at <= self._reach.repeat
        )


def presence_change(
    punch: TouchedPunch, person_punches: PersonPunches, reach: Reach
) -> PresenceChange:
    """Return what the punch may have changed.

    `person_punches` are the person's around it, with the one before and the one after their range.
    Before the punch, it changes the spell that it closes, parts or repeats, and the stay that it
    closes at its own site.
    """
    at = punch.occurred_at
    earlier = bisect_left(person_punches.times, at)
    begun = _begun(person_punches, earlier, at, reach)
    # A check-out before it stands as it is: what follows matters to one only as a check-in within
    # its shift, and shifts are looked at.
    before = person_punches.punches[earlier - 1] if earlier else None
    before_at_site = person_punches.last_at_site(punch.site_id, earlier)
    open_check_ins = (
        check_in.occurred_at
        for check_in in (before, before_at_site)
        if check_in and check_in.is_check_in
    )
    since = min(at - reach.buddy, begun or at, *open_check_ins)
    until = max(at, _until(punch, person_punches, earlier, begun, reach)) + reach.early
    return PresenceChange(since, begun or at, until)


def _begun(
    person_punches: PersonPunches, earlier: int, at: datetime, reach: Reach
) -> datetime | None:
    """Return when the spell began that a check-out at that moment would close: its check-in is the
    first of those that repeat each other. `earlier` is the number of punches before that moment.
    """
    if not earlier:
        return None
    before = person_punches.punches[earlier - 1]
    if not before.is_check_in or at - before.occurred_at > reach.spell:
        return None
    return person_punches.first_repeated(earlier - 1).occurred_at


def _until(
    punch: TouchedPunch,
    person_punches: PersonPunches,
    earlier: int,
    begun: datetime | None,
    reach: Reach,
) -> datetime:
    """Return the last moment at which the person may be taken to be somewhere because of this
    punch, or because it is missing.
    """
    at = punch.occurred_at
    following = bisect_right(person_punches.times, at)
    is_check_out = following - earlier == 1 and punch.punch_id in person_punches.check_outs
    # Which of the check-ins before it begins the spell depends on the policy: at the latest the
    # last does, from which the person is then taken to be there the longest.
    opened = person_punches.times[earlier - 1] if begun else at
    presumed = (opened if is_check_out else at) + reach.work
    if (
        following == len(person_punches.punches)
        or person_punches.times[following] - at > reach.spell
    ):
        return presumed
    after = person_punches.punches[following]
    if not after.is_check_in:
        return after.occurred_at
    if after.occurred_at - at <= reach.repeat:
        # Without this punch it may begin a spell of its own.
        return after.occurred_at + reach.spell
    return min(presumed, after.occurred_at)
