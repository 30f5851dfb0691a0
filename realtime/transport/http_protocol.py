"""aiohttp's protocol of a connection, counted, and with a time limit for the heads of requests."""

import asyncio
from typing import Any, cast

from aiohttp import web

from realtime.transport.connections import Connection, Connections

CONNECTIONS = web.AppKey("connections", Connections)
# Longer than the usual proxy keeps a connection that nothing comes by.
KEEPALIVE_SECONDS = 120.0


class Protocol(web.RequestHandler):
    """`connection` is how it is counted; None where there was no room, or a line has taken over."""

    __slots__ = ("connection",)

    connection: Connection | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        manager = cast(CountingServer, self._manager)
        self.connection = manager.open_connections.open(cast(asyncio.Transport, transport))
        super().connection_made(transport)

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
    """Makes these protocols, which are counted in `open_connections`."""

    open_connections: Connections

    def __call__(self) -> Protocol:
        return Protocol(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Runs an application whose connections are counted in its CONNECTIONS."""

    def __init__(self, app: web.Application, **options: Any) -> None:
        super().__init__(app, keepalive_timeout=KEEPALIVE_SECONDS, **options)

    async def _make_server(self) -> CountingServer:
        made = await super()._make_server()
        server = CountingServer(
            made.request_handler,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            loop=made._loop,
            **made._kwargs,
        )
        server.open_connections = self.app[CONNECTIONS]
        return server


def connection_of(request: web.BaseRequest) -> Connection | None:
    """Return the connection that the request came by, unless it is not counted."""
    return getattr(request.protocol, "connection", None)
