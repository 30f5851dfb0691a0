"""The policy of Unauthorized Site Access."""

from models.policy.measures import Share
from models.policy.part import TypePolicy
from models.vocabulary import Severity


class UnauthorizedSite(TypePolicy):
    weight: Share = 0.70

    unknown_person_severity: Severity = "CRITICAL"
    unauthorized_severity: Severity = "CRITICAL"  # of `not_assigned`
