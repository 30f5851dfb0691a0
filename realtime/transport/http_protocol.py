"""aiohttp's protocol of a connection, counted, and with a time limit for the heads of requests."""

import asyncio
from typing import cast

from aiohttp import web

from realtime.transport.connections import Connection, Connections

CONNECTIONS = web.AppKey("connections", Connections)


class CountedProtocol(web.RequestHandler):
    """`connection` is how it is counted.

    It is None where nothing is counted, there was no room, or a line has taken over.
    """

    __slots__ = ("connection",)

    connection: Connection | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        counted = cast(CountingServer, self._manager).open_connections
        self.connection = counted.open(cast(asyncio.Transport, transport)) if counted else None
        if self.connection is not None:
            self.connection.is_busy = self._is_busy
        super().connection_made(transport)

    def _is_busy(self) -> bool:
        return bool(self._request_in_progress)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def data_received(self, data: bytes) -> None:
        connection, requests = self.connection, self._request_count
        super().data_received(data)
        if connection is None or not data:
            return
        connection.heard()
        if self._request_count > requests:
            connection.head_ended()
        elif self._waiter is not None and not self._waiter.done():
            connection.head_began()


class CountingServer(web.Server):
    """A server whose protocols are counted in `open_connections`, if in any."""

    open_connections: Connections | None


def connection_of(request: web.BaseRequest) -> Connection | None:
    """Return the connection that the request came by, unless it is not counted."""
    return getattr(request.protocol, "connection", None)
