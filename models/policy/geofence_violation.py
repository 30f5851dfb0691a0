"""The policy of Geofence Violation."""

from models.policy.measures import Metres, Minutes, Share
from models.policy.part import TypePolicy
from models.vocabulary import Severity


class GeofenceViolation(TypePolicy):
    weight: Share = 0.50

    default_radius_m: Metres = 200
    cached_fix_minutes: Minutes = 30

    outside_fence_severity: Severity = "HIGH"
    coarse_fix_outside_severity: Severity = "LOW"
    cached_fix_outside_severity: Severity = "LOW"
    stale_fix_severity: Severity = "LOW"
