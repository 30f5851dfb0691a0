"""kombu's channels on Redis, which lose no message and end over no envelope.

On Redis a message comes in an envelope that its producer has written, maybe by hand.
"""

from functools import cached_property
from queue import Empty
from time import monotonic
from typing import Any

import structlog
from kombu.transport import redis

from worker.broker.message_json import loads
from worker.broker.queue_shares import QueueShares
from worker.broker.taking import List, Taken, Taking
from worker.broker.unacked import UnackedMessages
from worker.broker.unexpected import MESSAGE_DROPPED, UNEXPECTED

log = structlog.get_logger(__name__)

# Redis tells when a list has changed. Should it not, a worker looks by itself after so long.
LOOK_AGAIN_SECONDS = 5.0


class SteadyChannel(redis.Channel):
    """kombu's channel, but it notes what it takes as it does, and drops what it cannot read.

    Each of its queues gets its share of the worker's time.
    """

    QoS = UnackedMessages
    queue_order_strategy = "worker.broker.queue_shares:QueueShares"
    # As in kombu: the connection on which something was asked for, if any, and when.
    _in_poll: Any = False
    _brpop_sent_at: Any = None

    @cached_property
    def taking(self) -> Taking:
        """The way of this channel to take messages."""
        prefix = self.global_keyprefix
        return Taking(prefix + self.unacked_key, prefix + self.unacked_index_key)

    @property
    def queue_shares(self) -> QueueShares:
        """The order in which this channel looks into its queues."""
        shares: QueueShares = self._queue_cycle
        return shares

    def _brpop_start(self, timeout: Any = None) -> None:  # noqa: ARG002 - the library's signature
        queues = self._queue_cycle.consume(len(self.active_queues))
        if queues:
            self._in_poll, self._brpop_sent_at = self.client.connection, monotonic()
            lists = [
                List(self._key(queue, priority), queue)
                for priority in self.priority_steps
                for queue in queues
            ]
            self.taking.begin(self._in_poll, lists)

    def _key(self, queue: str, priority: int) -> str:
        key: str = self._q_for_pri(queue, priority)  # type: ignore[no-untyped-call]  # kombu's
        return self.global_keyprefix + key

    def _brpop_read(self, **_: Any) -> bool:
        """Read what has come, and deliver the message if it is one. Raises Empty where it is not.

        kombu calls this once more as it closes the channel: by then nothing is asked for any more.
        """
        if self._closing and not self.taking.is_looking:
            raise Empty
        connection, self._in_poll = self._in_poll, None
        try:
            taken = self.taking.go_on()
        except BaseException:
            self.client.connection.disconnect()  # answers may be left in it
            raise
        if taken is None:
            self._in_poll, self._brpop_sent_at = connection, monotonic()
            raise Empty
        self._flush_brpop_reauth()  # type: ignore[no-untyped-call]  # kombu's
        self._deliver(taken)
        return True

    def _deliver(self, taken: Taken) -> None:
        """Deliver what was taken, and strike its note unless a consumer is to acknowledge it."""
        self._queue_cycle.rotate(taken.queue)
        self.qos.noted_tag = taken.tag
        try:
            envelope: Any = loads(taken.envelope)
            envelope["properties"]["delivery_tag"] = taken.tag
            self.connection._deliver(envelope, taken.queue)
        except UNEXPECTED as error:
            log.error(MESSAGE_DROPPED, exc_info=error)
        if self.qos.noted_tag:
            self.qos.strike(taken.tag)

    def look_again(self) -> None:
        """Look for messages where Redis has told nothing for long."""
        if not self._in_poll or not self.taking.is_waiting or not self.qos.can_consume():
            return
        if monotonic() - (self._brpop_sent_at or 0) > LOOK_AGAIN_SECONDS:
            self._brpop_sent_at = monotonic()
            self.taking.look_again()

    def _do_restore_message(self, payload: Any, *arguments: Any, **options: Any) -> None:
        if isinstance(payload, dict):  # without headers, kombu would lose it here
            payload["headers"] = payload.get("headers") or {}
        super()._do_restore_message(payload, *arguments, **options)  # type: ignore[no-untyped-call]

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
