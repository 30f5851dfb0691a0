"""Submitting something again that had been refused, by the door it came by."""

from typing import Any

from sqlalchemy import Engine

from models.intake import publish, void
from models.intake.punches.submit import flaws_of_call, take
from models.intake.refused.outcome import Outcome
from models.intake.roster import sync
from models.intake.submitter import Submitter


def submit_again(
    engine: Engine, door: str, content: Any, *, by: Submitter, backfill: bool
) -> Outcome:
    """One submission once more, whatever it is: `door` is the one it first came by. What is refused
    again keeps its row.

    Raises OutsideSites.
    """
    if door == sync.DOOR:
        return _roster(engine, content, by)
    if door == publish.DOOR:
        return publish.publish(engine, content, by).outcome
    if door == void.DOOR:
        fields = content if isinstance(content, dict) else {}
        return void.void(
            engine, fields.get("tenant_id"), fields.get("punch_id"), fields.get("reason"), by
        )
    if is_call(content):
        return _call(engine, content, by)
    return take(engine, [content], by=by, backfill=backfill, keeping=False).outcomes[0]


def is_call(content: object) -> bool:
    """A whole attendance.submit_batch that was refused, not one of its punches."""
    return isinstance(content, dict) and "punches" in content and "punch_id" not in content


def _roster(engine: Engine, content: object, by: Submitter) -> Outcome:
    outcome = sync.take_roster(engine, content, by)
    reasons = [why for row in outcome.refused for why in row.reasons]
    return Outcome(
        None, "rejected" if reasons else "accepted", reasons, outcome.tenant_id, not reasons
    )


def _call(engine: Engine, content: dict[str, Any], by: Submitter) -> Outcome:
    """Taken once it is a list of a size that fits; each of its punches is then judged by itself."""
    punches, backfill = content["punches"], content.get("backfill", False)
    if reasons := flaws_of_call(punches, backfill):
        return Outcome(None, "rejected", reasons, None)
    outcomes = take(engine, punches, by=by, backfill=backfill).outcomes
    return Outcome(
        None, "accepted", [], outcomes[0].tenant_id, all(outcome.applied for outcome in outcomes)
    )


def tenants_named(content: object) -> set[object]:
    """Every tenant that a submission would write to."""
    if not isinstance(content, dict):
        return set()
    punches = content.get("punches")
    named = [content, content.get("tenant"), *(punches if isinstance(punches, list) else ())]
    return {
        part["tenant_id"]
        for part in named
        if isinstance(part, dict) and isinstance(part.get("tenant_id"), int)
    }
