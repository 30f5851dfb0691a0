"""The task `noc.publish` says a message of another system to the viewers of a tenant."""

from typing import Any

from models import intake
from worker.faults import fault_point
from worker.process import this_process
from worker.tasks.bad_call import arguments
from worker.tasks.base import DoorTask, task
from worker.tasks.outcomes import count_reasons


@task("noc.publish", base=DoorTask, bind=True)
def noc_publish(self: DoorTask, *args: Any, **kwargs: Any) -> None:
    (message,) = arguments(args, kwargs, ["message"])
    process = this_process()
    publication = intake.publish(process.engine, message, self.submitter)
    count_reasons("noc.publish", publication.outcome.reasons)
    fault_point("after_store")
    tenant_id = publication.outcome.tenant_id
    if publication.appended and tenant_id is not None:
        process.emit(tenant_id, *publication.appended, list(publication.messages))
