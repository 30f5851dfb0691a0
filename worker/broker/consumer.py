"""The part of a worker that takes messages off the broker. No message ends it, whatever it holds: what cannot be taken is dropped.

Celery and kombu foresee a good deal, but end the worker over the rest; and then the next, which is given the same message.
Workers do not listen to each other (mingle, gossip): each message of that kind is believed by Celery, and costs every worker its time.
"""

from collections.abc import Callable
from queue import Empty
from typing import Any

import structlog
from celery.worker.consumer import Consumer
from kombu.transport import redis
from redis.exceptions import DataError

from worker.broker.held import HeldMessages
from worker.broker.message_json import loads

MESSAGE_DROPPED = "message_dropped"
TASK_UNKNOWN = "task_unknown"

log = structlog.get_logger(__name__)

# What is raised where something is of another type or shape than expected. A broker that is away raises others.
_UNEXPECTED = (ArithmeticError, AttributeError, DataError, LookupError, RecursionError, TypeError, ValueError)
# Steps of Celery's consumer: RemoteControl stands for its Control, and nothing is ever delayed.
_LEFT_OUT = ("gossip:Gossip", "control:Control", "delayed_delivery:DelayedDelivery")


class SteadyConsumer(Consumer):
    class Blueprint(Consumer.Blueprint):
        default_steps = [step for step in Consumer.Blueprint.default_steps if not step.endswith(_LEFT_OUT)]  # noqa: RUF012 - as Celery's

    def __init__(self, *arguments: Any, worker_options: dict[str, Any] | None = None, **options: Any) -> None:
        alone = {"without_mingle": True, "without_gossip": True}
        super().__init__(*arguments, worker_options={**(worker_options or {}), **alone}, **options)

    def create_task_handler(self, *arguments: Any, **options: Any) -> Callable[[Any], None]:
        take = super().create_task_handler(*arguments, **options)

        def take_or_drop(message: Any) -> None:
            try:
                message.content_type = _bare(message.content_type)
                take(message)
            except _UNEXPECTED as error:
                log.error(MESSAGE_DROPPED, exc_info=error)
                if not message.acknowledged:
                    message.reject_log_error(log, self.connection_errors)

        return take_or_drop

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002 - nor what they hold is told
        log.error(TASK_UNKNOWN)
        message.reject_log_error(log, self.connection_errors)


def _bare(content_type: Any) -> Any:
    """Without parameters and in lower case: `Application/JSON; charset=utf-8` is JSON, whose text is UTF-8 anyway."""
    return content_type.partition(";")[0].strip().lower() if isinstance(content_type, str) else content_type


def _steady(channel: type) -> Any:
    """On Redis a message stands in an envelope that its producer has written, be it by hand."""

    class SteadyChannel(channel):
        QoS = HeldMessages

        def _brpop_read(self, **options: Any) -> Any:
            try:
                return super()._brpop_read(**options)
            except _UNEXPECTED as error:
                log.error(MESSAGE_DROPPED, exc_info=error)
                return True

        def _receive_one(self, *arguments: Any) -> Any:
            """Of remote control, which is published. kombu foresees what is no JSON, but then leaves what came with it unread."""
            try:
                return super()._receive_one(*arguments)
            except (Empty, *_UNEXPECTED) as error:
                log.error(MESSAGE_DROPPED, exc_info=error)
                return True

        def close(self) -> None:
            """Closed again after its connection let go of it, it can give nothing back: Redis hands that on when its time is over."""
            try:
                super().close()
            except AttributeError:
                if self.connection.client is not None:
                    raise

    return SteadyChannel


redis.loads = loads  # type: ignore[assignment]  # by which it reads envelopes
for _transport in (redis.Transport, redis.SentinelTransport):
    _transport.Channel = _steady(_transport.Channel)
