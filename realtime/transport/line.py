"""A websocket once it is open: frames as aiohttp's own reader finds them.

Nothing else is kept for as long as it lasts. What aiohttp needs to answer a request, some 25 kB a
connection with its tasks, is let go by then (see realtime.transport.handshake).
"""

import asyncio
import struct
from collections.abc import Coroutine
from typing import Any, Protocol

from aiohttp import WSCloseCode, WSMessage, WSMsgType
from aiohttp._websocket.reader import WebSocketDataQueue
from aiohttp.http_websocket import WebSocketError, WebSocketReader

from realtime import metrics
from realtime.transport.connections import Connection
from realtime.transport.flood import Bucket
from realtime.transport.frames import CLOSE, PONG, TEXT, frame
from realtime.transport.masks import Masks

# A client with more bytes than this waiting to be handled is not read from. One with more than this
# waiting to be sent gets no answer to its websocket's pings, and no goodbye.
BUFFER_BYTES = 65_536
# What came is read in pieces of so many bytes: that is 170 frames at most.
PIECE_BYTES = 1024
# A line with so many frames handled gives way to the loop before it reads the next piece.
FRAMES_A_TURN = 100
# A client told goodbye has this long to take what it was sent.
GOODBYE_SECONDS = 5.0

# How a packet of Engine.IO begins that carries one of Socket.IO, which the server meters itself.
MESSAGE = "4"

Work = Coroutine[Any, Any, Any]


class Owner(Protocol):
    """Whoever a line belongs to. From `bucket` goes each frame that is no message."""

    bucket: Bucket

    def take(self, data: str | bytes) -> Work | None:
        """Take a message of the client. The line waits for what is returned before the next."""
        ...

    def lost(self) -> None:
        """Learn that the connection is gone, after all that came before was taken."""
        ...


class Inbox(WebSocketDataQueue):
    """Where the reader puts messages: a list, not a queue that somebody waits at."""

    __slots__ = ("messages",)

    # The library's own initialiser would set these beside its queue. Only a reader that is not
    # compiled looks at them.
    _size = _limit = 0
    _eof = False
    _waiter = _exception = _stalled_reader = None

    def __init__(self) -> None:
        self.messages: list[WSMessage] = []

    def feed_data(self, data: WSMessage, size: int) -> None:  # type: ignore[override]  # noqa: ARG002
        # Called from C, where an exception would go nowhere.
        self.messages.append(data)

    def take(self) -> list[WSMessage]:
        messages, self.messages = self.messages, []
        return messages


class Line(asyncio.Protocol):
    """An open websocket, as a protocol of asyncio.

    Its owner takes the client's messages in order, one at a time. Sending never waits: the owner
    watches `backlog`.
    """

    __slots__ = (
        "_ending",
        "_gone",
        "_inbox",
        "_masks",
        "_owner_notified",
        "_paused",
        "_reader",
        "_seen",
        "_unread",
        "_working",
        "connection",
        "owner",
        "transport",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        owner: Owner,
        most_bytes: int,
        connection: Connection | None = None,
    ) -> None:
        self.transport = transport
        self.connection = connection
        if connection is not None:
            connection.is_busy = self._is_busy
        self.owner = owner
        self._inbox = Inbox()
        self._masks = Masks()
        self._reader: WebSocketReader | None = WebSocketReader(
            self._inbox, most_bytes, compress=False, decode_text=True
        )
        self._unread: bytes | memoryview = b""
        self._seen = 0  # frames in this turn of the loop
        self._working: asyncio.Task[None] | None = None
        self._paused = self._ending = self._gone = self._owner_notified = False

    def _is_busy(self) -> bool:
        return self._working is not None

    def send(self, text: str) -> None:
        """Send one text frame."""
        self.write(frame(TEXT, text.encode()))

    def write(self, frames: bytes) -> None:
        """Send what is framed already."""
        # uvloop's transport raises once it is closed.
        if not self._ending and not self._gone:
            self.transport.write(frames)

    def backlog(self) -> int:
        """Return how many bytes were sent and are still here."""
        return 0 if self.transport.is_closing() else self.transport.get_write_buffer_size()

    def close(self, code: int = WSCloseCode.OK) -> None:
        """Say goodbye, after all that was sent before. A client that does not read is cut off."""
        if self._ending or self.transport.is_closing():
            return
        self.write(frame(CLOSE, struct.pack("!H", code)))
        self._ending = True
        if self.transport.get_write_buffer_size() > BUFFER_BYTES:
            self.transport.abort()
        else:
            # Closed with something unread, a connection is reset, and the goodbye may not arrive.
            self._read_on()
            self.transport.write_eof()
            asyncio.get_running_loop().call_later(GOODBYE_SECONDS, self.transport.abort)
        self._over()

    def abort(self) -> None:
        """Cut the connection, whatever is still here."""
        self._ending = True
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._ending or self._reader is None:
            return
        if self.connection is not None:
            self.connection.heard()
        if self._unread:
            data = b"".join((self._unread, data))
        self._unread = data if len(data) <= PIECE_BYTES else memoryview(data)
        if self._working is None:
            self._work()
        if len(self._unread) > BUFFER_BYTES and not self._paused and not self._ending:
            self._paused = True
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._gone = True
        if self.connection is not None:
            self.connection.close()
        self._over()

    def _over(self) -> None:
        """Tell the owner that the line is lost, once what came before is done."""
        if self._working is None and not self._owner_notified:
            self._owner_notified = True
            self._reader, self._unread = None, b""
            self.owner.lost()

    def _work(self) -> None:
        """Take what came. Most is answered at once.

        A task is made for the first that is not, and for what is too much for a turn of the loop.
        """
        self._seen = 0
        while self._unread and not self._ending:
            if self._seen >= FRAMES_A_TURN:
                self._working = asyncio.create_task(self._work_on(None, []))
                return
            messages = self._read()
            for number, message in enumerate(messages, start=1):
                work = self._take(message)
                if work is not None:
                    self._working = asyncio.create_task(self._work_on(work, messages[number:]))
                    return

    async def _work_on(self, work: Work | None, messages: list[WSMessage]) -> None:
        try:
            if work is not None:
                await work
            self._seen = len(messages)
            while True:
                for message in messages:
                    if (more := self._take(message)) is not None:
                        await more
                if self._ending or not self._unread:
                    break
                if self._seen >= FRAMES_A_TURN:
                    self._seen = 0
                    await asyncio.sleep(0)
                messages = self._read()
        finally:
            self._working = None
            if not self._gone and not self._ending:
                self._work()
            if self._gone or self._ending:
                self._over()

    def _read(self) -> list[WSMessage]:
        """Return the messages that the next piece of what came completes."""
        piece, self._unread = bytes(self._unread[:PIECE_BYTES]), self._unread[PIECE_BYTES:]
        if len(self._unread) <= BUFFER_BYTES:
            self._read_on()
        if self._reader is None:
            return []
        masked = self._masks.masked_bytes(piece)
        broken, _ = self._reader.feed_data(piece if masked == len(piece) else piece[:masked])
        if broken or masked < len(piece):
            # Where the next frame begins is not known any more.
            self._reader, self._unread = None, b""
            self._inbox.feed_data(WSMessage(WSMsgType.ERROR, self._inbox.exception(), None), 0)
        fragments = self._masks.take_fragments()
        for _ in range(fragments):
            self._meter()
        messages = self._inbox.take()
        self._seen += len(messages) + fragments
        return messages

    def _read_on(self) -> None:
        if self._paused and not self.transport.is_closing():
            self._paused = False
            self.transport.resume_reading()

    def _meter(self) -> bool:
        """Count a frame that is no message. Return whether the line goes on.

        A client that sends such on and on is cut off.
        """
        bucket = self.owner.bucket
        if not bucket.take() and bucket.exhausted() and not self._ending:
            metrics.dropped.labels("flood").inc()
            self.abort()
        return not self._ending

    def _take(self, message: WSMessage) -> Work | None:
        if self._ending:
            return None
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            data = message.data
            return self.owner.take(data) if data[:1] == MESSAGE or self._meter() else None
        if not self._meter():
            return None
        if message.type == WSMsgType.PING:
            if self.backlog() <= BUFFER_BYTES:
                self.write(frame(PONG, message.data))
        elif message.type == WSMsgType.CLOSE:
            self.close(message.data or WSCloseCode.OK)
        elif message.type == WSMsgType.ERROR:
            self.close(
                message.data.code
                if isinstance(message.data, WebSocketError)
                else WSCloseCode.PROTOCOL_ERROR
            )
        return None
