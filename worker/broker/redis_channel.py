"""kombu's channels on Redis, made steady.

There a message stands in an envelope that its producer has written, be it by hand.
"""

from queue import Empty
from typing import Any

import structlog
from kombu.transport import redis

from worker.broker.held import HeldMessages
from worker.broker.message_json import loads
from worker.broker.unexpected import MESSAGE_DROPPED, UNEXPECTED

log = structlog.get_logger(__name__)


class SteadyChannel(redis.Channel):
    """kombu's channel, which ends over no envelope and notes in one go what it holds."""

    QoS = HeldMessages

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)
        except UNEXPECTED as error:
            log.error(MESSAGE_DROPPED, exc_info=error)
            return True

    def _receive_one(self, *arguments: Any) -> Any:
        """Take a message of remote control, which is published.

        kombu foresees what is no JSON, but then leaves what came with it unread.
        """
        try:
            return super()._receive_one(*arguments)
        except (Empty, *UNEXPECTED) as error:
            log.error(MESSAGE_DROPPED, exc_info=error)
            return True

    def close(self) -> None:
        """Close it, also where its connection let go of it already.

        Then it can give nothing back: Redis hands that on when its time is over.
        """
        try:
            super().close()
        except AttributeError:
            if self.connection.client is not None:
                raise


class SteadySentinelChannel(SteadyChannel, redis.SentinelChannel):
    """The same where Sentinels name the master."""


def steady_redis(**_: Any) -> None:
    """Have kombu make these channels in this process, and read envelopes by our `loads`."""
    redis.loads = loads  # type: ignore[assignment]
    redis.Transport.Channel = SteadyChannel
    redis.SentinelTransport.Channel = SteadySentinelChannel
