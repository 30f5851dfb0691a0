"""Places on earth and the ways between them: WGS84 geodesics, in metres."""

import math
from typing import NamedTuple

from models.boundaries.fence import WGS84
from models.policy import Policy
from worker.rules.window import Punch, Window

_LONGEST_DEGREE_M = 111_700  # of latitude, at the poles: 111,694 m


class Place(NamedTuple):
    """A point on earth, in degrees."""

    latitude: float
    longitude: float
    # as the fix claims; None where it claims none, and 0 for a site's own place
    accuracy_m: float | None


class Way(NamedTuple):
    """How far two places are apart, and in what time that was covered."""

    distance_m: float
    slack_m: float
    seconds: float  # by the clocks
    clock_slack: float = 0.0  # the seconds that it may have taken more

    @property
    def least_m(self) -> float:
        return max(0.0, self.distance_m - self.slack_m)

    @property
    def speed_kmh(self) -> float:
        """The speed over the least distance in the longest time; none at all is infinitely fast."""
        longest = self.seconds + self.clock_slack
        if longest > 0:
            return self.least_m / longest * 3.6
        return math.inf if self.least_m > 0 else 0.0

    def is_beyond(self, km: float, kmh: float) -> bool:
        """Whether the way is longer than that and was covered faster than that."""
        return self.least_m > km * 1_000 and self.speed_kmh > kmh


def distance_m(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> float:
    """Return the geodesic's length, good to nanometres anywhere (Karney 2013, as PROJ has it)."""
    return float(WGS84.inv(longitude, latitude, other_longitude, other_latitude)[2])


def at_most_m(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> float:
    """Return a length no less than the geodesic's, at a tenth of its cost: of the way along a
    meridian and then along a parallel, by the longest degree.
    """
    return (abs(latitude - other_latitude) + abs(longitude - other_longitude)) * _LONGEST_DEGREE_M


def is_impossible(latitude: float, longitude: float) -> bool:
    """Whether it is out of range, or within 0.001 degrees of (0, 0), as of phones with no fix."""
    return (
        abs(latitude) > 90
        or abs(longitude) > 180
        or (abs(latitude) <= 0.001 and abs(longitude) <= 0.001)
    )


def slack_m(accuracy_m: float | None, policy: Policy) -> float:
    """Return the accuracy of a fix, at most the cap: claiming a huge error buys no immunity. None
    counts as the cap.
    """
    cap_m = policy.gps_accuracy_cap_m
    return cap_m if accuracy_m is None else min(accuracy_m, cap_m)


def fix_of(punch: Punch) -> Place | None:
    """Return where the punch says it was taken; None without coordinates that are possible."""
    if (
        punch.latitude is None
        or punch.longitude is None
        or is_impossible(punch.latitude, punch.longitude)
    ):
        return None
    return Place(punch.latitude, punch.longitude, punch.accuracy_m)


def good_fix_of(window: Window, punch: Punch) -> Place | None:
    """Return the punch's fix, unless its accuracy is above `coarse_fix_cap_m`; where it has none,
    that counts as `gps_accuracy_cap_m`.

    Where a punch was taken is a fact, measured by the policy of its own site at its time.
    """
    policy = window.policy_of(punch)
    accuracy = policy.gps_accuracy_cap_m if punch.accuracy_m is None else punch.accuracy_m
    return None if accuracy > policy.coarse_fix_cap_m else fix_of(punch)


def place_of(window: Window, punch: Punch) -> Place | None:
    """Return the punch's good fix, else its site's place at its time; None without either."""
    fix = good_fix_of(window, punch)
    site = None if fix else window.site(punch.site_id, punch.occurred_at)
    if site is None or site.latitude is None or site.longitude is None:
        return fix
    return Place(site.latitude, site.longitude, 0.0)


def clock_slack(punch: Punch, other: Punch, policy: Policy) -> float:
    """Return by how many seconds the clocks of two punches may differ: by none if both name one
    device.
    """
    is_one_clock = punch.device_id is not None and punch.device_id == other.device_id
    return 0.0 if is_one_clock else policy.clock_slack_seconds


def way(start: Place, end: Place, seconds: float, policy: Policy, slack_s: float) -> Way:
    """Return the way from one place to another, covered in so many seconds, which may be `slack_s`
    more. `policy` is that of the subject: what slack a way has is a limit of the rule.
    """
    return Way(
        distance_m(start.latitude, start.longitude, end.latitude, end.longitude),
        slack_m(start.accuracy_m, policy) + slack_m(end.accuracy_m, policy),
        seconds,
        slack_s,
    )
