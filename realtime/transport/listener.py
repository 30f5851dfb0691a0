"""Listening to Redis: the channels of the tenants that have viewers here, joined and left as these
come and go.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import structlog
from redis.exceptions import RedisError

log = structlog.get_logger()

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0
# A connection that says nothing for so long is asked for a sign of life, and given up when none
# comes.
SILENCE = 5.0


class Listener:
    """`wanted` is the truth; the connection follows it. `subscribed` is called for each confirmed
    channel, again after each
    reconnect: what was published before that moment may have been missed.
    """

    def __init__(
        self, connect: Callable[[], Any], channel: str, subscribed: Callable[[str], None]
    ) -> None:
        self._connect = connect
        self._subscribed = subscribed
        self._wanted = {channel}
        self._changed = asyncio.Event()

    def join(self, channel: str) -> None:
        self._wanted.add(channel)
        self._changed.set()

    def leave(self, channel: str) -> None:
        self._wanted.discard(channel)
        self._changed.set()

    async def documents(self) -> AsyncIterator[tuple[str, bytes]]:
        """What is published on the wanted channels, for ever: (channel, document)."""
        pause = FIRST_PAUSE
        while True:
            redis = self._connect()
            pubsub = redis.pubsub()
            following: asyncio.Task[None] | None = None
            try:
                joined = set(self._wanted)
                await pubsub.subscribe(*joined)
                following = asyncio.create_task(self._follow(pubsub, joined))
                async for kind, channel, data in _read(pubsub):
                    if kind == "subscribe":
                        pause = FIRST_PAUSE
                        self._subscribed(channel)
                    elif kind == "message":
                        yield channel, data
            except (RedisError, OSError, TimeoutError) as error:
                if pause == FIRST_PAUSE:
                    log.warning("redis_lost", error=type(error).__name__)
            finally:
                if following:
                    following.cancel()
                await _close(pubsub, redis)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _follow(self, pubsub: Any, joined: set[str]) -> None:
        """Keep what is joined on this connection to what is wanted; many changes at once are one
        command.
        """
        try:
            while True:
                self._changed.clear()
                missing, surplus = self._wanted - joined, joined - self._wanted
                if missing:
                    await pubsub.subscribe(*missing)
                if surplus:
                    await pubsub.unsubscribe(*surplus)
                joined |= missing
                joined -= surplus
                await self._changed.wait()
        except (RedisError, OSError, TimeoutError):
            # The reader sees the same, and starts all over.
            return


async def _read(pubsub: Any) -> AsyncIterator[tuple[str, str, bytes]]:
    """(kind, channel, data). Raises TimeoutError on a connection that does not answer."""
    asked = False
    while True:
        message = await pubsub.get_message(timeout=SILENCE)
        if message is not None:
            asked = False
            yield message["type"], (message["channel"] or b"").decode(), message["data"]
        elif asked:
            raise TimeoutError("no answer to a ping")
        else:
            asked = True
            await pubsub.ping()


async def _close(pubsub: Any, redis: Any) -> None:
    try:
        await pubsub.aclose()
        await redis.aclose()
    except (RedisError, OSError):
        # It was broken; its sockets are closed all the same.
        return
