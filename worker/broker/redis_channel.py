"""kombu's channels on Redis, which end over no envelope.

On Redis a message comes in an envelope that its producer has written, maybe by hand.
"""

from queue import Empty
from typing import Any

import structlog
from kombu.transport import redis

from worker.broker.message_json import loads
from worker.broker.unacked import UnackedMessages
from worker.broker.unexpected import MESSAGE_DROPPED, UNEXPECTED

log = structlog.get_logger(__name__)


class SteadyChannel(redis.Channel):
    """kombu's channel, but it drops envelopes that it cannot read."""

    QoS = UnackedMessages

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]  # kombu's
        except UNEXPECTED as error:
            log.error(MESSAGE_DROPPED, exc_info=error)
            return True

    def _receive_one(self, *arguments: Any) -> Any:
        """Take a message of remote control, which is published.

        kombu foresees what is no JSON, but then leaves what came with it unread.
        """
        try:
            return super()._receive_one(*arguments)  # type: ignore[no-untyped-call]
        except (Empty, *UNEXPECTED) as error:
            log.error(MESSAGE_DROPPED, exc_info=error)
            return True

    def close(self) -> None:
        """Close it, also where its connection has let go of it already.

        Then it can give no message back. Redis hands those on when their time is over.
        """
        try:
            super().close()  # type: ignore[no-untyped-call]
        except AttributeError:
            if self.connection.client is not None:
                raise


class SteadySentinelChannel(SteadyChannel, redis.SentinelChannel):
    """A steady channel where Sentinels name the master."""


def steady_redis(**_: Any) -> None:
    """Have kombu make these channels in this process, and read envelopes by our `loads`."""
    redis.loads = loads  # type: ignore[attr-defined, assignment]  # kombu has it from elsewhere
    redis.Transport.Channel = SteadyChannel
    redis.SentinelTransport.Channel = SteadySentinelChannel
