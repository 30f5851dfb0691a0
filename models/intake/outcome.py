"""What the door says of each submission."""

from typing import Literal, NamedTuple

from models.intake.reasons import Reason
from models.intake.reject import Rejection


class Outcome(NamedTuple):
    """What became of one submission. `tenant_id` is None where none could be read."""

    punch_id: str | None
    status: Literal["accepted", "rejected"]
    reasons: list[Reason]
    tenant_id: int | None


def refusal(rejection: Rejection) -> Outcome:
    return Outcome(rejection.punch_id, "rejected", rejection.reasons, rejection.tenant_id or None)
