"""The part of a worker that takes messages off the broker. No message ends it, whatever it holds: what cannot be taken is dropped.

Celery and kombu foresee a good deal, but end the worker over the rest; and then the next, which is given the same message.
"""

from collections.abc import Callable
from typing import Any

import structlog
from celery.worker.consumer import Consumer
from kombu.transport import redis
from redis.exceptions import DataError

from worker.held import HeldMessages
from worker.reading import loads

MESSAGE_DROPPED = "message_dropped"

log = structlog.get_logger(__name__)

# What is raised where something is of another type or shape than expected. A broker that is away raises others.
_UNEXPECTED = (ArithmeticError, AttributeError, DataError, LookupError, RecursionError, TypeError, ValueError)


class SteadyConsumer(Consumer):
    def create_task_handler(self, *arguments: Any, **options: Any) -> Callable[[Any], None]:
        take = super().create_task_handler(*arguments, **options)

        def take_or_drop(message: Any) -> None:
            try:
                take(message)
            except _UNEXPECTED as error:
                log.error(MESSAGE_DROPPED, exc_info=error)
                if not message.acknowledged:
                    message.reject_log_error(log, self.connection_errors)

        return take_or_drop


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
