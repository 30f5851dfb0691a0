"""The policy of alerts: what becomes of them as time goes by, and which belong together."""

from typing import Annotated

from pydantic import Field

from models.policy.measures import Wait
from models.policy.part import Part


class EscalationStep(Part):
    """The role that gets an alert which nobody acknowledged, and how long after the last step."""

    role: Annotated[str, Field(min_length=1, max_length=100)]
    after_minutes: Wait | None = None


class Alerts(Part):
    # Alerts of one person, device or site within this time carry a common correlation_id.
    correlation_minutes: Annotated[float, Field(gt=0, le=1_440)] = 30
    # How long an alert may stand unacknowledged before it escalates, by severity; and the roles
    # that it then goes to, one after the other.
    escalate_low_minutes: Wait = 120
    escalate_medium_minutes: Wait = 60
    escalate_high_minutes: Wait = 30
    escalate_critical_minutes: Wait = 15
    escalation_chain: list[EscalationStep] = Field([EscalationStep(role="admin")], max_length=5)
    # An alert that was taken up falls back to NEW after this time without a move or note, if set.
    relapse_minutes: Wait | None = None

    def escalate_after(self, severity: str) -> float:
        """Return how many minutes an alert of this severity may stand unacknowledged."""
        return {
            "LOW": self.escalate_low_minutes,
            "MEDIUM": self.escalate_medium_minutes,
            "HIGH": self.escalate_high_minutes,
            "CRITICAL": self.escalate_critical_minutes,
        }[severity]
