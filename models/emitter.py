"""Publishing messages on Redis, for the servers. It is a hint only; the feed is the truth.

A document on a tenant's channel is signed (models.channel) and says `{"method": "say", "tenant_id",
"epoch", "base", "messages", "marks", "host_id", "at"}`. Each of its messages is `[event, site_id,
anomaly_type, severity, prior_severity, body]`, and number i of them has position base + 1 + i and
the mark number i. One document holds at most 100 messages and, but for a single large one, 256 KiB.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import socketio
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from socketio.pubsub_manager import PubSubManager

from models.channel import KeysUnreadable, SigningKey, sign
from models.feed import Message
from models.ids import Id, spelled

DOCUMENT_MESSAGES = 100
DOCUMENT_BYTES = 262_144
# Whoever publishes waits no longer than this for Redis. Servers find in the feed what it did not
# publish.
_REDIS_SECONDS = 2.0


class EmitFailed(Exception):
    """A document could not be signed or published; servers will find its messages in the feed."""


def tenant_channel(channel: str, tenant_id: Id) -> str:
    """Return the channel of one tenant's messages; `channel` is the setting REDIS_CHANNEL."""
    return f"{channel}:{spelled(tenant_id)}"


class FeedManager(socketio.RedisManager):  # type: ignore[misc]  # socketio is untyped
    """A write-only Redis manager that signs what it says, and raises where it cannot publish.

    Nothing but that is acted on, so what socketio's own would emit is refused. `signing_key` says
    which key to sign with.
    """

    # A test compares the source of these with the one that was read: tests/models/test_emitter.py.
    OVERRIDDEN = (
        socketio.RedisManager.__init__,
        socketio.RedisManager._redis_connect,
        socketio.RedisManager._publish,
        PubSubManager.__init__,
    )

    def __init__(self, url: str, channel: str, signing_key: SigningKey) -> None:
        options = {"socket_timeout": _REDIS_SECONDS, "socket_connect_timeout": _REDIS_SECONDS}
        super().__init__(url, channel=channel, write_only=True, redis_options=options)
        self._signing_key = signing_key

    def ping(self) -> None:
        """Ask Redis for an answer. Raises EmitFailed where it gives none."""
        try:
            if not self.connected:
                self._redis_connect()
            self.redis.ping()
        except (RedisError, OSError) as error:
            raise EmitFailed(str(error)) from error

    def say(self, tenant_id: Id, epoch: str, base: int, messages: Sequence[Message]) -> None:
        """Publish committed messages in one round trip; the first has position `base + 1`.

        Raises EmitFailed where Redis cannot be reached, or no key can be read. Some documents may
        be published by then.
        """
        channel = tenant_channel(self.channel, tenant_id)
        self._send(
            [(channel, document) for document in self._documents(tenant_id, epoch, base, messages)]
        )

    def _publish(self, data: Any) -> None:
        """Refuse what socketio itself would publish, an emit to a room or the end of a client."""
        raise ValueError(f"no server acts on {data['method']}: say it, and it is in the feed")

    def _send(self, documents: list[tuple[str, bytes]]) -> None:
        try:
            if not self.connected:
                self._redis_connect()
            try:
                self._publish_all(documents)
            except RedisConnectionError:
                # A connection of the pool died with a Redis that has restarted since; the next one
                # is new. Servers ignore what comes twice.
                self._publish_all(documents)
        except (RedisError, OSError) as error:
            raise EmitFailed(str(error)) from error

    def _publish_all(self, documents: list[tuple[str, bytes]]) -> None:
        with self.redis.pipeline(transaction=False) as pipeline:
            for channel, document in documents:
                pipeline.publish(channel, document)
            pipeline.execute()

    def _documents(
        self, tenant_id: Id, epoch: str, base: int, messages: Sequence[Message]
    ) -> Iterator[bytes]:
        try:
            key = self._signing_key()
        except KeysUnreadable as error:
            raise EmitFailed(f"no key of the channel: {error}") from error
        for start, part in _parts(messages):
            yield sign(
                key,
                {
                    "method": "say",
                    "tenant_id": tenant_id,
                    "epoch": epoch,
                    "base": base + start,
                    "messages": [tuple(message)[:-1] for message in part],
                    "marks": [message.mark for message in part],
                    "host_id": self.host_id,
                },
            )


def _parts(messages: Sequence[Message]) -> Iterator[tuple[int, list[Message]]]:
    """Yield runs of messages that fit a document, each with the index of its first."""
    part: list[Message] = []
    start = size = 0
    for message in messages:
        if part and (len(part) == DOCUMENT_MESSAGES or size + len(message.body) > DOCUMENT_BYTES):
            yield start, part
            start, size, part = start + len(part), 0, []
        part.append(message)
        size += len(message.body)
    if part:
        yield start, part
