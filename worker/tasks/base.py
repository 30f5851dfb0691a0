"""The bases of all tasks.

Nothing personal shows in events, logs and results of a task, and nothing submitted is lost with it.
"""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from celery import shared_task
from celery.exceptions import Ignore, Reject, Retry
from kombu.exceptions import OperationalError as BrokerAway

from models.database import make_engine
from models.intake.refused.reasons import reason
from models.intake.submitter import Submitter
from models.settings import load_settings
from worker.broker.task import IdsOnlyTask
from worker.judging.database_away import is_away, wait_for
from worker.metrics import TASKS
from worker.process import this_process
from worker.tasks.bad_call import BadCall, refuse

TASK_FAILED = "task_failed"
TASK_PUT_OFF = "task_put_off"
TASK_KEPT = "task_kept_as_rejected"
TASK_NOT_WRITTEN = "task_not_written_again"

log = structlog.get_logger(__name__)

_KILLS = reason(
    "kills_worker", "", "killed the process that ran the task, in each of its retries; report this"
)
_EXPIRED = reason(
    "expired",
    "",
    "came to a worker after its `expires`; resubmit it, and send with a later one, or none",
)
_FAILS = reason(
    "keeps_failing",
    "",
    "failed in each of the task's retries, for no reason that is known; "
    "send it again, and report this",
)


class TaskFailed(Exception):
    """A task failed. This carries the error's class, not its text, which may quote a submission."""


class QuietTask(IdsOnlyTask):
    """A task whose events, logs and results tell ids only."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        try:
            self.work(args, kwargs)
        except (Ignore, Reject, Retry):
            raise
        except Exception as error:
            self.after_error(error, args, kwargs)
        TASKS.labels(task=self.name, outcome="done").inc()

    def work(self, args: Any, kwargs: Any) -> None:
        """Run the task with the arguments it was sent."""
        self.run(*args, **kwargs)

    def after_error(
        self,
        error: Exception,
        args: Any,  # noqa: ARG002 - a DoorTask keeps what was submitted
        kwargs: Any,  # noqa: ARG002
    ) -> NoReturn:
        """Log and count the failure. Raises TaskFailed."""
        TASKS.labels(task=self.name, outcome="failed").inc()
        log.error(TASK_FAILED, task=self.name, task_id=self.request.id, exc_info=error)
        raise TaskFailed(type(error).__name__) from None


class DoorTask(QuietTask):
    """A task by which something is submitted.

    It waits for a database that is away. Where it keeps failing otherwise, what it brought is kept
    as rejected.
    """

    abstract = True
    max_retries = 3
    keeps_expired = True

    @property
    def submitter(self) -> Submitter:
        """The task's producer, as it names itself: Celery's clients give their process and host."""
        return Submitter(self.name, self.request.origin)

    def work(self, args: Any, kwargs: Any) -> None:
        """Run the task, and keep as rejected what is no call of it or has expired.

        Raises what the task raises otherwise.
        """
        try:
            if self.request.get("expired"):
                raise BadCall(_EXPIRED)
            self.run(*args, **kwargs)
        except BadCall as bad:
            refuse(this_process().engine, self.submitter, args, kwargs, bad.why)

    def after_error(self, error: Exception, args: Any, kwargs: Any) -> NoReturn:
        """Put the task back, or keep what it brought.

        Raises Retry or Reject where the task comes again, TaskFailed where it does not.
        """
        retries = self.request.retries
        try:
            if is_away(error):
                self._again(error, _jitter(1), retries)
            if retries < self.max_retries:
                self._again(error, _jitter(2**retries / 4), retries + 1)
        # What is nested too deep to be written again is kept at once.
        except RecursionError:
            log.warning(TASK_NOT_WRITTEN, task=self.name, task_id=self.request.id)
        try:
            refuse(this_process().engine, self.submitter, args, kwargs, _FAILS)
        # Whatever the error is, the task is not let go before what it brought is kept.
        except Exception as worse:
            self._again_or_back(worse, _jitter(2), retries)
        super().after_error(error, args, kwargs)

    def on_lost_for_good(self, args: Any, kwargs: Any) -> None:
        engine = make_engine(load_settings().database_url)
        try:
            refuse(engine, Submitter(self.name), args, kwargs, _KILLS)
        finally:
            engine.dispose()
        log.error(TASK_KEPT, task=self.name)

    def _again(self, error: Exception, seconds: float, retries: int) -> NoReturn:
        """Put the task back into its queue after a pause.

        Raises Retry; where the broker is away, Reject, which leaves the task to its redelivery; and
        RecursionError where it is nested too deep to be written again.

        The task pauses in its place. An `eta`, for which a worker would hold it, could be asked for
        by anybody: on quorum queues two such messages keep a worker from all others.
        """
        TASKS.labels(task=self.name, outcome="put_off").inc()
        log.warning(
            TASK_PUT_OFF, task=self.name, task_id=self.request.id, retries=retries, exc_info=error
        )
        with suppress(SoftTimeLimitExceeded):  # it comes once, and must not cost the task
            pause(seconds, is_away(error))
        try:
            self.signature_from_request(retries=retries).apply_async()
        except BrokerAway:
            raise Reject("the broker is away", requeue=True) from None
        raise Retry(exc=TaskFailed(type(error).__name__), when=0)

    def _again_or_back(self, error: Exception, seconds: float, retries: int) -> NoReturn:
        """Put the task back; what cannot be written again is left to its redelivery."""
        try:
            self._again(error, seconds, retries)
        except RecursionError:
            raise Reject("it cannot be written again", requeue=True) from None


def task(name: str, **options: Any) -> Callable[[Callable[..., None]], QuietTask]:
    """Declare a function as the task of this name, with Celery's `options`."""
    declare: Callable[[Callable[..., None]], QuietTask] = shared_task(name=name, **options)
    return declare


def pause(seconds: float, is_database_away: bool) -> None:
    """Sleep, and then give a database that is away some more time to come back."""
    time.sleep(seconds)
    if is_database_away:
        wait_for(this_process().engine)


def _jitter(seconds: float) -> float:
    return seconds * random.uniform(0.5, 1)  # noqa: S311 - no secret
