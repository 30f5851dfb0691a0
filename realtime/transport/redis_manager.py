"""The Redis manager: which clients are connected here, and what Redis brings for them."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import socketio

from realtime.transport.endings import end
from realtime.transport.listener import Listener
from realtime.transport.packet import NAMESPACE


class RedisManager(socketio.AsyncRedisManager):  # type: ignore[misc]  # untyped library
    """The library's manager, which listens to more than its own channel.

    `received` gets each document of a tenant's channel, `subscribed` each channel that Redis
    confirms.
    """

    received: Callable[[bytes], None]
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

    async def _listen(self) -> AsyncIterator[bytes]:
        async for channel, document in self.listener.documents():
            if channel == self.channel:
                yield document
            else:
                self.received(document)
