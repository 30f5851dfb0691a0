"""When an alert escalates or relapses by itself, by the policy of its site."""

from datetime import datetime, timedelta

from models.alerts.alert import Alert
from models.policy import Policy
from models.vocabulary import TAKEN_UP, UNACKNOWLEDGED


def escalates_at(alert: Alert, policy: Policy, since: datetime) -> datetime | None:
    """Return when the alert's next step of escalation is due, if nobody acknowledges it.

    The first step is due as long after `since` as the policy has it for the alert's severity; a
    further step after its own `after_minutes`, or as long again where it has none. It is None for
    an alert that was taken up or is over, and past the chain's end.
    """
    step = alert.escalation_step
    if alert.status not in UNACKNOWLEDGED or step >= len(policy.escalation_chain):
        return None
    after_minutes = policy.escalation_chain[step].after_minutes
    if after_minutes is None or step == 0:
        after_minutes = policy.escalate_after(alert.severity)
    return since + timedelta(minutes=after_minutes)


def relapses_at(alert: Alert, policy: Policy, since: datetime) -> datetime | None:
    """Return when an alert that was taken up falls back to NEW, if the policy says so."""
    if alert.status not in TAKEN_UP or policy.relapse_minutes is None:
        return None
    return since + timedelta(minutes=policy.relapse_minutes)
