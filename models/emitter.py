"""Telling the servers: the Redis manager that workers write with. What it says is a hint; the feed
is the truth.

A document on a tenant's channel is `{"method": "say", "tenant_id", "epoch", "base", "messages",
"host_id", "at"}`, its messages `[event, site_id, anomaly_type, severity, prior_severity, body]`, of
which number i has position base + 1 + i. One document holds at most 100 messages and, but for a
single large one, 256 KiB.
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
# A worker waits no longer than this for Redis: the servers' next look at the feed brings what it
# did not say.
_SECONDS = 2.0


class EmitFailed(Exception):
    """Redis did not take what was to be said; servers will find it in the feed."""


def tenant_channel(channel: str, tenant_id: int) -> str:
    """Where one tenant's messages are published, `channel` being the deployment's (REDIS_CHANNEL)."""
    return f"{channel}:{tenant_id}"


class FeedManager(socketio.RedisManager):
    """A write-only Redis manager that says so when it cannot publish, and never addresses everybody
    by accident.
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
        options = {"socket_timeout": _SECONDS, "socket_connect_timeout": _SECONDS}
        super().__init__(url, channel=channel, write_only=True, redis_options=options)

    def emit(
        self, event: str, data: Any, namespace: str | None = None, room: Any = None, **kwargs: Any
    ) -> None:
        """As socketio's. Raises ValueError without a room: the library takes an empty one for every
        client of every tenant.
        """
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
        """Publish messages that have been committed, the first at position `base + 1`, in one round
        trip.

        Raises EmitFailed when Redis cannot be reached; some documents may have been published by
        then.
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
                # A connection of the pool that died with a Redis since restarted; the next one is
                # new. Said twice is a repeat.
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


def _parts(messages: Sequence[Message]) -> Iterator[tuple[int, list[tuple]]]:
    """Runs of messages that fit a document, each with the index of its first."""
    part: list[tuple] = []
    start = size = 0
    for message in messages:
        if part and (len(part) == DOCUMENT_MESSAGES or size + len(message.body) > DOCUMENT_BYTES):
            yield start, part
            start, size, part = start + len(part), 0, []
        part.append(tuple(message))
        size += len(message.body)
    if part:
        yield start, part
