"""The part of a worker that takes messages off the broker. It drops what it cannot take.

Celery foresees a good deal, but ends the worker over the rest, and then the next one, which is
given the same message. Workers do not listen to each other (mingle, gossip): Celery believes each
message of that kind, and it costs every worker its time. A worker that Redis refuses a command says
so as it ends.
"""

from collections.abc import Callable
from typing import Any

import structlog
from celery.exceptions import WorkerShutdown
from celery.worker.consumer import Consumer
from redis.exceptions import ResponseError

from models.redis_rights import WORKER_RIGHTS, refused
from worker.broker.unexpected import MESSAGE_DROPPED, UNEXPECTED

TASK_UNKNOWN = "task_unknown"
BROKER_REFUSED = "broker_refused"

log = structlog.get_logger(__name__)

# Steps of Celery's consumer: RemoteControl stands for its Control, and nothing is ever delayed.
_LEFT_OUT = ("gossip:Gossip", "control:Control", "delayed_delivery:DelayedDelivery")
_ALONE = {"without_mingle": True, "without_gossip": True}


class SteadyConsumer(Consumer):  # type: ignore[misc]  # Celery has no types
    """Celery's consumer, which listens to no other worker and drops what it cannot take."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]
        default_steps = [  # noqa: RUF012 - as Celery's
            step for step in Consumer.Blueprint.default_steps if not step.endswith(_LEFT_OUT)
        ]

    def __init__(
        self, *arguments: Any, worker_options: dict[str, Any] | None = None, **options: Any
    ) -> None:
        super().__init__(*arguments, worker_options={**(worker_options or {}), **_ALONE}, **options)

    def start(self) -> None:
        """Take messages until the worker ends. Raises WorkerShutdown where Redis refuses that.

        Another start would not help, nor a traceback: the command and the rights are logged.
        """
        try:
            super().start()
        except ResponseError as error:
            if (command := refused(error)) is None:
                raise
            log.critical(BROKER_REFUSED, command=command, grant=WORKER_RIGHTS)
            raise WorkerShutdown(1) from error

    def create_task_handler(self, *arguments: Any, **options: Any) -> Callable[[Any], None]:
        take = super().create_task_handler(*arguments, **options)

        def take_or_drop(message: Any) -> None:
            try:
                message.content_type = _bare(message.content_type)
                take(message)
            except UNEXPECTED as error:
                log.error(MESSAGE_DROPPED, exc_info=error)
                if not message.acknowledged:
                    message.reject_log_error(log, self.connection_errors)

        return take_or_drop

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002 - may hold personal data
        log.error(TASK_UNKNOWN)
        message.reject_log_error(log, self.connection_errors)


def _bare(content_type: Any) -> Any:
    """Return it in lower case and without parameters.

    `Application/JSON; charset=utf-8` is `application/json`, which is in UTF-8 anyhow.
    """
    if not isinstance(content_type, str):
        return content_type
    return content_type.partition(";")[0].strip().lower()
