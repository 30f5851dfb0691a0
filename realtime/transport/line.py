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

from realtime.transport.connections import Connection
from realtime.transport.frames import CLOSE, PONG, TEXT, frame
from realtime.transport.masks import Masks

# A client with more bytes than this waiting to be handled is not read from. One with more than this
# waiting to be sent gets no answer to its websocket's pings, and no goodbye.
BUFFER_BYTES = 65_536
# What a message counts for beyond its own bytes.
MESSAGE_OVERHEAD_BYTES = 128
# A client told goodbye has this long to take what it was sent.
GOODBYE_SECONDS = 5.0

Work = Coroutine[Any, Any, Any]


class Owner(Protocol):
    """Whoever a line belongs to."""

    def take(self, data: str | bytes) -> Work | None:
        """Take a message of the client. The line waits for what is returned before the next."""
        ...

    def lost(self) -> None:
        """Learn that the connection is gone, after all that came before was taken."""
        ...


class Inbox(WebSocketDataQueue):
    """Where the reader puts messages: a list, not a queue that somebody waits at.

    `size` is their bytes, with MESSAGE_OVERHEAD_BYTES for each.
    """

    __slots__ = ("messages", "size")

    # The library's own initialiser would set these beside its queue. Only a reader that is not
    # compiled looks at them.
    _size = _limit = 0
    _eof = False
    _waiter = _exception = _stalled_reader = None

    def __init__(self) -> None:
        self.messages: list[WSMessage] = []
        self.size = 0

    def feed_data(self, data: WSMessage, size: int) -> None:  # type: ignore[override]
        # Called from C, where an exception would go nowhere.
        self.messages.append(data)
        self.size += size + MESSAGE_OVERHEAD_BYTES

    def take(self) -> list[WSMessage]:
        messages, self.messages, self.size = self.messages, [], 0
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
        masked = self._masks.masked_bytes(data)
        broken, _ = self._reader.feed_data(data if masked == len(data) else data[:masked])
        if masked < len(data):
            self._reader = None  # where the next frame begins is not known any more
        if broken or self._reader is None:
            self._inbox.feed_data(WSMessage(WSMsgType.ERROR, self._inbox.exception(), None), 0)
        if self._working is None:
            self._work(self._inbox.take())
        elif self._inbox.size > BUFFER_BYTES and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._gone = True
        self._reader = None
        if self.connection is not None:
            self.connection.close()
        self._over()

    def _over(self) -> None:
        """Tell the owner that the line is lost, once what came before is done."""
        if self._working is None and not self._owner_notified:
            self._owner_notified = True
            self.owner.lost()

    def _work(self, messages: list[WSMessage]) -> None:
        """Take messages. Most are answered at once; a task is made for the first that is not."""
        for number, message in enumerate(messages, start=1):
            work = self._take(message)
            if work is not None:
                self._working = asyncio.create_task(self._work_on(work, messages[number:]))
                return

    async def _work_on(self, work: Work, messages: list[WSMessage]) -> None:
        try:
            await work
            while messages:
                for message in messages:
                    if (more := self._take(message)) is not None:
                        await more
                messages = self._take_more()
        finally:
            self._working = None
            if self._gone or self._ending:
                self._over()
            else:
                self._work(self._take_more())

    def _take_more(self) -> list[WSMessage]:
        if self._paused and not self.transport.is_closing():
            self._paused = False
            self.transport.resume_reading()
        return self._inbox.take()

    def _take(self, message: WSMessage) -> Work | None:
        if self._ending:
            return None
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            return self.owner.take(message.data)
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
