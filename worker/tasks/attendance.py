"""The tasks `attendance.*` store punches, one or many, and void one."""

import time
from typing import Any

from models import intake
from worker.faults import fault_point
from worker.process import this_process
from worker.tasks.after_storing import judge_now, judge_stored, leave_for_a_moment
from worker.tasks.bad_call import arguments
from worker.tasks.base import DoorTask, task
from worker.tasks.outcomes import count_punches, to_judge

# Punches of one task that gain little by being judged together with those of others.
ENOUGH_PUNCHES = 100


@task("attendance.submit", base=DoorTask, bind=True)
def submit(self: DoorTask, *args: Any, **kwargs: Any) -> None:
    (punch,) = arguments(args, kwargs, ["punch"])
    _submit([punch], False, self.submitter)


@task("attendance.submit_batch", base=DoorTask, bind=True)
def submit_batch(self: DoorTask, *args: Any, **kwargs: Any) -> None:
    punches, backfill = arguments(args, kwargs, ["punches"], ["backfill"])
    _submit(punches, False if backfill is None else backfill, self.submitter)


@task("attendance.void", base=DoorTask, bind=True)
def void(self: DoorTask, *args: Any, **kwargs: Any) -> None:
    tenant_id, punch_id, why = arguments(args, kwargs, ["tenant_id", "punch_id"], ["reason"])
    outcome = intake.void(this_process().engine, tenant_id, punch_id, why, self.submitter)
    fault_point("after_store")
    count_punches([outcome], self.name)
    judge_now(to_judge([outcome]))


def _submit(punches: Any, backfill: Any, by: intake.Submitter) -> None:
    began = time.monotonic()
    outcomes = intake.submit(this_process().engine, punches, by=by, backfill=backfill)
    fault_point("after_store")
    count_punches(outcomes, by.door)
    tenants = to_judge(outcomes)
    if len(outcomes) >= ENOUGH_PUNCHES or not leave_for_a_moment(tenants):
        judge_stored(tenants, began)
