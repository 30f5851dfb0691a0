"""One Engine.IO connection, from its first poll or its open websocket to its end."""

import time
from typing import Any
from urllib.parse import parse_qs

from engineio import packet as engineio_packet
from engineio.async_socket import AsyncSocket
from engineio.exceptions import QueueEmpty

from realtime import metrics
from realtime.transport.burst import Burst
from realtime.transport.flood import Bucket
from realtime.transport.handshake import Handshake, take_over
from realtime.transport.line import Line, Work
from realtime.transport.outbox import Outbox
from realtime.transport.probe import Probe

# A poll brings no more packets than python-socketio's client takes in one; with more it hangs up,
# and comes back for the same.
POLLED_PACKETS = 16


class Socket(AsyncSocket):
    """By polling, with an outbox; by websocket, with a line; or on its way from one to the other.

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

    def write(self, burst: Burst) -> None:
        """Never waits; the caller minds `backlog`."""
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
        """Count the bytes that were sent and are still here."""
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
            # Without a word of goodbye, which python-socketio's client takes for a reason never to
            # come back.
            self._close_soon(self.server.reason.SERVER_DISCONNECT)

    def take(self, data: str | bytes) -> Work | None:
        """Take what came by the line. Only a message may have to be waited for."""
        kind, rest = data[:1], data[1:]
        if kind == "4":
            return self.server._trigger_event("message", self.sid, rest, run_async=False)
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
        """The line is gone."""
        self._close_soon(self.server.reason.TRANSPORT_CLOSE)

    def _close_soon(self, reason: str) -> None:
        self.server.start_background_task(self.close, wait=False, abort=True, reason=reason)

    async def send(self, pkt: engineio_packet.Packet) -> None:
        if await self.check_ping_timeout():
            self.post(pkt)

    def schedule_ping(self) -> None:
        """The client has answered the last one.

        As the library's, without a task for each that waits.
        """
        if self.last_ping:
            self.last_ping = None
            self.server.pings.add(self, self.server.ping_interval)

    async def ping(self) -> None:
        if not self.closing and not self.closed:
            self.last_ping = time.time()
            self.post(engineio_packet.Packet(engineio_packet.PING))
            self.server.answers.add(self, self.server.ping_timeout)

    async def miss(self) -> None:
        """The answer to a ping should be here by now."""
        if self.closed:
            self.server.sockets.pop(self.sid, None)
        elif not self.closing:
            await self.check_ping_timeout()

    async def handle_get_request(self, environ: dict[str, Any]) -> Any:
        """As the library's, but for a poll that an HTTP client repeats by itself.

        It does so when the connection of the first one broke: what that took out is lost, and
        nobody has noticed. Hung up, the viewer comes back and goes on where it was.
        """
        query = parse_qs(environ.get("QUERY_STRING", ""))
        sent_at = query.get("t", [None])[0]  # another one for each poll
        if sent_at is not None and sent_at == self.polled:
            reason = self.server.reason.TRANSPORT_ERROR
            await self.close(wait=False, abort=True, reason=reason)
            raise QueueEmpty
        self.polled = sent_at
        return await super().handle_get_request(environ)

    async def poll(self) -> list[engineio_packet.Packet]:
        """As the library's without its timer and task for each wait: `close` wakes it."""
        queue = self.queue
        assert queue is not None
        packets = [await queue.get()]
        while packets[-1] is not None and len(packets) < POLLED_PACKETS and not queue.empty():
            packets.append(queue.get_nowait())
        if packets[-1] is None and len(packets) > 1:
            queue.put_nowait(None)
        return [pkt for pkt in packets if pkt is not None]

    async def close(
        self,
        wait: bool = True,  # noqa: ARG002  it is never joined
        abort: bool = False,
        reason: str | None = None,
    ) -> None:
        """As the library's, but it lets go of the TCP connection.

        It never joins the queue, which hangs on a client that stopped reading.
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
            # Until then the goodbye can be fetched.
            self.server.answers.add(self, self.server.ping_timeout)

    async def _upgrade_websocket(self, environ: dict[str, Any]) -> Any:
        """Open a websocket, from the start or to take over from polling.

        Returns as soon as it is open.
        """
        if self.upgrading or self.upgraded:
            return self.server._bad_request()
        request, most = environ["aiohttp.request"], self.server.max_http_buffer_size
        probe = Probe(self) if self.connected else None
        self.upgrading = probe is not None  # what is polled for now is put off
        handshake = Handshake(compress=False)
        try:
            await handshake.prepare(request)
            self._begin(*take_over(request, probe or self, most), probe)
        except BaseException as error:
            self.upgrading = False
            if probe is None:
                self.lost()
            if not isinstance(error, ConnectionResetError):
                raise
        return handshake

    def _begin(self, line: Line, sent: bytes, probe: Probe | None) -> None:
        """`sent` is what the client has sent by now."""
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
        self.upgraded, self.upgrading, self.probing = True, False, None
        while not outbox.empty():
            if (pkt := outbox.get_nowait()) is not None:
                line.send(pkt.encode())
        outbox.put_nowait(None)  # a poll that should still wait

    def _outbox(self) -> Outbox:
        assert self.queue is not None
        return self.queue
