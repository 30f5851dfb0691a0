"""The policy of Impossible Back-to-Back Shifts."""

from models.policy.measures import Share
from models.policy.part import TypePolicy
from models.vocabulary import Severity


class ImpossibleShifts(TypePolicy):
    weight: Share = 0.85

    too_far_too_soon_severity: Severity = "CRITICAL"
    overlapping_severity: Severity = "CRITICAL"
