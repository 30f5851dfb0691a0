"""One Engine.IO connection, from its first poll or its open websocket to its end."""

import asyncio
import time
from collections.abc import Hashable
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from engineio import packet as engineio_packet
from engineio.async_socket import AsyncSocket
from engineio.exceptions import ContentTooLongError, EngineIOError, QueueEmpty

from realtime import metrics
from realtime.transport.addresses import UNKNOWN
from realtime.transport.burst import Burst
from realtime.transport.flood import Bucket
from realtime.transport.handshake import Handshake, take_over
from realtime.transport.http_protocol import connection_of
from realtime.transport.line import Line, Work
from realtime.transport.outbox import Outbox
from realtime.transport.probe import Probe

# What is sent by polling has to arrive within so long.
POST_SECONDS = 30.0


class Socket(AsyncSocket):  # type: ignore[misc]  # untyped library
    """A connection by polling, with an outbox; by websocket, with a line; or about to go over.

    It adds methods to the library's socket and no state that needs a constructor: Server makes one
    out of a socket of the library's.
    """

    queue: Outbox | None
    last_ping: float | None
    connected: bool
    upgrading: bool
    line: Line | None = None
    probing: Line | None = None
    bucket: Bucket
    opened_at: float
    polled: str | None = None
    user: Hashable | None = None  # once it is admitted
    address: str = UNKNOWN  # of the client, as it is counted

    def write(self, burst: Burst) -> None:
        """Send the packets of a burst. It never waits: the caller watches `backlog`."""
        if self.closing or self.closed:
            return
        if self.line is not None:
            self.line.write(burst.frames)
        elif self.queue is not None:
            for pkt in burst.packets:
                self.queue.put_nowait(pkt)

    def post(self, pkt: engineio_packet.Packet) -> None:
        """Send one packet, after all that was sent before."""
        if self.line is not None:
            self.line.send(pkt.encode())
        elif self.queue is not None:
            self.queue.put_nowait(pkt)

    def backlog(self) -> int:
        """Return how many bytes were sent and are still here."""
        if self.line is not None:
            return self.line.backlog()
        return self.queue.bytes if self.queue is not None else 0

    def hang_up(self) -> None:
        """End the connection now, whatever it holds.

        The library notices and tells the namespace.
        """
        if self.line is not None:
            self.line.abort()
        else:
            # No goodbye: python-socketio's client takes one for a reason never to come back.
            self._close_soon(self.server.reason.SERVER_DISCONNECT)

    def leave(self) -> None:
        """End the connection of a client that has said goodbye."""
        self._close_soon(self.server.reason.CLIENT_DISCONNECT)

    def take(self, data: str | bytes) -> Work | None:
        """Take what came by the line. What is returned, for some of it, has to be waited for."""
        kind, rest = data[:1], data[1:]
        if kind == "4":
            work: Work = self.server._trigger_event("message", self.sid, rest, run_async=False)
            return work
        if kind == "3":
            self.schedule_ping()
        elif kind == "1":
            reason = self.server.reason.CLIENT_DISCONNECT
            return self.close(wait=False, abort=True, reason=reason)
        elif kind not in ("0", "2", "5", "6"):
            metrics.dropped.labels("malformed").inc()
            self.hang_up()
        return None

    def lost(self) -> None:
        """End the connection, as its line is gone."""
        self._close_soon(self.server.reason.TRANSPORT_CLOSE)

    def _close_soon(self, reason: str) -> None:
        self.server.start_background_task(self.close, wait=False, abort=True, reason=reason)

    async def send(self, pkt: engineio_packet.Packet) -> None:
        if await self.check_ping_timeout():
            self.post(pkt)

    def schedule_ping(self) -> None:
        """Have the client pinged again, now that it has answered.

        Without the library's task for each that waits.
        """
        if self.last_ping:
            self.last_ping = None
            self.server.pings.add(self, self.server.ping_interval)

    async def ping(self) -> None:
        """Ping the client, and expect its answer in time."""
        if not self.closing and not self.closed:
            self.last_ping = time.time()
            self.post(engineio_packet.Packet(engineio_packet.PING))
            self.server.answers.add(self, self.server.ping_timeout)

    async def miss(self) -> None:
        """End the connection if the answer to its ping is not here by now."""
        if self.closed:
            self.server.sockets.pop(self.sid, None)
        elif not self.closing:
            await self.check_ping_timeout()

    def know(self, user: Hashable) -> None:
        """Note that the client has shown a valid token: its connection makes room for nobody."""
        self.user = user
        if self.line is not None and self.line.connection is not None:
            self.line.connection.know(user)

    def _know_request(self, request: web.BaseRequest) -> None:
        """Let the connection that a request of an admitted client came by make room for nobody."""
        if self.user is not None and (connection := connection_of(request)) is not None:
            connection.know(self.user)

    async def handle_post_request(self, environ: dict[str, Any]) -> None:
        """Take what is sent by polling, once all of it is here.

        The library takes the first part that arrives for all. Raises EngineIOError where it is too
        much or too slow, which ends the session.
        """
        request = environ["aiohttp.request"]
        self._know_request(request)
        environ["wsgi.input"] = _Received(await self._receive(request))
        await super().handle_post_request(environ)

    async def _receive(self, request: web.BaseRequest) -> bytes:
        body = b""
        try:
            async with asyncio.timeout(POST_SECONDS):
                while chunk := await request.content.readany():
                    body += chunk
                    if len(body) > self.server.max_http_buffer_size:
                        raise ContentTooLongError
        except TimeoutError:
            raise EngineIOError("what was sent did not arrive in time") from None
        return body

    async def handle_get_request(self, environ: dict[str, Any]) -> Any:
        """Answer as the library does, but end the connection at a poll that is repeated.

        An HTTP client repeats one by itself when the connection of the first broke: what that took
        out is lost, and nobody has noticed. Cut off, the viewer comes back and goes on where it
        was. Raises QueueEmpty at the repeated poll, which the library answers with an error.
        """
        self._know_request(environ["aiohttp.request"])
        query = parse_qs(environ.get("QUERY_STRING", ""))
        sent_at = query.get("t", [None])[0]  # another one for each poll
        if sent_at is not None and sent_at == self.polled:
            reason = self.server.reason.TRANSPORT_ERROR
            await self.close(wait=False, abort=True, reason=reason)
            raise QueueEmpty
        self.polled = sent_at
        return await super().handle_get_request(environ)

    async def poll(self) -> list[engineio_packet.Packet]:
        """Return what waits, or wait for it without the library's timer and task for each.

        `close` wakes it.
        """
        return await self._outbox().poll()

    async def close(
        self,
        wait: bool = True,  # noqa: ARG002  it is never joined
        abort: bool = False,
        reason: str | None = None,
    ) -> None:
        """Close as the library does, and let go of the TCP connection.

        The queue is never joined: that hangs on a client that stopped reading.
        """
        already = self.closing or self.closed
        await super().close(wait=False, abort=abort, reason=reason)
        if already:
            return
        if self.probing is not None:
            self.probing.abort()
        if self.line is None:
            self._outbox().put_nowait(None)
        elif reason == self.server.reason.PING_TIMEOUT:
            self.line.abort()
        else:
            self.line.close()
        if self.line is not None or abort:
            self.server.sockets.pop(self.sid, None)
        else:
            # Until it is missed, the client can fetch the goodbye.
            self.server.answers.add(self, self.server.ping_timeout)

    async def _upgrade_websocket(self, environ: dict[str, Any]) -> Any:
        """Open a websocket, from the start or to take over from polling. Return once it is open."""
        if self.upgrading or self.upgraded:
            return self.server._bad_request()
        request = environ["aiohttp.request"]
        most_bytes = self.server.max_http_buffer_size
        probe = Probe(self) if self.connected else None
        self.upgrading = probe is not None  # what is polled for now is put off
        handshake = Handshake(compress=False)
        try:
            await handshake.prepare(request)
            self._begin(*take_over(request, probe or self, most_bytes), probe)
        except BaseException as error:
            self.upgrading = False
            if probe is None:
                self.lost()
            if not isinstance(error, ConnectionResetError):
                raise
        return handshake

    def _begin(self, line: Line, sent: bytes, probe: Probe | None) -> None:
        """Use the line, for a probe first if there is one. `sent` came from the client already."""
        if self.closing or self.closed:
            line.abort()
        elif probe:
            probe.begin(line)
        else:
            self.connected = True
            self.adopt(line)
        line.data_received(sent)

    def adopt(self, line: Line) -> None:
        """Go on by websocket; what waits in the outbox goes first."""
        outbox, self.queue = self._outbox(), None
        self.line, line.owner = line, self
        if self.user is not None and line.connection is not None:
            line.connection.know(self.user)
        self.upgraded, self.upgrading, self.probing = True, False, None
        for pkt in outbox.drain():
            line.send(pkt.encode())

    def _outbox(self) -> Outbox:
        assert self.queue is not None
        return self.queue


class _Received:
    """A body that is here already, read as the library reads one."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self, _: int) -> bytes:
        return self._body
