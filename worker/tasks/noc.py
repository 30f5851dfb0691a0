"""The task `noc.publish`: a message of another system, for the viewers of a tenant."""

from typing import Any

from celery import shared_task

from models import intake
from worker.faults import reach
from worker.process import this_process
from worker.tasks.bad_call import arguments
from worker.tasks.base import DoorTask
from worker.tasks.outcomes import count_reasons


@shared_task(name="noc.publish", base=DoorTask, bind=True)
def noc_publish(self: DoorTask, *args: Any, **kwargs: Any) -> None:
    (message,) = arguments(args, kwargs, ["message"])
    process = this_process()
    said = intake.publish(process.engine, message, self.submitter)
    count_reasons("noc.publish", said.outcome.reasons)
    reach("after_store")
    if said.appended and said.outcome.tenant_id is not None:
        process.emit(said.outcome.tenant_id, *said.appended, list(said.messages))
