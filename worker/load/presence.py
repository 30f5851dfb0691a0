"""How far one touched punch matters to its own person: since when the outcomes of their punches may
have changed, and between which moments their presence.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from models.ids import Id
from worker.load.tenant import Reach
from worker.load.touched import TouchedPunch
from worker.rules.window import Punch


class PresenceChange(NamedTuple):
    """What a punch that came or went may change for its person."""

    since: datetime  # outcomes of the person's punches from this moment on
    presence_since: datetime  # the person's presence at some site, between these two
    presence_until: datetime
    # The taps of several, one of whose fixes counts, that it may belong to or part.
    taps_since: datetime
    taps_until: datetime


class PersonPunches:
    """A person's punches as they are now, in order, with what is asked of each place among them."""

    def __init__(self, punches: Sequence[Punch], reach: Reach) -> None:
        self.punches = punches
        self.times = [punch.occurred_at for punch in punches]
        self._reach = reach
        self._at_site: dict[Id, list[int]] = {}  # places by site_id
        self._first: list[int] = []  # of each place, that of the punch it only repeats
        self._check_in: list[int] = []  # of each place, the last check-in up to there; else -1
        self._check_out: list[int] = []
        for place, punch in enumerate(punches):
            self._at_site.setdefault(punch.site_id, []).append(place)
            self._first.append(self._first[-1] if self._repeats(place) else place)
            self._check_in.append(place if punch.is_check_in else self._before(self._check_in))
            self._check_out.append(self._before(self._check_out) if punch.is_check_in else place)
        self._last = self._ends_of_taps()
        self._settled = self._settled_at()
        self.check_outs = {punch.punch_id for punch in punches if not punch.is_check_in}

    def first_repeated(self, place: int) -> datetime:
        """Return when the first of the punches of one kind came that repeat each other up to this
        place.
        """
        return self.times[self._first[place]]

    def last_repeating(self, place: int) -> datetime:
        """Return when the last of the punches came that repeat each other from this place on."""
        return self.times[self._last[place]]

    def last_at_site(self, site_id: Id, before: int) -> Punch | None:
        """Return the last punch at a site before a place."""
        places = self._at_site.get(site_id, ())
        earlier = bisect_left(places, before)
        return self.punches[places[earlier - 1]] if earlier else None

    def last_check_in(self, place: int) -> int:
        """Return the place of the last check-in up to this place; -1 where there is none."""
        return self._check_in[place]

    def before_slack(self, place: int, at: datetime) -> int:
        """Return the last place up to this one of what a check-out at that moment may follow:
        check-ins that seem to come just before it may really have come after it.
        """
        return max(
            self._check_out[place],
            bisect_left(self.times, at - self._reach.slack, 0, place + 1) - 1,
        )

    def settled_at(self, place: int) -> datetime:
        """Return from when on the order of punches at one instant no longer depends on what came
        before this place.
        """
        return self._settled[place]

    @staticmethod
    def _before(places: list[int]) -> int:
        return places[-1] if places else -1

    def _repeats(self, place: int) -> bool:
        if not place:
            return False
        punch, before = self.punches[place], self.punches[place - 1]
        return (
            before.is_check_in == punch.is_check_in
            and before.site_id == punch.site_id
            and punch.occurred_at - before.occurred_at <= self._reach.repeat
        )

    def _ends_of_taps(self) -> list[int]:
        last = list(range(len(self.punches)))
        for place in range(len(last) - 2, -1, -1):
            if self._first[place + 1] != place + 1:
                last[place] = last[place + 1]
        return last

    def _settled_at(self) -> list[datetime]:
        settled = list(self.times)
        following = len(settled)  # the first place of the instant after
        while following:
            place = bisect_left(self.times, self.times[following - 1])
            kinds = {punch.is_check_in for punch in self.punches[place:following]}
            if len(kinds) > 1 and following < len(settled):
                settled[place:following] = [settled[following]] * (following - place)
            following = place
        return settled


def presence_change(
    punch: TouchedPunch, person_punches: PersonPunches, reach: Reach
) -> PresenceChange:
    """Return what the punch may have changed.

    `person_punches` are the person's around it, with the one before and the one after their range.
    Before the punch, it changes the spell that it closes, parts or repeats, the one whose end it
    moves or whose bounce it shows, the stay that it closes at its own site, and the tap that it is
    one of.
    """
    at = punch.occurred_at
    earlier = bisect_left(person_punches.times, at)
    begun = _begun(punch, person_punches, earlier, reach)
    taps_since, taps_until = _taps(person_punches, earlier, at, reach)
    before = person_punches.punches[earlier - 1] if earlier else None
    before_at_site = person_punches.last_at_site(punch.site_id, earlier)
    open_check_ins = (
        check_in.occurred_at
        for check_in in (before, before_at_site)
        if check_in and check_in.is_check_in
    )
    since = min(taps_since - reach.buddy, at - reach.slack, begun or at, *open_check_ins)
    until = max(at, _until(punch, person_punches, earlier, begun, reach)) + reach.early
    return PresenceChange(
        since,
        min(begun or at, at - reach.slack) - reach.holdover,
        max(until, _settled(person_punches, earlier, at, reach)),
        taps_since,
        taps_until,
    )


def _begun(
    punch: TouchedPunch, person_punches: PersonPunches, earlier: int, reach: Reach
) -> datetime | None:
    """Return when the spell began that a check-out at that moment would close, or whose end it
    would move: its check-in is the first of those that repeat each other. `earlier` is the number
    of punches before that moment.
    """
    at = punch.occurred_at
    place = person_punches.before_slack(earlier - 1, at) if earlier else -1
    if place < 0:
        return None
    if not person_punches.punches[place].is_check_in:
        # That one stands as it is, unless a check-out follows it now, or no longer.
        if _is_known_check_in(punch, person_punches, earlier):
            return None
        place = person_punches.last_check_in(place)
    if place < 0 or at - person_punches.times[place] > reach.spell:
        return None
    return person_punches.first_repeated(place)


def _is_known_check_in(punch: TouchedPunch, person_punches: PersonPunches, earlier: int) -> bool:
    """Whether the punch is the only one at its moment, a check-in, and no check-out follows."""
    following = bisect_right(person_punches.times, punch.occurred_at)
    return (
        following - earlier == 1
        and person_punches.punches[earlier].punch_id == punch.punch_id
        and person_punches.punches[earlier].is_check_in
        and (
            following == len(person_punches.punches)
            or person_punches.punches[following].is_check_in
        )
    )


def _taps(
    person_punches: PersonPunches, earlier: int, at: datetime, reach: Reach
) -> tuple[datetime, datetime]:
    since = until = at
    if earlier and at - person_punches.times[earlier - 1] <= reach.repeat:
        since = person_punches.first_repeated(earlier - 1)
    following = bisect_right(person_punches.times, at)
    if (
        following < len(person_punches.times)
        and person_punches.times[following] - at <= reach.repeat
    ):
        until = person_punches.last_repeating(following)
    return since, until


def _settled(person_punches: PersonPunches, earlier: int, at: datetime, reach: Reach) -> datetime:
    """Return until when the order of punches at one instant may be another because of this one, and
    with it where the person was.
    """
    following = bisect_right(person_punches.times, at)
    settled = max(
        (
            person_punches.settled_at(place)
            for place in (earlier, following)
            if place < len(person_punches.times)
        ),
        default=at,
    )
    near = following == len(person_punches.times) or settled == person_punches.times[following]
    return at if near or settled <= at else settled + reach.spell


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
        return after.occurred_at + reach.spell
    if after.occurred_at - at <= max(reach.repeat, reach.slack):
        # Without this punch it may begin a spell of its own; or come before a check-out.
        return after.occurred_at + reach.spell
    return min(presumed, after.occurred_at)
