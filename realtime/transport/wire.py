"""All that is overridden of python-socketio and python-engineio, and why. tests/realtime/transport/test_wire.py fails when they change.

- A client is asked who it is before it has a sid: nothing can reach one that is not admitted, and no failure leaves a ghost.
- The answer to CONNECT carries `pid`, which a stock client recovers with.
- Packets are counted, parsed once, and only text ones of the types that viewers need are let in.
- An open websocket is taken away from aiohttp (realtime.transport.line), and has neither queue nor task nor timer of its own.
- A request of a session that is not known here is told why that may be (realtime.transport.unknown_sessions).
- Pings are sent and missed in one round for all (realtime.transport.rounds).
- The Redis manager listens to the tenants that have viewers here, from the start of the server, and is back soon after Redis is.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

import engineio
import orjson
import socketio
import structlog
from aiohttp import web
from aiohttp._websocket import reader_py
from aiohttp.base_protocol import BaseProtocol
from engineio import packet as engine
from engineio.async_socket import AsyncSocket
from engineio.exceptions import QueueEmpty
from socketio import packet
from sqlalchemy.exc import SQLAlchemyError

from realtime import metrics
from realtime.errors import ClientError, Unavailable
from realtime.feed.messages import NAMESPACE, Burst
from realtime.transport.endings import end
from realtime.transport.flood import Bucket
from realtime.transport.line import Line, Owner, Work
from realtime.transport.listener import Listener
from realtime.transport.rounds import TICK, Rounds
from realtime.transport.unknown_sessions import UnknownSessions

log = structlog.get_logger()

RATE_LIMITED = {"ok": False, "error": {"code": "rate_limited", "message": "Too many events. Slow down."}}

# A poll brings no more packets than python-socketio's client takes in one; with more it hangs up, and comes back for the same.
POLLED_PACKETS = 16
# A websocket that is to take over from polling has this long to do so; meanwhile nothing is polled.
UPGRADE_SECONDS = 10.0


class Json:
    """Socket.IO packets by orjson, which lets JSON that is text already pass as orjson.Fragment."""

    @staticmethod
    def dumps(value: object, **_: object) -> str:
        return orjson.dumps(value).decode()

    loads = staticmethod(orjson.loads)


class Packet(packet.Packet):
    uses_binary_events = False
    json = Json


class Outbox:
    """The queue of one socket, as python-engineio uses it. It is never bounded by waiting, which would stop everyone; but its
    bytes are known. None is what wakes up whoever waits."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[engine.Packet | None] = asyncio.Queue()
        self.bytes = 0

    def put_nowait(self, item: engine.Packet | None) -> None:
        self._queue.put_nowait(item)
        self.bytes += _size(item)

    async def put(self, item: engine.Packet | None) -> None:
        self.put_nowait(item)

    def get_nowait(self) -> engine.Packet | None:
        return self._taken(self._queue.get_nowait())

    async def get(self) -> engine.Packet | None:
        return self._taken(await self._queue.get())

    def empty(self) -> bool:
        return self._queue.empty()

    def _taken(self, item: engine.Packet | None) -> engine.Packet | None:
        self.bytes -= _size(item)
        return item


def _size(item: engine.Packet | None) -> int:
    return len(item.encode()) if item else 0


class Socket(AsyncSocket):
    """One Engine.IO connection: by polling, with an outbox, by websocket, with a line, or on its way from one to the other."""

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

    def post(self, pkt: engine.Packet) -> None:
        """One packet, after all that was sent before."""
        if self.line is not None:
            self.line.send(pkt.encode())
        elif self.queue is not None:
            self.queue.put_nowait(pkt)

    def backlog(self) -> int:
        """Bytes that were sent and are still here."""
        if self.line is not None:
            return self.line.backlog()
        return self.queue.bytes if self.queue is not None else 0

    def hang_up(self) -> None:
        """End the connection now, whatever it holds. The library notices and tells the namespace."""
        if self.line is not None:
            self.line.abort()
        else:
            # Without a word of goodbye, which python-socketio's client takes for a reason never to come back.
            self.server.start_background_task(self.close, wait=False, abort=True, reason=self.server.reason.SERVER_DISCONNECT)

    def take(self, data: str | bytes) -> Work | None:
        """What came by the line. Only a message may have to be waited for."""
        kind, rest = data[:1], data[1:]
        if kind == "4":
            return self.server._trigger_event("message", self.sid, rest, run_async=False)
        if kind == "3":
            self.schedule_ping()
        elif kind == "1":
            return self.close(wait=False, abort=True, reason=self.server.reason.CLIENT_DISCONNECT)
        elif kind not in ("0", "2", "5", "6"):
            metrics.dropped.labels("malformed").inc()
            self.hang_up()
        return None

    def lost(self) -> None:
        """The line is gone."""
        self.server.start_background_task(self.close, wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)

    async def send(self, pkt: engine.Packet) -> None:
        if await self.check_ping_timeout():
            self.post(pkt)

    def schedule_ping(self) -> None:
        """The client has answered the last one. As the library's, without a task for each that waits."""
        if self.last_ping:
            self.last_ping = None
            self.server.pings.add(self, self.server.ping_interval)

    async def ping(self) -> None:
        if not self.closing and not self.closed:
            self.last_ping = time.time()
            self.post(engine.Packet(engine.PING))
            self.server.answers.add(self, self.server.ping_timeout)

    async def miss(self) -> None:
        """The answer to a ping should be here by now."""
        if self.closed:
            self.server.sockets.pop(self.sid, None)
        elif not self.closing:
            await self.check_ping_timeout()

    async def handle_get_request(self, environ: dict[str, Any]) -> Any:
        """As the library's, but for a poll that an HTTP client repeats by itself, because the connection of the first one broke.

        What the first one took out is lost, and nobody has noticed. Hung up, the viewer comes back and goes on where it was.
        """
        sent_at = parse_qs(environ.get("QUERY_STRING", "")).get("t", [None])[0]  # another one for each poll
        if sent_at is not None and sent_at == self.polled:
            await self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_ERROR)
            raise QueueEmpty
        self.polled = sent_at
        return await super().handle_get_request(environ)

    async def poll(self) -> list[engine.Packet]:
        """As the library's without its timer and task for each wait: `close` wakes it."""
        queue = self.queue
        assert queue is not None
        packets = [await queue.get()]
        while packets[-1] is not None and len(packets) < POLLED_PACKETS and not queue.empty():
            packets.append(queue.get_nowait())
        if packets[-1] is None and len(packets) > 1:
            queue.put_nowait(None)
        return [pkt for pkt in packets if pkt is not None]

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:  # noqa: ARG002
        """Never joins the queue, which hangs on a client that stopped reading; and lets go of its TCP connection."""
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
            self.server.answers.add(self, self.server.ping_timeout)  # until then the goodbye can be fetched

    async def _upgrade_websocket(self, environ: dict[str, Any]) -> Any:
        """A websocket from the start, or one that is to take over from polling. Returns as soon as it is open."""
        if self.upgrading or self.upgraded:
            return self.server._bad_request()
        probe = Probe(self) if self.connected else None
        self.upgrading = probe is not None  # what is polled for now is put off
        handshake = Handshake(compress=False)
        try:
            await handshake.prepare(environ["aiohttp.request"])
            self._begin(*take_over(environ["aiohttp.request"], probe or self, self.server.max_http_buffer_size), probe)
        except BaseException as error:
            self.upgrading = False
            if probe is None:
                self.lost()
            if not isinstance(error, ConnectionResetError):
                raise
        return handshake

    def _begin(self, line: Line, sent: bytes, probe: "Probe | None") -> None:
        """`sent` is what the client has sent by now."""
        if self.closing or self.closed:
            line.abort()
        elif probe:
            self.probing = line
            asyncio.get_running_loop().call_later(UPGRADE_SECONDS, probe.give_up, line)
        else:
            self.connected = True
            self.adopt(line)
        line.data_received(sent)

    def adopt(self, line: Line) -> None:
        """From now on by websocket; what waits in the outbox goes first."""
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


class Probe:
    """Owns a websocket that is to take over from polling, until the client has tried it and says so."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._tried = False

    def take(self, data: str | bytes) -> None:
        line = self._socket.probing
        if line is None:
            return
        if data == "2probe" and not self._tried:
            self._tried = True
            line.send("3probe")
            self._socket.post(engine.Packet(engine.NOOP))  # ends the poll that waits
        elif data == "5" and self._tried:
            self._socket.adopt(line)
        else:
            line.close()

    def lost(self) -> None:
        self._socket.upgrading, self._socket.probing = False, None

    def give_up(self, line: Line) -> None:
        if self._socket.probing is line:
            line.close()


class Handshake(web.WebSocketResponse):
    """aiohttp's answer to a websocket's request, without what it makes to read and write it afterwards."""

    def _post_start(self, *_: Any) -> None:
        return

    async def write_eof(self, data: bytes = b"") -> None:
        """The connection is not aiohttp's any more."""


def take_over(request: web.Request, owner: Owner, most: int) -> tuple[Line, bytes]:
    """A line in place of aiohttp's protocol, which lets go of the request and its tasks as if the connection were lost.

    Also what the client has sent already. Raises ConnectionResetError where it is gone.
    """
    protocol = request.protocol
    transport = protocol.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("gone before it was open")
    began, paused = protocol._message_tail, protocol._buffer_paused or protocol._reading_paused
    line = Line(transport, owner, most)
    transport.set_protocol(line)
    protocol.transport = None  # which it would close
    protocol.connection_lost(None)
    if paused:
        transport.resume_reading()
    return line, began


class Engine(engineio.AsyncServer):
    """`pings` and `answers` are the sockets to be pinged, and those that should have answered by then."""

    def __init__(self, **options: Any) -> None:
        super().__init__(async_mode="aiohttp", **options)
        self.pings: Rounds[Socket] = Rounds()
        self.answers: Rounds[Socket] = Rounds()
        self._unknown = UnknownSessions()

    def _bad_request(self, message: str | None = None) -> dict[str, Any]:
        """The library's answers, but to a session that it does not know ("Invalid session None" is a request without one)."""
        unknown = message is not None and message.startswith("Invalid session ") and message != "Invalid session None"
        return self._unknown.refuse() if unknown else super()._bad_request(message)

    def _log_error_once(self, message: str, message_key: str) -> None:
        if message_key != "bad-sid":  # which is said above, and names no session
            super()._log_error_once(message, message_key)

    def create_queue(self, *_: Any, **__: Any) -> Outbox:
        return Outbox()

    async def _service_task(self) -> None:
        """One task for all connections, where the library has one for each that waits to be pinged, and a timer for each look."""
        self.service_task_event = self.create_event()
        overdue: list[Socket] = []
        while not self.service_task_event.is_set():
            for socket in overdue:
                await _minding(socket.miss())
            # Answers that came while this process was stopped are read before they are missed.
            overdue = self.answers.due()
            for socket in self.pings.due():
                await _minding(socket.ping())
            with suppress(TimeoutError):
                await asyncio.wait_for(self.service_task_event.wait(), TICK)


async def _minding(work: Work) -> None:
    """One connection's trouble is not the others'."""
    try:
        await work
    except Exception:
        log.exception("ping_failed")


class Server(socketio.AsyncServer):
    """`admit` decides on a CONNECT: it returns the extra fields of the answer, or raises ClientError. `admitted` follows the
    answer in the same tick, with the sid."""

    admit: Callable[[Socket, object], Awaitable[Any]]
    admitted: Callable[[str, Any], None]
    turned_away: Callable[[Any], None]

    def __init__(self, manager: "Manager", *, events_per_second: float, **options: Any) -> None:
        super().__init__(client_manager=manager, serializer=Packet, async_handlers=False, namespaces=[NAMESPACE], **options)
        self._events_per_second = events_per_second

    def _engineio_server_class(self) -> type[Engine]:
        return Engine

    async def _handle_eio_connect(self, eio_sid: str, _environ: dict[str, Any]) -> None:
        # The request and its headers would be kept for as long as the connection lasts; that it is known is enough.
        await super()._handle_eio_connect(eio_sid, {})
        # The library names its socket class in the middle of a long function. Ours adds methods only.
        socket = self.eio.sockets[eio_sid]
        socket.__class__ = Socket
        socket.bucket = Bucket(self._events_per_second)
        socket.opened_at = time.monotonic()

    async def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> None:
        """One packet of a client. What no client of ours sends ends the connection."""
        socket = self.eio.sockets.get(eio_sid)
        if socket is None:
            return
        pkt = _parse(data)
        if pkt is None:
            metrics.dropped.labels("malformed").inc()
            socket.hang_up()
        elif not socket.bucket.take():
            await self._limit(socket, pkt)
        elif pkt.packet_type == packet.CONNECT:
            await self._handle_connect(eio_sid, pkt.namespace, pkt.data)
        elif pkt.packet_type == packet.DISCONNECT:
            await self._handle_disconnect(eio_sid, pkt.namespace, self.reason.CLIENT_DISCONNECT)
        elif pkt.packet_type == packet.EVENT:
            await self._handle_event(eio_sid, pkt.namespace, pkt.id, pkt.data)

    async def _limit(self, socket: Socket, pkt: Packet) -> None:
        metrics.rate_limited.inc()
        if socket.bucket.exhausted():
            metrics.dropped.labels("flood").inc()
            socket.hang_up()
        elif pkt.packet_type == packet.EVENT and pkt.id is not None:
            await self._send_packet(socket.sid, Packet(packet.ACK, namespace=pkt.namespace, id=pkt.id, data=[RATE_LIMITED]))

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        """Admit first, then make the sid, answer, and hand the viewer over without waiting for anything in between."""
        try:
            admission = await self._admission(eio_sid, namespace, data)
        except ClientError as refusal:
            metrics.connections.labels(refusal.code).inc()
            if refusal.code == "unavailable" and _is_coming_back(data):
                # A stock client takes a refusal as final; cut off, it tries again by itself until it can go on where it was.
                if eio_sid in self.eio.sockets:
                    self.eio.sockets[eio_sid].hang_up()
                return
            error = {"message": refusal.message, "data": {"code": refusal.code}}
            await self._send_packet(eio_sid, Packet(packet.CONNECT_ERROR, data=error, namespace=namespace))
            return
        socket = self.eio.sockets.get(eio_sid)
        # Gone, or admitted on another packet, while we asked.
        if socket is None or socket.closing or socket.closed or self.manager.sid_from_eio_sid(eio_sid, NAMESPACE):
            self.turned_away(admission)
            return
        sid = self.manager.let_in(eio_sid)
        answer = Packet(packet.CONNECT, {"sid": sid, "pid": admission.pid}, namespace=NAMESPACE)
        socket.post(engine.Packet(engine.MESSAGE, data=answer.encode()))
        self.admitted(sid, admission)

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
            # Whatever it is, the client learns that it may try again; silence would leave it waiting for ever.
            log.exception("connect_failed")
            raise Unavailable() from None


def _is_coming_back(auth: object) -> bool:
    return isinstance(auth, dict) and (auth.get("pid") is not None or auth.get("offset") is not None)


def _parse(data: str | bytes) -> Packet | None:
    """None for what is no CONNECT, DISCONNECT, EVENT or ACK in well-formed text."""
    if not isinstance(data, str) or data[:1] not in ("0", "1", "2", "3"):
        return None
    try:
        pkt = Packet(encoded_packet=data)
    except (ValueError, RecursionError):
        return None
    if pkt.packet_type == packet.EVENT:
        named = isinstance(pkt.data, list) and pkt.data and isinstance(pkt.data[0], str)
        return pkt if named else None
    return pkt


class Manager(socketio.AsyncRedisManager):
    """Clients of this server, and what is published for them. `said` gets each document of a tenant's channel."""

    said: Callable[[bytes], None]
    subscribed: Callable[[str], None]

    def __init__(self, url: str, channel: str) -> None:
        options = {"socket_timeout": 5, "socket_connect_timeout": 2}
        super().__init__(url, channel=channel, redis_options=options)
        self.listener = Listener(self._new_redis, channel, lambda channel: self.subscribed(channel))

    def start(self) -> None:
        """Listen from now on. The library would begin with the first client, too late for what is said meanwhile."""
        self.server.manager_initialized = True
        self.initialize()

    async def stop(self) -> None:
        await end(self.thread)

    def let_in(self, eio_sid: str) -> str:
        """A sid, connected at once. It gets no room of its own: nothing is sent to one, and leaving walks through them all."""
        sid = self.server.eio.generate_id()
        self.basic_enter_room(sid, NAMESPACE, None, eio_sid=eio_sid)
        return sid

    async def ping(self) -> bool:
        return bool(self.redis is not None and await self.redis.ping())

    def _new_redis(self) -> Any:
        self._redis_connect()
        return self.redis

    async def _listen(self) -> AsyncIterator[bytes]:
        async for channel, document in self.listener.documents():
            if channel == self.channel:
                yield document
            else:
                self.said(document)


# What the above relies on beyond the public interface; the test compares their source with what was read.
OVERRIDDEN = (
    AsyncSocket.poll,
    AsyncSocket.close,
    AsyncSocket.send,
    AsyncSocket.check_ping_timeout,
    AsyncSocket._websocket_handler,
    AsyncSocket._upgrade_websocket,
    AsyncSocket.handle_get_request,
    engineio.AsyncServer.create_queue,
    engineio.AsyncServer._handle_connect,
    engineio.AsyncServer._service_task,
    AsyncSocket.receive,
    AsyncSocket.schedule_ping,
    AsyncSocket._send_ping,
    engineio.AsyncServer.handle_request,
    engineio.AsyncServer._bad_request,
    engineio.AsyncServer._log_error_once,
    engineio.AsyncServer.shutdown,
    web.WebSocketResponse.prepare,
    web.WebSocketResponse._pre_start,
    web.WebSocketResponse._post_start,
    web.WebSocketResponse.write_eof,
    web.RequestHandler.connection_lost,
    web.RequestHandler.data_received,
    web.RequestHandler.set_parser,
    web.RequestHandler.start,
    web.RequestHandler.finish_response,
    web.RequestHandler.force_close,
    BaseProtocol.connection_lost,
    # Compiled from these; realtime.transport.line puts its own queue beneath them.
    reader_py.WebSocketDataQueue.feed_data,
    reader_py.WebSocketDataQueue.set_exception,
    reader_py.WebSocketReader.__init__,
    reader_py.WebSocketReader.feed_data,
    reader_py.WebSocketReader._feed_data,
    reader_py.WebSocketReader._handle_frame,
    socketio.AsyncServer._handle_connect,
    socketio.AsyncServer._handle_disconnect,
    socketio.AsyncServer._handle_eio_connect,
    socketio.AsyncServer._handle_eio_disconnect,
    socketio.AsyncServer._handle_eio_message,
    socketio.AsyncServer._handle_event_internal,
    socketio.AsyncServer._send_packet,
    socketio.AsyncServer.disconnect,
    socketio.AsyncRedisManager.basic_enter_room,
    socketio.AsyncRedisManager.basic_disconnect,
    socketio.AsyncRedisManager.is_connected,
    socketio.AsyncRedisManager._redis_connect,
    socketio.AsyncRedisManager._listen,
    socketio.AsyncRedisManager._thread,
    packet.Packet.decode,
    packet.Packet.encode,
)
