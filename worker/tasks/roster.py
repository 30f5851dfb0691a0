"""The task `roster.sync`: people, sites, devices, assignments and shifts come in."""

from typing import Any

from celery import shared_task

from models import intake
from worker.faults import reach
from worker.process import this_process
from worker.tasks.after_storing import judge_now
from worker.tasks.bad_call import arguments
from worker.tasks.base import DoorTask
from worker.tasks.outcomes import count_reasons


@shared_task(name="roster.sync", base=DoorTask, bind=True)
def sync_roster(self: DoorTask, *args: Any, **kwargs: Any) -> None:
    (roster,) = arguments(args, kwargs, ["roster"])
    outcome = intake.sync_roster(this_process().engine, roster, by=self.submitter)
    for row in outcome.refused:
        count_reasons("roster.sync", row.reasons)
    reach("after_store")
    if outcome.tenant_id is not None:
        judge_now([outcome.tenant_id])
