"""The task `roster.sync` stores people, sites, devices, assignments and shifts."""

import time
from collections import Counter
from typing import Any

import structlog

from models import intake
from models.intake import RosterOutcome
from worker.faults import fault_point
from worker.process import this_process
from worker.tasks.after_storing import judge_stored
from worker.tasks.bad_call import arguments
from worker.tasks.base import DoorTask, task
from worker.tasks.outcomes import count_reasons

ROSTER_SYNCED = "roster_synced"

log = structlog.get_logger(__name__)


@task("roster.sync", base=DoorTask, bind=True)
def sync_roster(self: DoorTask, *args: Any, **kwargs: Any) -> None:
    (roster,) = arguments(args, kwargs, ["roster"])
    began = time.monotonic()
    outcome = intake.sync_roster(this_process().engine, roster, by=self.submitter)
    for row in outcome.refused:
        count_reasons("roster.sync", row.reasons)
    _log(outcome)
    fault_point("after_store")
    if outcome.tenant_id is not None:
        judge_stored([outcome.tenant_id], began)


def _log(outcome: RosterOutcome) -> None:
    """Say how much is judged anew: keys of each kind, since when, and what lies in that time."""
    if outcome.tenant_id is None or not (outcome.changes or outcome.refused):
        return
    moments = [change.since for change in outcome.changes if change.since]
    is_bounded = len(moments) == len(outcome.changes)
    log.info(
        ROSTER_SYNCED,
        tenant_id=outcome.tenant_id,
        refused=len(outcome.refused),
        changed=dict(Counter(change.kind for change in outcome.changes)),
        # null where something changed for all that was before
        since=min(moments).isoformat() if moments and is_bounded else None,
        punches=outcome.extent.punches,
        shifts=outcome.extent.shifts,
    )
