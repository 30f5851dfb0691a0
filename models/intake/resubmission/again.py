"""Submitting something again that was refused, by the door it came by."""

from typing import Any

from sqlalchemy import Engine

from models.intake.publish import DOOR as PUBLISH
from models.intake.publish import publish
from models.intake.punches.submit import flaws_of_call, take
from models.intake.refused.outcome import Outcome
from models.intake.roster.sync import DOOR as SYNC
from models.intake.roster.sync import take_roster
from models.intake.submitter import Submitter
from models.intake.void import DOOR as VOID
from models.intake.void import void

# The doors of single submissions. All others are for punches, alone or in calls.
SINGLE = {SYNC, PUBLISH, VOID}


def submit_again(
    engine: Engine, door: str, content: Any, *, by: Submitter, backfill: bool
) -> Outcome:
    """Submit `content` once more, as `door` does by which it first came.

    What is refused again keeps its row among the rejected. Raises OutsideSites where it would write
    to a site that `by` may not write to.
    """
    if door == SYNC:
        return _roster(engine, content, by)
    if door == PUBLISH:
        return publish(engine, content, by).outcome
    if door == VOID:
        fields = content if isinstance(content, dict) else {}
        tenant_id, punch_id = fields.get("tenant_id"), fields.get("punch_id")
        return void(engine, tenant_id, punch_id, fields.get("reason"), by)
    if is_call(content):
        return _call(engine, content, by)
    return take(engine, [content], by=by, backfill=backfill, keeping=False).outcomes[0]


def is_call(content: object) -> bool:
    """Tell whether it is a whole attendance.submit_batch, and not one of its punches."""
    return isinstance(content, dict) and "punches" in content and "punch_id" not in content


def _roster(engine: Engine, content: object, by: Submitter) -> Outcome:
    outcome = take_roster(engine, content, by)
    reasons = [why for row in outcome.refused for why in row.reasons]
    return Outcome(
        None, "rejected" if reasons else "accepted", reasons, outcome.tenant_id, not reasons
    )


def _call(engine: Engine, content: dict[str, Any], by: Submitter) -> Outcome:
    """Submit a whole call once more; if its list is sound, each punch of it is taken or refused."""
    punches, backfill = content["punches"], content.get("backfill", False)
    if reasons := flaws_of_call(punches, backfill):
        return Outcome(None, "rejected", reasons, None)
    outcomes = take(engine, punches, by=by, backfill=backfill).outcomes
    return Outcome(
        None, "accepted", [], outcomes[0].tenant_id, all(outcome.applied for outcome in outcomes)
    )


def tenants_named(content: object) -> set[object]:
    """Return every tenant that a submission would write to."""
    if not isinstance(content, dict):
        return set()
    punches = content.get("punches")
    parts = [content, content.get("tenant"), *(punches if isinstance(punches, list) else ())]
    return {
        part["tenant_id"]
        for part in parts
        if isinstance(part, dict) and isinstance(part.get("tenant_id"), int | str)
    }
