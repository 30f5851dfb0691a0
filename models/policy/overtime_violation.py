"""The policy of Overtime Violation."""

from models.policy.measures import Share
from models.policy.part import TypePolicy
from models.vocabulary import Severity


class OvertimeViolation(TypePolicy):
    weight: Share = 0.30

    worked_too_long_severity: Severity = "HIGH"
    still_working_severity: Severity = "HIGH"
    forgotten_check_out_severity: Severity = "LOW"  # of either, where that is likelier
