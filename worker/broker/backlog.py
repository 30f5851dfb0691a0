"""Ask how many tasks wait for a worker, whichever broker holds them."""

from typing import Any

from celery import current_app
from kombu.exceptions import KombuError

QUEUE = "attendance"


class Backlog:
    """Asks the broker how many tasks wait, over a connection of its own."""

    def __init__(self) -> None:
        self._connection: Any = None
        self._channel: Any = None

    def __call__(self) -> int:
        """Return how many wait.

        0 where the broker does not answer or has no such queue: Redis has none that is empty.
        """
        if self._connection is None:
            self._connection = current_app.connection_for_read(heartbeat=0)
        try:
            self._channel = self._channel or self._connection.channel()
            return int(self._channel.queue_declare(QUEUE, passive=True).message_count)
        except self._connection.channel_errors:
            self._forget_channel_of(self._connection)
        except (KombuError, OSError, *self._connection.connection_errors):
            self._connection = self._channel = None
        return 0

    def _forget_channel_of(self, connection: Any) -> None:
        # RabbitMQ closes the channel on an error; other brokers do not.
        if connection.transport.driver_type == "amqp":
            self._channel = None
