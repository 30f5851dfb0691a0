"""Where one person's biometrics were taken: the uses elsewhere that leave no time for the way."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Literal, NamedTuple

from models.ids import Id
from models.policy import Policy
from worker.rules.biometrics import whose
from worker.rules.geometry import Place, place_of, way
from worker.rules.one_tap import place_on_ways
from worker.rules.uses import MOST_NAMED, Others, Uses, nearest_first
from worker.rules.window import Punch, Window

_Kind = Literal["check-in", "check-out", "tap"]
# Which way somebody may have gone between a punch and another use: to the punch, as a check-in may
# follow a check-out; from it; or either way, as of two taps each may be both.
_Goes = Literal["to it", "from it", "either way"]


class _Kinds(NamedTuple):
    """Between a punch of one kind and uses of which others somebody may have gone, and how."""

    alike: tuple[_Kind, ...]  # between these nobody goes
    unlike: tuple[tuple[_Kind, _Goes], ...]


_KINDS: dict[_Kind, _Kinds] = {
    "check-in": _Kinds(("check-in",), (("check-out", "to it"), ("tap", "to it"))),
    "check-out": _Kinds(("check-out",), (("check-in", "from it"), ("tap", "from it"))),
    "tap": _Kinds((), (("check-in", "from it"), ("check-out", "to it"), ("tap", "either way"))),
}


class _Spot(NamedTuple):
    """Uses at one site and from one place, which is None where it is unknown."""

    site_id: Id
    place: Place | None
    uses: Uses


class _Body(NamedTuple):
    """Uses of one body that are of one kind."""

    uses: Uses
    spots: list[_Spot]


def impossible_uses(
    window: Window, person_id: Id, punch: Punch, within: timedelta, policy: Policy
) -> Others:
    """Return the uses of the person's body at other sites, at most so far from the punch in time,
    that leave no time for the way between.

    Only a check-out followed by a check-in may leave it, and does where the way is unknown; a tap
    may be either. Of other devices the clock may differ by `clock_slack_seconds`, which leaves so
    much more time. So each that is impossible by all that is so on the punch's own device as well.
    """
    at = punch.occurred_at
    slack = timedelta(seconds=policy.clock_slack_seconds)
    start = _place(window, punch)
    kinds = _KINDS[_kind(punch)]
    some = []
    for kind in kinds.alike:
        alike = _body(window, person_id, kind).uses
        some.append(alike.others(punch.site_id, at, *alike.places(at - within, at + within)))
    total = 0
    for kind, goes in kinds.unlike:
        unlike = _body(window, person_id, kind)
        some += _without_time(unlike, punch, start, within, policy, slack, goes)
        if punch.device_id is not None:
            same = _body(window, person_id, kind, punch.device_id)
            exactly = _without_time(same, punch, start, within, policy, timedelta(0), goes)
            in_any_case = _without_time(same, punch, start, within, policy, slack, goes)
            total += sum(others.total for others in exactly)
            total -= sum(others.total for others in in_any_case)
            some += [others._replace(total=0) for others in exactly]
    total += sum(others.total for others in some)
    nearest = {use.punch_id: use for others in some for use in others.nearest}
    in_turn = sorted(nearest.values(), key=partial(nearest_first, punch))
    return Others(total, in_turn[:MOST_NAMED])


def _without_time(
    unlike: _Body,
    punch: Punch,
    start: Place | None,
    within: timedelta,
    policy: Policy,
    slack: timedelta,
    goes: _Goes,
) -> list[Others]:
    """Return the uses of one kind that leave no time for the way, where the clocks may differ by so
    much, or that the way cannot go from or to as it `goes`.
    """
    at = punch.occurred_at
    uses = unlike.uses
    first, last = uses.places(at - within, at + within)
    beside: list[tuple[int, int]] = []
    if goes == "to it":
        beside.append((max(first, bisect_right(uses.times, at + slack, first, last)), last))
    elif goes == "from it":
        beside.append((first, min(last, bisect_left(uses.times, at - slack, first, last))))
    some = [uses.others(punch.site_id, at, *places) for places in beside]
    if start is not None:
        some += [
            spot.uses.others(punch.site_id, at, *places)
            for spot in unlike.spots
            if spot.site_id != punch.site_id
            for places in _too_near(spot, punch, start, within, policy, slack, goes)
        ]
    return some


def _too_near(
    spot: _Spot,
    punch: Punch,
    place: Place,
    within: timedelta,
    policy: Policy,
    slack: timedelta,
    goes: _Goes,
) -> list[tuple[int, int]]:
    """Return the places, in the spot's uses, of those from which the punch cannot be reached in
    time, or the other way round: they are together, nearest to it in time.
    """
    if spot.place is None:
        return []
    at = punch.occurred_at
    gone = way(spot.place, place, 0.0, policy, slack.total_seconds())

    def is_beyond(apart: timedelta) -> bool:
        return gone._replace(seconds=apart.total_seconds()).is_beyond(
            policy.min_travel_km, policy.max_travel_speed_kmh
        )

    times = spot.uses.times
    first, last = spot.uses.places(at - within, at + within)
    middle = bisect_right(times, at, first, last)
    near = []
    if goes != "from it":
        end = middle if goes == "either way" else bisect_right(times, at + slack, first, last)
        near.append((bisect_left(times, True, first, end, key=lambda t: is_beyond(at - t)), end))
    if goes != "to it":
        start = middle if goes == "either way" else bisect_left(times, at - slack, first, last)
        near.append(
            (start, bisect_left(times, True, start, last, key=lambda t: not is_beyond(t - at)))
        )
    return near


def _body(window: Window, person_id: Id, kind: _Kind, device_id: str | None = None) -> _Body:
    """Return the uses of a body of one kind: all, or those on a device."""
    key = ("body", person_id, kind)
    if key not in window.memo:
        by_device: dict[str | None, list[Punch]] = {None: []}
        for use in window.biometric_uses.get(person_id, ()):
            if _kind(use) == kind:
                by_device[None].append(use)
                if use.device_id is not None:
                    by_device.setdefault(use.device_id, []).append(use)
        window.memo[key] = {name: _body_of(window, uses) for name, uses in by_device.items()}
    bodies: dict[str | None, _Body] = window.memo[key]
    return bodies.get(device_id) or _body_of(window, ())


def _body_of(window: Window, uses: Sequence[Punch]) -> _Body:
    by_spot: dict[tuple[Id, Place | None], list[Punch]] = {}
    for use in uses:
        by_spot.setdefault((use.site_id, _place(window, use)), []).append(use)
    return _Body(
        Uses(uses, _site), [_Spot(*spot, Uses(some, _site)) for spot, some in by_spot.items()]
    )


def _kind(use: Punch) -> _Kind:
    if use.is_tap:
        return "tap"
    return "check-in" if use.is_check_in else "check-out"


def _place(window: Window, use: Punch) -> Place | None:
    """Return where a use was taken: what was taken as somebody else's stands for itself, as no
    punches around it were read.
    """
    return place_on_ways(window, use) if whose(use) == use.person_id else place_of(window, use)


def _site(use: Punch) -> Id:
    return use.site_id
