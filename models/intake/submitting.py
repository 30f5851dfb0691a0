"""Submitting and syncing, each followed by the submissions that waited for what it brought."""

from collections.abc import Sequence

from sqlalchemy import Engine

from models.intake.punches.submit import flaws_of_call, refuse_call, take
from models.intake.refused.outcome import Outcome
from models.intake.resubmission.waiting import came_meanwhile, readmit
from models.intake.roster import RosterOutcome, take_roster
from models.intake.roster.adopting import adopt
from models.intake.submitter import Submitter

SUBMIT = Submitter("attendance.submit")
SYNC = Submitter("roster.sync")


def submit(
    engine: Engine, punches: Sequence[object], *, by: Submitter = SUBMIT, backfill: bool = False
) -> list[Outcome]:
    """Submit 1 to 10,000 punches, each for itself, and commit. Return the outcomes in their order.

    What is no such list is refused as a whole, with one outcome. The number of SQL statements does
    not depend on that of the punches. Raises OutsideSites, with nothing stored, where a punch is or
    was at a site that `by` may not write to.
    """
    if reasons := flaws_of_call(punches, backfill):
        return [refuse_call(engine, {"punches": punches, "backfill": backfill}, reasons, by)]
    taken = take(engine, punches, by=by, backfill=backfill)
    for tenant_id in came_meanwhile(engine, taken.rejections):
        readmit(engine, tenant_id)
    return taken.outcomes


def sync_roster(engine: Engine, roster: object, *, by: Submitter = SYNC) -> RosterOutcome:
    """Store what the roster names, commit, and take up again what waited for it.

    Rows that are wrong are refused singly. Raises OutsideSites where `by` may write to some sites
    only.
    """
    outcome = take_roster(engine, roster, by)
    if outcome.tenant_id is not None:
        readmit(engine, outcome.tenant_id)
    return outcome


def adopt_rows(engine: Engine, *, seconds: float) -> None:
    """Take what the release before wrote into rosters as said, and what waited for it, and commit.

    It begins with no tenant after `seconds`; what is left is for the next time.
    """
    for tenant_id in adopt(engine, seconds=seconds):
        readmit(engine, tenant_id)
