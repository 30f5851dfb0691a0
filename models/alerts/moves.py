"""The table of moves: from which states, and by whom. docs/desk.md prints it."""

from collections.abc import Mapping
from typing import NamedTuple

from models.vocabulary import ALERT_STATES, OPEN, OPERATORS, TAKEN_UP, UNACKNOWLEDGED, WAITING

# The actor where it was no operator: escalation by time, quiet, anomalies withdrawn.
SYSTEM = "system"

_SYSTEM = frozenset({SYSTEM})


class Move(NamedTuple):
    """What a move takes and leads to; `to` is None where the status stays as it is."""

    sources: frozenset[str]
    to: str | None
    roles: frozenset[str]
    needs: str | None = None  # an argument it cannot do without


MOVES: dict[str, Move] = {
    "acknowledge": Move(frozenset(UNACKNOWLEDGED), "ACKNOWLEDGED", OPERATORS),
    "assign": Move(frozenset(WAITING), "ASSIGNED", OPERATORS, needs="assignee"),
    "escalate": Move(frozenset(WAITING), "ESCALATED", OPERATORS | _SYSTEM),
    "resolve": Move(frozenset(OPEN), "RESOLVED", OPERATORS | _SYSTEM),
    "note": Move(frozenset(ALERT_STATES), None, OPERATORS, needs="note"),
    # The system's alone.
    "relapse": Move(frozenset(TAKEN_UP), "NEW", _SYSTEM),
    "suppress": Move(frozenset({"NEW"}), "SUPPRESSED", _SYSTEM),
    "raise": Move(frozenset({"SUPPRESSED"}), "NEW", _SYSTEM),
}


class MoveRefused(Exception):
    """The alert does not allow this move now, or not to this role; or there is none to see."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code  # of the contract: invalid, forbidden, not_found, conflict


def status_after(move: str, status: str, role: str, arguments: Mapping[str, object]) -> str:
    """Return the status that a move leads to. Raises MoveRefused with the contract's code."""
    rule = MOVES.get(move)
    if rule is None:
        moves = ", ".join(operator_moves())
        raise MoveRefused("invalid", f"There is no such move; there are {moves}.")
    if role not in rule.roles:
        roles = " or ".join(sorted(rule.roles & OPERATORS)) or SYSTEM
        raise MoveRefused("forbidden", f"To {move} an alert needs the role {roles}.")
    if rule.needs and not arguments.get(rule.needs):
        raise MoveRefused("invalid", f"To {move} an alert needs {rule.needs}.")
    if status not in rule.sources:
        allowed = " or ".join(name for name in ALERT_STATES if name in rule.sources)
        reason = f"The alert is {status}; only one that is {allowed} allows {move}."
        raise MoveRefused("conflict", reason)
    return rule.to or status


def operator_moves() -> list[str]:
    """Return the moves that people make, in the order of the table."""
    return [name for name, rule in MOVES.items() if rule.roles & OPERATORS]
