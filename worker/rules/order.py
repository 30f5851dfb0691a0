"""The order in which a person's punches follow each other. Source: DETECTION, "Order at one
instant".

Clocks record minutes, and two clocks may differ: so at one instant a check-in may stand before a
check-out or after it, and a check-in elsewhere may seem to come just before the check-out that ends
the spell before it. Times stay what they are.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import groupby, pairwise
from operator import attrgetter

from models.ids import Id
from models.policy import Policy
from worker.rules.values import Punch

PolicyOf = Callable[[Punch], Policy]

_at = attrgetter("occurred_at")


def in_turn(punches: Sequence[Punch], policy_of: PolicyOf) -> Sequence[Punch]:
    """Return a person's punches as they follow each other.

    They come as `in_order` sorts them. Each of them is measured by the policy of its own site.
    """
    ordered = punches
    if any(_are_of_one_instant(*pair) for pair in pairwise(punches)):
        ordered = list(_at_instants(punches, policy_of))
    if any(_may_be_after(*pair, policy_of) for pair in pairwise(ordered)):
        return _Turns(policy_of).of(ordered)
    return ordered


def _are_of_one_instant(punch: Punch, following: Punch) -> bool:
    return punch.occurred_at == following.occurred_at and punch.is_check_in != following.is_check_in


def _at_instants(punches: Sequence[Punch], policy_of: PolicyOf) -> Iterator[Punch]:
    last: Punch | None = None
    for _, group in groupby(punches, key=_at):
        for punch in _at_one_instant(list(group), last, policy_of):
            last = punch
            yield punch


def _at_one_instant(
    together: list[Punch], before: Punch | None, policy_of: PolicyOf
) -> Sequence[Punch]:
    check_outs = [punch for punch in together if not punch.is_check_in]
    if len(check_outs) in (0, len(together)) or (before and _is_there(before, together, policy_of)):
        return together
    left = {punch.site_id for punch in check_outs}
    others = together[len(check_outs) :]
    came = [punch for punch in others if punch.site_id in left and not punch.is_tap]
    rest = [punch for punch in others if punch.site_id not in left or punch.is_tap]
    return [*came, *check_outs, *rest]


def _is_there(before: Punch, together: list[Punch], policy_of: PolicyOf) -> bool:
    """Whether the punch before an instant is a check-in recent enough for its person to leave."""
    work = timedelta(hours=policy_of(before).max_work_hours)
    return _is_check_in(before) and together[0].occurred_at - before.occurred_at <= work


def _may_be_after(check_in: Punch, check_out: Punch, policy_of: PolicyOf) -> bool:
    """Whether a check-in just before a check-out elsewhere may really have come after it."""
    return (
        _is_check_in(check_in)
        and not check_out.is_check_in
        and check_in.site_id != check_out.site_id
        and not _names_one_device(check_in, check_out)
        and check_out.occurred_at - check_in.occurred_at
        <= timedelta(seconds=policy_of(check_out).clock_slack_seconds)
    )


def _is_check_in(punch: Punch) -> bool:
    return punch.is_check_in and not punch.is_tap


def _names_one_device(punch: Punch, other: Punch) -> bool:
    return punch.device_id is not None and punch.device_id == other.device_id


class _Turns:
    """Punches one after the other, of which the check-ins since the last check-out still wait for
    whether one that comes belongs before some of them.

    Each check-out is asked of the last check-in at its site and of the last by its device, so that
    a pile of them costs what as many apart do.
    """

    def __init__(self, policy_of: PolicyOf) -> None:
        self._policy_of = policy_of
        self._turns: list[Punch] = []
        self._ends = False  # whether the last of them is a check-out that ends a spell
        self._waiting: list[Punch] = []  # the check-ins since
        self._first = 0  # of these, the first that was not taken yet
        self._at_site: dict[Id, int] = {}  # the place after the last of those at a site
        self._by_device: dict[str, int] = {}

    def of(self, punches: Sequence[Punch]) -> list[Punch]:
        for punch in punches:
            if punch.is_tap:
                self._take(len(self._waiting), punch)
                self._ends = False
            elif punch.is_check_in:
                self._wait(punch)
            else:
                self._check_out(punch)
        return [*self._turns, *self._waiting[self._first :]]

    def _wait(self, check_in: Punch) -> None:
        self._waiting.append(check_in)
        place = len(self._waiting)
        self._at_site[check_in.site_id] = place
        if check_in.device_id is not None:
            self._by_device[check_in.device_id] = place

    def _check_out(self, punch: Punch) -> None:
        place = self._after(punch)
        before = self._waiting[place - 1] if place > self._first else None
        if before is None and self._turns:
            before = self._turns[-1]
        if place < len(self._waiting) and not (before and self._ends_spell(punch, before)):
            place = len(self._waiting)
            before = self._waiting[-1]
        self._ends = before is not None and self._ends_spell(punch, before)
        self._take(place, punch)

    def _take(self, place: int, punch: Punch) -> None:
        """Have a punch follow those that wait before this place."""
        self._turns += self._waiting[self._first : place]
        self._turns.append(punch)
        self._first = place
        if place == len(self._waiting):
            self._waiting, self._first = [], 0
            self._at_site, self._by_device = {}, {}

    def _after(self, punch: Punch) -> int:
        """Return the place before which the check-out belongs if it ends a spell there: all waiting
        from there on are elsewhere, by other devices, and at most the clock slack before it.
        """
        slack = timedelta(seconds=self._policy_of(punch).clock_slack_seconds)
        place = max(
            self._first,
            self._at_site.get(punch.site_id, 0),
            self._by_device.get(punch.device_id, 0) if punch.device_id is not None else 0,
        )
        return bisect_left(self._waiting, punch.occurred_at - slack, place, key=_at)

    def _ends_spell(self, punch: Punch, before: Punch) -> bool:
        """Whether a check-out that follows this punch ends a spell at its own site, or later."""
        apart = punch.occurred_at - before.occurred_at
        if before.site_id != punch.site_id:
            return False
        if _is_check_in(before):
            return apart <= timedelta(hours=self._policy_of(before).max_spell_hours)
        return (
            self._ends
            and not before.is_tap
            and apart <= timedelta(minutes=self._policy_of(punch).handover_minutes)
        )
