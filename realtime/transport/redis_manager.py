"""The Redis manager: which clients are connected here, and what Redis brings for them."""

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn

import socketio
import structlog

from realtime.transport.endings import end
from realtime.transport.listener import Listener
from realtime.transport.packet import NAMESPACE

log = structlog.get_logger()

# After so many documents without a pause, everything else has a turn.
DOCUMENTS_AT_ONCE = 50


class NotEmitted(Exception):
    """Nothing is emitted through the manager: what viewers hear is in the feed."""


class RedisManager(socketio.AsyncRedisManager):  # type: ignore[misc]  # untyped library
    """The library's manager, without what it would do at the word of whoever publishes.

    It emits nothing, ends nobody and moves nobody between rooms. `received` gets each document of a
    tenant's channel, `foreign` a reason for each on the library's own, `subscribed` each channel
    that Redis confirms.
    """

    received: Callable[[bytes], None]
    foreign: Callable[[str], None]
    subscribed: Callable[[str], None]

    def __init__(self, url: str, channel: str) -> None:
        options = {"socket_timeout": 5, "socket_connect_timeout": 2}
        super().__init__(url, channel=channel, redis_options=options)
        self.listener = Listener(self._new_redis, channel, lambda channel: self.subscribed(channel))

    def start(self) -> None:
        """Begin to listen.

        The library would begin with the first client, too late for what is published meanwhile.
        """
        self.server.manager_initialized = True
        self.initialize()

    async def stop(self) -> None:
        await end(self.thread)

    def let_in(self, eio_sid: str) -> str:
        """Give a client its sid, connected at once.

        It gets no room of its own: nothing is sent to one, and leaving walks through them all.
        """
        sid: str = self.server.eio.generate_id()
        self.basic_enter_room(sid, NAMESPACE, None, eio_sid=eio_sid)
        return sid

    async def ping(self) -> bool:
        """Return whether Redis answers. Raises what its client raised."""
        return bool(self.redis is not None and await self.redis.ping())

    def _new_redis(self) -> Any:
        self._redis_connect()
        return self.redis

    async def _thread(self) -> None:
        """Hand on what is published, for ever."""
        while True:
            try:
                await self._hand_on()
            except Exception:
                log.exception("listening_failed")
                await asyncio.sleep(1)

    async def _hand_on(self) -> None:
        handed_on = 0
        async for channel, document in self.listener.documents():
            if channel == self.channel:
                self.foreign("foreign")
            else:
                self.received(document)
            handed_on += 1
            if handed_on % DOCUMENTS_AT_ONCE == 0:
                # Reading what has arrived already never waits.
                await asyncio.sleep(0)

    async def emit(self, *_arguments: Any, **_options: Any) -> NoReturn:
        """Raise NotEmitted: every client is in the library's room None, whatever its tenant."""
        raise NotEmitted

    async def close_room(self, *_arguments: Any, **_options: Any) -> NoReturn:
        """Raise NotEmitted: without the room None nobody would be known to be connected."""
        raise NotEmitted

    async def can_disconnect(self, sid: str, namespace: str) -> bool:
        """Return whether the client is connected here; other servers are not asked."""
        return bool(self.is_connected(sid, namespace))

    async def _publish(self, _data: Any) -> NoReturn:
        raise NotEmitted
