"""Where one person's biometrics were taken: the uses elsewhere that leave no time for the way."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from models.policy import Policy
from worker.rules.biometrics import whose
from worker.rules.geometry import Place, place_of, way
from worker.rules.one_tap import place_on_ways
from worker.rules.uses import MOST_NAMED, Others, Uses, nearest_first
from worker.rules.window import Punch, Window


class _Spot(NamedTuple):
    """Uses at one site and from one place, which is None where it is unknown."""

    site_id: int
    place: Place | None
    uses: Uses


class _Body(NamedTuple):
    """Uses of one body that are check-ins, or that are check-outs."""

    uses: Uses
    spots: list[_Spot]


def impossible_uses(
    window: Window, person_id: int, punch: Punch, within: timedelta, policy: Policy
) -> Others:
    """Return the uses of the person's body at other sites, at most so far from the punch in time,
    that leave no time for the way between.

    Only a check-out followed by a check-in may leave it, and does where the way is unknown. Of
    other devices the clock may differ by `clock_slack_seconds`, which leaves so much more time. So
    each that is impossible by all that is so on the punch's own device as well.
    """
    at = punch.occurred_at
    alike = _body(window, person_id, punch.is_check_in).uses
    slack = timedelta(seconds=policy.clock_slack_seconds)
    start = _place(window, punch)
    some = [alike.others(punch.site_id, at, *alike.places(at - within, at + within))]
    unlike = _body(window, person_id, not punch.is_check_in)
    some += _without_time(unlike, punch, start, within, policy, slack)
    total = sum(others.total for others in some)
    if punch.device_id is not None:
        same = _body(window, person_id, not punch.is_check_in, punch.device_id)
        exactly = _without_time(same, punch, start, within, policy, timedelta(0))
        in_any_case = _without_time(same, punch, start, within, policy, slack)
        total += sum(others.total for others in exactly)
        total -= sum(others.total for others in in_any_case)
        some += exactly
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
) -> list[Others]:
    """Return the uses of the other kind that are no check-out followed by a check-in, or leave no
    time for the way, where the clocks may differ by so much.
    """
    at = punch.occurred_at
    first, last = unlike.uses.places(at - within, at + within)
    if punch.is_check_in:
        beside = max(first, bisect_right(unlike.uses.times, at + slack, first, last)), last
    else:
        beside = first, min(last, bisect_left(unlike.uses.times, at - slack, first, last))
    some = [unlike.uses.others(punch.site_id, at, *beside)]
    if start is not None:
        some += [
            spot.uses.others(
                punch.site_id, at, *_too_near(spot, punch, start, within, policy, slack)
            )
            for spot in unlike.spots
            if spot.site_id != punch.site_id
        ]
    return some


def _too_near(
    spot: _Spot,
    punch: Punch,
    place: Place,
    within: timedelta,
    policy: Policy,
    slack: timedelta,
) -> tuple[int, int]:
    """Return the places, in the spot's uses, of those from which the punch cannot be reached in
    time, or the other way round: they are together, nearest to it in time.
    """
    if spot.place is None:
        return 0, 0
    at = punch.occurred_at
    gone = way(spot.place, place, 0.0, policy, slack.total_seconds())

    def is_beyond(other: datetime) -> bool:
        seconds = ((at - other) if punch.is_check_in else (other - at)).total_seconds()
        return gone._replace(seconds=seconds).is_beyond(
            policy.min_travel_km, policy.max_travel_speed_kmh
        )

    times = spot.uses.times
    first, last = spot.uses.places(at - within, at + within)
    if punch.is_check_in:
        last = bisect_right(times, at + slack, first, last)
        return bisect_left(times, True, first, last, key=is_beyond), last
    first = bisect_left(times, at - slack, first, last)
    return first, bisect_left(times, True, first, last, key=lambda other: not is_beyond(other))


def _body(window: Window, person_id: int, is_check_in: bool, device_id: str | None = None) -> _Body:
    """Return the uses of a body of one kind: all, or those on a device."""
    key = ("body", person_id, is_check_in)
    if key not in window.memo:
        by_device: dict[str | None, list[Punch]] = {None: []}
        for use in window.biometric_uses.get(person_id, ()):
            if use.is_check_in is is_check_in:
                by_device[None].append(use)
                if use.device_id is not None:
                    by_device.setdefault(use.device_id, []).append(use)
        window.memo[key] = {name: _body_of(window, uses) for name, uses in by_device.items()}
    bodies: dict[str | None, _Body] = window.memo[key]
    return bodies.get(device_id) or _body_of(window, ())


def _body_of(window: Window, uses: Sequence[Punch]) -> _Body:
    by_spot: dict[tuple[int, Place | None], list[Punch]] = {}
    for use in uses:
        by_spot.setdefault((use.site_id, _place(window, use)), []).append(use)
    return _Body(
        Uses(uses, _site), [_Spot(*spot, Uses(some, _site)) for spot, some in by_spot.items()]
    )


def _place(window: Window, use: Punch) -> Place | None:
    """Return where a use was taken: what was taken as somebody else's stands for itself, as no
    punches around it were read.
    """
    return place_on_ways(window, use) if whose(use) == use.person_id else place_of(window, use)


def _site(use: Punch) -> int:
    return use.site_id
