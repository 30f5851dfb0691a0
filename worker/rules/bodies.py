"""Where one person's biometrics were taken: the uses elsewhere that leave no time for the way."""

from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from models.policy import Policy
from worker.rules.geometry import Place, place_of, way
from worker.rules.uses import MOST_NAMED, Others, Uses, nearest_first
from worker.rules.window import Punch, Window


class _Spot(NamedTuple):
    """Uses at one site and from one place, which is None where it is unknown."""

    site_id: int
    place: Place | None
    uses: Uses


class _Body(NamedTuple):
    """All uses of one body that are check-ins, or all that are check-outs."""

    uses: Uses
    spots: list[_Spot]


def impossible_uses(
    window: Window, person_id: int, punch: Punch, within: timedelta, policy: Policy
) -> Others:
    """Return the uses of the person's body at other sites, at most so far from the punch in time,
    that leave no time for the way between.

    Only a check-out followed by a check-in may leave it, and does where the way is unknown.
    """
    at = punch.occurred_at
    alike = _body(window, person_id, punch.is_check_in).uses
    some = [alike.others(punch.site_id, at, *alike.places(at - within, at + within))]
    unlike = _body(window, person_id, not punch.is_check_in)
    first, last = unlike.uses.places(at - within, at + within)
    middle = unlike.uses.places(at, at)
    beside = (middle[1], last) if punch.is_check_in else (first, middle[0])
    some.append(unlike.uses.others(punch.site_id, at, *beside))
    start = place_of(window, punch)
    if start is not None:
        some += [
            spot.uses.others(punch.site_id, at, *_too_near(spot, punch, start, within, policy))
            for spot in unlike.spots
            if spot.site_id != punch.site_id
        ]
    nearest = [use for others in some for use in others.nearest]
    nearest.sort(key=partial(nearest_first, punch))
    return Others(sum(others.total for others in some), nearest[:MOST_NAMED])


def _too_near(
    spot: _Spot, punch: Punch, place: Place, within: timedelta, policy: Policy
) -> tuple[int, int]:
    """Return the places, in the spot's uses, of those from which the punch cannot be reached in
    time, or the other way round: they are together, nearest to it in time.
    """
    if spot.place is None:
        return 0, 0
    at = punch.occurred_at
    gone = way(spot.place, place, 0.0, policy)

    def is_beyond(other: datetime) -> bool:
        seconds = abs((other - at).total_seconds())
        return gone._replace(seconds=seconds).is_beyond(
            policy.min_travel_km, policy.max_travel_speed_kmh
        )

    times = spot.uses.times
    first, last = spot.uses.places(at - within, at + within)
    if punch.is_check_in:
        last = bisect_right(times, at, first, last)
        return bisect_left(times, True, first, last, key=is_beyond), last
    first = bisect_left(times, at, first, last)
    return first, bisect_left(times, True, first, last, key=lambda other: not is_beyond(other))


def _body(window: Window, person_id: int, is_check_in: bool) -> _Body:
    key = ("body", person_id, is_check_in)
    if key not in window.memo:
        uses = [
            use
            for use in window.biometric_uses.get(person_id, ())
            if use.is_check_in is is_check_in
        ]
        by_spot: dict[tuple[int, Place | None], list[Punch]] = {}
        for use in uses:
            by_spot.setdefault((use.site_id, place_of(window, use)), []).append(use)
        window.memo[key] = _Body(
            Uses(uses, _site), [_Spot(*spot, Uses(some, _site)) for spot, some in by_spot.items()]
        )
    body: _Body = window.memo[key]
    return body


def _site(use: Punch) -> int:
    return use.site_id
