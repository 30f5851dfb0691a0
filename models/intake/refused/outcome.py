"""The outcome of a submission, which its submitter gets."""

from typing import Literal, NamedTuple

from models.ids import Id
from models.intake.refused.reasons import Reason
from models.intake.refused.rejection import Rejection


class Outcome(NamedTuple):
    """What became of one submission. `tenant_id` is None where none could be read."""

    punch_id: str | None
    status: Literal["accepted", "rejected"]
    reasons: list[Reason]
    tenant_id: Id | None
    # Whether its content stands. One with an older `sent_at` than the one that stands is kept, and
    # changes nothing.
    applied: bool = False

    @property
    def became(self) -> Literal["accepted", "lost", "rejected"]:
        """What metrics count it as: "lost" was accepted, and changed nothing."""
        return "lost" if self.status == "accepted" and not self.applied else self.status


def refusal(rejection: Rejection) -> Outcome:
    return Outcome(rejection.punch_id, "rejected", rejection.reasons, rejection.tenant_id or None)
