"""The tasks `attendance.*`: punches come in, one or many, and one may be taken back."""

from typing import Any

from celery import shared_task

from models import intake
from worker.faults import reach
from worker.process import this_process
from worker.tasks.after_storing import judge_now, leave_for_a_moment
from worker.tasks.bad_call import arguments
from worker.tasks.base import DoorTask
from worker.tasks.outcomes import count_punches, to_judge

WORTH_JUDGING = 100  # punches of one task, which gain little by being judged together with others'


@shared_task(name="attendance.submit", base=DoorTask, bind=True)
def submit(self: DoorTask, *args: Any, **kwargs: Any) -> None:
    (punch,) = arguments(args, kwargs, ["punch"])
    _submit([punch], False, self.submitter)


@shared_task(name="attendance.submit_batch", base=DoorTask, bind=True)
def submit_batch(self: DoorTask, *args: Any, **kwargs: Any) -> None:
    punches, backfill = arguments(args, kwargs, ["punches"], ["backfill"])
    _submit(punches, False if backfill is None else backfill, self.submitter)


@shared_task(name="attendance.void", base=DoorTask, bind=True)
def void(self: DoorTask, *args: Any, **kwargs: Any) -> None:
    tenant_id, punch_id, why = arguments(args, kwargs, ["tenant_id", "punch_id"], ["reason"])
    outcome = intake.void(this_process().engine, tenant_id, punch_id, why, self.submitter)
    reach("after_store")
    count_punches([outcome], self.name)
    judge_now(to_judge([outcome]))


def _submit(punches: Any, backfill: Any, by: intake.Submitter) -> None:
    outcomes = intake.submit(this_process().engine, punches, by=by, backfill=backfill)
    reach("after_store")
    count_punches(outcomes, by.door)
    tenants = to_judge(outcomes)
    if len(outcomes) >= WORTH_JUDGING or not leave_for_a_moment(tenants):
        judge_now(tenants)
