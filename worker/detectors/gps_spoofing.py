"""GPS Spoofing Suspected: the place a punch claims was made up.

Looks at: what the phone itself says, the coordinates, and the person's fixes one after the other.

- `mock_location` (CRITICAL 0.99): the phone reports a mock location.
- `impossible_coordinates` (CRITICAL 0.95): latitude beyond 90 or longitude beyond 180 degrees, or
  both within 0.001 degrees of 0.
- `teleport` (CRITICAL 0.95): two consecutive fixes of the person with accuracy at most their own
  site's `coarse_fix_cap_m`, whatever the sites, are more than `teleport_min_km` apart, less their
  slack, and that was covered faster than `teleport_speed_kmh`, in a time that is longer by
  `clock_slack_seconds` where they do not name the same device. The subject is the later. Punches
  without such a fix in between do not part them. Repeats of one kind at one site, each at most
  `repeat_minutes` after the one before with nothing between, are one tap: of its fixes only the
  last that is good enough counts.

Policy: `mock_location_severity`, `impossible_coordinates_severity`, `teleport_severity`,
`teleport_min_km` (5), `teleport_speed_kmh` (1,000; the fastest of 319,806 real flights does 822
gate to gate), `clock_slack_seconds` (120), `repeat_minutes` (10), `gps_accuracy_cap_m` (100),
`coarse_fix_cap_m` (1,000).

Cannot tell: a punch without coordinates. Repeated identical coordinates prove nothing (phones cache
fixes: on real traces 73 to 96 % of consecutive fixes are identical), and low accuracy is not
spoofing.
"""

import math

from models.policy import Policy
from models.policy.gps_spoofing import GpsSpoofing
from worker.rules.evidence import distance, done, duration, found, nothing
from worker.rules.finding import Findings
from worker.rules.geometry import (
    Place,
    Way,
    at_most_m,
    clock_slack,
    good_fix_of,
    is_impossible,
    way,
)
from worker.rules.one_tap import fix_of_tap
from worker.rules.window import Punch, Window

TYPE = "GPS_SPOOFING"


def detect(window: Window) -> Findings:
    for punch in window.punches_to_judge:
        policy = window.policy_of(punch)
        yield from _mock(window, punch, policy)
        yield from _impossible(window, punch, policy)
        yield from _teleport(window, punch, policy)


def _mock(window: Window, punch: Punch, policy: Policy) -> Findings:
    if punch.is_mock_location:
        severity = policy.of(GpsSpoofing).mock_location_severity
        explanation = f"{done(punch)} from a phone that reports a mock location."
        yield found(
            window,
            punch,
            TYPE,
            "mock_location",
            severity,
            0.99,
            explanation,
            observed="mock location",
        )
    elif window.explaining:
        yield nothing(punch, TYPE, "mock_location", "the phone reports none")


def _impossible(window: Window, punch: Punch, policy: Policy) -> Findings:
    if punch.latitude is None or punch.longitude is None:
        if window.explaining:
            yield nothing(punch, TYPE, "impossible_coordinates", "it has no coordinates")
    elif is_impossible(punch.latitude, punch.longitude):
        yield found(
            window,
            punch,
            TYPE,
            "impossible_coordinates",
            policy.of(GpsSpoofing).impossible_coordinates_severity,
            0.95,
            f"{done(punch)} at latitude {punch.latitude:g}, longitude {punch.longitude:g}, "
            "where no phone can be.",
            observed=f"{punch.latitude:g}, {punch.longitude:g}",
            limit="90, 180, and more than 0.001 from 0, 0",
            unit="degrees",
        )
    elif window.explaining:
        yield nothing(punch, TYPE, "impossible_coordinates", "the coordinates are possible")


def _teleport(window: Window, punch: Punch, policy: Policy) -> Findings:
    own = policy.of(GpsSpoofing)
    fix = _fix(window, punch)
    before, earlier_fix = _fix_before(window, punch) if fix else (None, None)
    if fix is None or before is None or earlier_fix is None:
        if window.explaining:
            because = (
                "there is no fix before it"
                if fix
                else "it has no fix that is good enough, or one of the same tap follows"
            )
            yield nothing(punch, TYPE, "teleport", because)
        return
    # A cheap bound first: most fixes are near the one before.
    farthest_m = at_most_m(*earlier_fix[:2], *fix[:2])
    if not window.explaining and farthest_m <= own.teleport_min_km * 1_000:
        return
    seconds = (punch.occurred_at - before.occurred_at).total_seconds()
    taken = way(earlier_fix, fix, seconds, policy, clock_slack(before, punch, policy))
    if taken.is_beyond(own.teleport_min_km, own.teleport_speed_kmh):
        yield found(
            window,
            punch,
            TYPE,
            "teleport",
            own.teleport_severity,
            0.95,
            f"{done(punch)} {distance(taken.least_m)} from the person's fix "
            f"{duration(abs(taken.seconds))} {'before' if taken.seconds >= 0 else 'after'}: "
            f"{_speed(taken)}, "
            f"and the limit is {own.teleport_speed_kmh:g} km/h.",
            observed=taken.speed_kmh,
            limit=own.teleport_speed_kmh,
            unit="km/h",
            punches=[before],
            distance_m=round(taken.distance_m, 1),
            slack_m=round(taken.slack_m, 1),
            seconds=taken.seconds,
            clock_slack_s=taken.clock_slack,
        )
    elif window.explaining:
        because = (
            f"{taken.least_m:.0f} m in {taken.seconds:.0f} s from the fix before is within "
            f"{own.teleport_min_km:g} km or the speed limit"
        )
        yield nothing(punch, TYPE, "teleport", because)


def _fix_before(window: Window, punch: Punch) -> tuple[Punch, Place] | tuple[None, None]:
    """Return the person's last punch before this one that has a good fix, and that fix."""
    stretch, index = window.place_in_time(punch)
    before, fix = None, None
    # Of punches without a fix, however many, each is passed by once.
    passed: dict[int, tuple[Punch, Place] | tuple[None, None]] = window.memo.setdefault(
        ("fix before", id(stretch)), {}
    )
    for earlier in range(index - 1, -1, -1):
        before = stretch.punches[earlier]
        fix = _fix(window, before)
        if fix:
            break
        if earlier in passed:
            return passed[earlier]
    passed[index] = (before, fix) if before and fix else (None, None)
    return passed[index]


def _fix(window: Window, punch: Punch) -> Place | None:
    """Return the punch's good fix, if it is that of its tap."""
    fix = good_fix_of(window, punch)
    return fix if fix and fix_of_tap(window, punch) is punch else None


def _speed(taken: Way) -> str:
    return "infinitely fast" if taken.speed_kmh == math.inf else f"{taken.speed_kmh:,.0f} km/h"
