"""The words of the contract: one place, one line each.

They are plain text in rows, messages, SQL and over the wire. Schemas, filters, OpenAPI, the
registry of detectors, the composition of policies and the page read them here. Moves have their
names in the table of moves, models/alerts/moves.py.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

# The gravest last.
SEVERITIES = ("LOW", "MEDIUM", "HIGH", "CRITICAL")

# Anomaly types with their titles. Each has a detector, a policy and a test that are named after it.
TITLES = {
    "WRONG_PERSON": "Wrong Person at Site",
    "UNAUTHORIZED_SITE": "Unauthorized Site Access",
    "IMPOSSIBLE_SHIFTS": "Impossible Back-to-Back Shifts",
    "OVERTIME_VIOLATION": "Overtime Violation",
    "BUDDY_PUNCHING": "Buddy Punching Detected",
    "GPS_SPOOFING": "GPS Spoofing Suspected",
    "GEOFENCE_VIOLATION": "Geofence Violation",
    "BIOMETRIC_ANOMALY": "Biometric Pattern Anomaly",
    "SCHEDULE_MISMATCH": "Schedule Mismatch",
}
TYPES = tuple(TITLES)


class AnomalyState(NamedTuple):
    """A state of an anomaly. `is_verdict`: an operator may give it.

    `is_right` is whether that verdict says that detection was right.
    """

    title: str
    is_verdict: bool = False
    is_right: bool | None = None


ANOMALY_STATES = {
    "DETECTED": AnomalyState("Detected"),
    "INVESTIGATING": AnomalyState("Investigating", is_verdict=True),
    "CONFIRMED": AnomalyState("Confirmed", is_verdict=True, is_right=True),
    "FALSE_POSITIVE": AnomalyState("False positive", is_verdict=True, is_right=False),
    "RESOLVED": AnomalyState("Resolved", is_verdict=True),
    "WITHDRAWN": AnomalyState("Withdrawn"),
}
VERDICTS = tuple(name for name, state in ANOMALY_STATES.items() if state.is_verdict)


class AlertState(NamedTuple):
    """A state of an alert.

    One that is open takes further anomalies of its person, site and type, instead of a new alert.
    One that waits for somebody is counted in a snapshot's `open_alerts`. It escalates until it is
    taken up: then it waits for somebody who knows of it, and may relapse.
    """

    title: str
    is_open: bool = True
    waits_for_somebody: bool = False
    is_taken_up: bool = False


ALERT_STATES = {
    "NEW": AlertState("New", waits_for_somebody=True),
    "ACKNOWLEDGED": AlertState("Acknowledged", waits_for_somebody=True, is_taken_up=True),
    "ASSIGNED": AlertState("Assigned", waits_for_somebody=True, is_taken_up=True),
    "ESCALATED": AlertState("Escalated", waits_for_somebody=True),
    "RESOLVED": AlertState("Resolved", is_open=False),
    "SUPPRESSED": AlertState("Kept quiet"),
}
OPEN = tuple(name for name, state in ALERT_STATES.items() if state.is_open)
WAITING = tuple(name for name, state in ALERT_STATES.items() if state.waits_for_somebody)
TAKEN_UP = tuple(name for name, state in ALERT_STATES.items() if state.is_taken_up)
UNACKNOWLEDGED = tuple(name for name in WAITING if name not in TAKEN_UP)


class Role(NamedTuple):
    may_operate: bool


# Ascending by what they may do.
ROLES = {
    "viewer": Role(may_operate=False),
    "operator": Role(may_operate=True),
    "admin": Role(may_operate=True),
}
OPERATORS = frozenset(name for name, role in ROLES.items() if role.may_operate)

if TYPE_CHECKING:  # mypy takes literals only where they are written out once more
    Severity = str
    AnomalyType = str
    AnomalyStatus = str
    AlertStatus = str
else:
    Severity = Literal[SEVERITIES]
    AnomalyType = Literal[TYPES]
    AnomalyStatus = Literal[tuple(ANOMALY_STATES)]
    AlertStatus = Literal[tuple(ALERT_STATES)]


def gravity(severity: str) -> int:
    """Return how grave a severity is, from 0: the higher, the graver."""
    return SEVERITIES.index(severity)


def gravest(severities: Iterable[str]) -> str:
    return max(severities, key=gravity)
