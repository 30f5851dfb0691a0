"""The Socket.IO server: who is let in, and which packets of a client go where."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import socketio
import structlog
from engineio import packet as engineio_packet
from socketio import packet
from sqlalchemy.exc import SQLAlchemyError

from realtime import metrics
from realtime.errors import ClientError, Unavailable
from realtime.transport.addresses import UNKNOWN
from realtime.transport.engine import Engine
from realtime.transport.flood import Bucket
from realtime.transport.http_protocol import connection_of
from realtime.transport.packet import NAMESPACE, Packet, parse
from realtime.transport.redis_manager import RedisManager
from realtime.transport.slowing import Slowing
from realtime.transport.socket import Socket
from realtime.transport.unadmitted import Unadmitted

log = structlog.get_logger()

RATE_LIMITED = {
    "ok": False,
    "error": {"code": "rate_limited", "message": "Too many events. Slow down."},
}
# Events that the libraries make themselves, of connections that come and go.
RESERVED = {"connect", "connect_error", "disconnect", "disconnecting", "__disconnect_final"}
NO_SUCH_EVENT = {
    "ok": False,
    "error": {"code": "invalid", "message": "There is no such event."},
}


class Server(socketio.AsyncServer):  # type: ignore[misc]  # untyped library
    """A client is admitted before it has a sid: whoever is turned away was never in a room.

    `admit` decides on a CONNECT: it returns the admission, or raises ClientError. `admitted` gets
    it with the sid, in the tick of the answer; `turned_away` gets it if the client is gone by then,
    or was admitted on another packet.
    """

    admit: Callable[[Socket, object], Awaitable[Any]]
    admitted: Callable[[str, Any], None]
    turned_away: Callable[[Any], None]

    def __init__(
        self,
        manager: RedisManager,
        slowing: Slowing,
        unadmitted: Unadmitted,
        *,
        events_per_second: float,
        **options: Any,
    ) -> None:
        super().__init__(
            client_manager=manager,
            serializer=Packet,
            async_handlers=False,
            namespaces=[NAMESPACE],
            **options,
        )
        self._slowing = slowing
        self._unadmitted = unadmitted
        self._events_per_second = events_per_second

    def _engineio_server_class(self) -> type[Engine]:
        return Engine

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        # Its request and headers are left out: they would be kept as long as the connection lasts.
        await super()._handle_eio_connect(eio_sid, {})
        # The library names its socket class in the middle of a long function; ours has no other
        # constructor.
        socket = self.eio.sockets[eio_sid]
        socket.__class__ = Socket
        socket.bucket = Bucket(self._events_per_second)
        socket.opened_at = time.monotonic()
        if connection := connection_of(environ["aiohttp.request"]):
            socket.address = connection.address or UNKNOWN
        self._unadmitted.add(socket)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        if socket := self.eio.sockets.get(eio_sid):
            self._unadmitted.remove(socket)
        await super()._handle_eio_disconnect(eio_sid, reason)

    async def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> None:
        """Take one packet of a client. What no client of ours sends ends the connection."""
        socket = self.eio.sockets.get(eio_sid)
        if socket is None:
            return
        pkt = parse(data)
        if pkt is None:
            metrics.dropped.labels("malformed").inc()
            socket.hang_up()
        elif not socket.bucket.take():
            await self._limit(socket, pkt)
        elif pkt.packet_type == packet.CONNECT:
            await self._handle_connect(eio_sid, pkt.namespace, pkt.data)
        elif pkt.packet_type == packet.DISCONNECT:
            reason = self.reason.CLIENT_DISCONNECT
            await self._handle_disconnect(eio_sid, pkt.namespace, reason)
            socket.leave()  # there is no other namespace
        elif pkt.packet_type == packet.EVENT and pkt.data[0] in RESERVED:
            await self._acknowledge(socket, pkt, NO_SUCH_EVENT)
        elif pkt.packet_type == packet.EVENT:
            await self._handle_event(eio_sid, pkt.namespace, pkt.id, pkt.data)

    async def _limit(self, socket: Socket, pkt: Packet) -> None:
        """Answer a packet that came too fast; hang up on a client that goes on regardless."""
        metrics.rate_limited.inc()
        if socket.bucket.exhausted():
            metrics.dropped.labels("flood").inc()
            socket.hang_up()
        elif pkt.packet_type == packet.EVENT:
            await self._acknowledge(socket, pkt, RATE_LIMITED)

    async def _acknowledge(self, socket: Socket, pkt: Packet, refusal: dict[str, Any]) -> None:
        """Answer an event with a refusal, where the client wants an answer."""
        if pkt.id is not None:
            answer = Packet(packet.ACK, namespace=pkt.namespace, id=pkt.id, data=[refusal])
            await self._send_packet(socket.sid, answer)

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        """Admit first, then make the sid, answer, and hand the viewer over.

        Nothing is waited for between the admission and that.
        """
        try:
            admission = await self._admission(eio_sid, namespace, data)
        except ClientError as refusal:
            await self._refuse(eio_sid, namespace, data, refusal)
            return
        socket = self.eio.sockets.get(eio_sid)
        gone = socket is None or socket.closing or socket.closed
        # While we asked, the client has gone or was admitted on another packet.
        if gone or self.manager.sid_from_eio_sid(eio_sid, NAMESPACE):
            self.turned_away(admission)
            return
        socket.know((admission.claims.tenant_id, admission.claims.sub))
        self._unadmitted.remove(socket)
        sid = self.manager.let_in(eio_sid)
        answer = Packet(packet.CONNECT, {"sid": sid, "pid": admission.pid}, namespace=NAMESPACE)
        socket.post(engineio_packet.Packet(engineio_packet.MESSAGE, data=answer.encode()))
        self.admitted(sid, admission)

    async def _refuse(
        self,
        eio_sid: str,
        namespace: str | None,
        auth: Any,
        refusal: ClientError,
    ) -> None:
        metrics.connections.labels(refusal.code).inc()
        if isinstance(refusal, Unavailable) and _is_coming_back(auth):
            # A stock client takes a refusal as final. Cut off, it tries again by itself until it
            # can go on where it was.
            if eio_sid in self.eio.sockets:
                self.eio.sockets[eio_sid].hang_up()
            return
        socket = self.eio.sockets.get(eio_sid)
        if refusal.status == 401 and socket and not await self._slowing.wait(socket.address):
            socket.hang_up()
            return
        error = {"message": refusal.message, "data": {"code": refusal.code}}
        answer = Packet(packet.CONNECT_ERROR, data=error, namespace=namespace)
        await self._send_packet(eio_sid, answer)

    async def _admission(self, eio_sid: str, namespace: str | None, data: Any) -> Any:
        if namespace != NAMESPACE:
            raise ClientError("not_found", "There is no such namespace.")
        try:
            return await self.admit(self.eio.sockets[eio_sid], data)
        except ClientError:
            raise
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("connect_unanswered", error=type(error).__name__)
            raise Unavailable() from None
        except Exception:
            # The client has to learn that it may try again: without an answer it waits for ever.
            log.exception("connect_failed")
            raise Unavailable() from None


def _is_coming_back(auth: object) -> bool:
    """Return whether the client was admitted before, and brings what it recovers with."""
    if not isinstance(auth, dict):
        return False
    return auth.get("pid") is not None or auth.get("offset") is not None
