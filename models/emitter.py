"""Publishing messages on Redis, for the servers. It is a hint only; the feed is the truth.

A document on a tenant's channel is `{"method": "say", "tenant_id", "epoch", "base", "messages",
"host_id", "at"}`. Each of its messages is `[event, site_id, anomaly_type, severity, prior_severity,
body]`, and number i of them has position base + 1 + i. One document holds at most 100 messages and,
but for a single large one, 256 KiB.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import socketio
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from socketio.pubsub_manager import PubSubManager

from models.feed import Message

DOCUMENT_MESSAGES = 100
DOCUMENT_BYTES = 262_144
# Whoever publishes waits no longer than this for Redis. Servers find in the feed what it did not
# publish.
_REDIS_SECONDS = 2.0


class EmitFailed(Exception):
    """Redis did not take a document; servers will find its messages in the feed."""


def tenant_channel(channel: str, tenant_id: int) -> str:
    """Return the channel of one tenant's messages; `channel` is the setting REDIS_CHANNEL."""
    return f"{channel}:{tenant_id}"


class FeedManager(socketio.RedisManager):  # type: ignore[misc]  # socketio is untyped
    """A write-only Redis manager: it raises where it cannot publish, and never addresses everybody.

    socketio's own logs the failure, and takes an empty room for every client.
    """

    # A test compares the source of these with the one that was read: tests/models/test_emitter.py.
    OVERRIDDEN = (
        socketio.RedisManager.__init__,
        socketio.RedisManager._redis_connect,
        socketio.RedisManager._publish,
        PubSubManager.__init__,
        PubSubManager.emit,
    )

    def __init__(self, url: str, channel: str) -> None:
        options = {"socket_timeout": _REDIS_SECONDS, "socket_connect_timeout": _REDIS_SECONDS}
        super().__init__(url, channel=channel, write_only=True, redis_options=options)

    def emit(
        self, event: str, data: Any, namespace: str | None = None, room: Any = None, **kwargs: Any
    ) -> None:
        """Emit to a room, as socketio does. Raises ValueError without one."""
        if not (kwargs.get("to") or room):
            raise ValueError("emit needs a room; an empty one would reach every tenant")
        super().emit(event, data, namespace=namespace, room=room, **kwargs)

    def ping(self) -> None:
        """Ask Redis for an answer. Raises EmitFailed where it gives none."""
        try:
            if not self.connected:
                self._redis_connect()
            self.redis.ping()
        except (RedisError, OSError) as error:
            raise EmitFailed(str(error)) from error

    def say(self, tenant_id: int, epoch: str, base: int, messages: Sequence[Message]) -> None:
        """Publish committed messages in one round trip; the first has position `base + 1`.

        Raises EmitFailed where Redis cannot be reached. Some documents may be published by then.
        """
        channel = tenant_channel(self.channel, tenant_id)
        self._send(
            [(channel, document) for document in self._documents(tenant_id, epoch, base, messages)]
        )

    def _publish(self, data: Any) -> None:
        try:
            document = self.json.dumps(data, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise EmitFailed("the payload is no JSON") from error
        self._send([(self.channel, document.encode())])

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
        self, tenant_id: int, epoch: str, base: int, messages: Sequence[Message]
    ) -> Iterator[bytes]:
        for start, part in _parts(messages):
            yield orjson.dumps(
                {
                    "method": "say",
                    "tenant_id": tenant_id,
                    "epoch": epoch,
                    "base": base + start,
                    "messages": part,
                    "host_id": self.host_id,
                    "at": time.time(),
                }
            )


def _parts(messages: Sequence[Message]) -> Iterator[tuple[int, list[tuple[Any, ...]]]]:
    """Yield runs of messages that fit a document, each with the index of its first."""
    part: list[tuple[Any, ...]] = []
    start = size = 0
    for message in messages:
        if part and (len(part) == DOCUMENT_MESSAGES or size + len(message.body) > DOCUMENT_BYTES):
            yield start, part
            start, size, part = start + len(part), 0, []
        part.append(tuple(message))
        size += len(message.body)
    if part:
        yield start, part
