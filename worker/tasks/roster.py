"""The task `roster.sync` stores people, sites, devices, assignments and shifts."""

import time
from typing import Any

from models import intake
from worker.faults import fault_point
from worker.process import this_process
from worker.tasks.after_storing import judge_stored
from worker.tasks.bad_call import arguments
from worker.tasks.base import DoorTask, task
from worker.tasks.outcomes import count_reasons


@task("roster.sync", base=DoorTask, bind=True)
def sync_roster(self: DoorTask, *args: Any, **kwargs: Any) -> None:
    (roster,) = arguments(args, kwargs, ["roster"])
    began = time.monotonic()
    outcome = intake.sync_roster(this_process().engine, roster, by=self.submitter)
    for row in outcome.refused:
        count_reasons("roster.sync", row.reasons)
    fault_point("after_store")
    if outcome.tenant_id is not None:
        judge_stored([outcome.tenant_id], began)
