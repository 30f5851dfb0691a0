"""When an alert escalates or relapses by itself, by the policy of its site."""

from datetime import datetime, timedelta

from models.alerts.alert import Alert
from models.policy import Policy
from models.vocabulary import TAKEN_UP, UNACKNOWLEDGED


def escalates_at(alert: Alert, policy: Policy, since: datetime) -> datetime | None:
    """When the next step of the chain is due for one that nobody has acknowledged since `since`.

    None past the chain's end. The first step waits as long as the alert's severity says, each
    further one as long as it says itself, else as long again.
    """
    step = alert.escalation_step
    if alert.status not in UNACKNOWLEDGED or step >= len(policy.escalation_chain):
        return None
    own = policy.escalation_chain[step].after_minutes
    minutes = own if own is not None and step else policy.escalate_after(alert.severity)
    return since + timedelta(minutes=minutes)


def relapses_at(alert: Alert, policy: Policy, since: datetime) -> datetime | None:
    """When one that was taken up falls back to NEW, if the policy says so."""
    if alert.status not in TAKEN_UP or policy.relapse_minutes is None:
        return None
    return since + timedelta(minutes=policy.relapse_minutes)
