"""Listening to Redis: the channels of the tenants that have viewers here."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import structlog
from redis.exceptions import RedisError

log = structlog.get_logger()

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0
# A connection that is silent for so long is pinged, and given up when it stays silent.
SILENT_SECONDS = 5.0


class Listener:
    """One connection to Redis at a time, subscribed to the channels that were joined.

    `subscribed` is called with each channel that Redis confirms, and again after each reconnect:
    what was published before that moment may have been missed.
    """

    def __init__(
        self, connect: Callable[[], Any], channel: str, subscribed: Callable[[str], None]
    ) -> None:
        self._connect = connect
        self._subscribed = subscribed
        self._channels = {channel}
        self._changed = asyncio.Event()

    def join(self, channel: str) -> None:
        self._channels.add(channel)
        self._changed.set()

    def leave(self, channel: str) -> None:
        self._channels.discard(channel)
        self._changed.set()

    async def documents(self) -> AsyncIterator[tuple[str, bytes]]:
        """Yield what is published on the joined channels, for ever, as (channel, document)."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            redis = self._connect()
            pubsub = redis.pubsub()
            following: asyncio.Task[None] | None = None
            try:
                subscriptions = set(self._channels)
                await pubsub.subscribe(*subscriptions)
                following = asyncio.create_task(self._follow(pubsub, subscriptions))
                async for kind, channel, data in _read(pubsub):
                    if kind == "subscribe":
                        pause = FIRST_PAUSE_SECONDS
                        self._subscribed(channel)
                    elif kind == "message":
                        yield channel, data
            except (RedisError, OSError, TimeoutError) as error:
                if pause == FIRST_PAUSE_SECONDS:
                    log.warning("redis_lost", error=type(error).__name__)
            finally:
                if following:
                    following.cancel()
                await _close(pubsub, redis)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _follow(self, pubsub: Any, subscriptions: set[str]) -> None:
        """Subscribe and unsubscribe as channels are joined and left.

        Many that change at once are one command.
        """
        try:
            while True:
                self._changed.clear()
                missing = self._channels - subscriptions
                surplus = subscriptions - self._channels
                if missing:
                    await pubsub.subscribe(*missing)
                if surplus:
                    await pubsub.unsubscribe(*surplus)
                subscriptions |= missing
                subscriptions -= surplus
                await self._changed.wait()
        except (RedisError, OSError, TimeoutError):
            # The reader sees the same, and starts all over.
            return


async def _read(pubsub: Any) -> AsyncIterator[tuple[str, str, bytes]]:
    """Yield (kind, channel, data). Raises TimeoutError where Redis does not answer a ping."""
    pinged = False
    while True:
        message = await pubsub.get_message(timeout=SILENT_SECONDS)
        if message is not None:
            pinged = False
            yield message["type"], (message["channel"] or b"").decode(), message["data"]
        elif pinged:
            raise TimeoutError("no answer to a ping")
        else:
            pinged = True
            await pubsub.ping()


async def _close(pubsub: Any, redis: Any) -> None:
    try:
        await pubsub.aclose()
        await redis.aclose()
    except (RedisError, OSError):
        # It was broken; its sockets are closed all the same.
        return
