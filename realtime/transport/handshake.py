"""Opening a websocket: aiohttp answers the request for it, and a line takes the connection over."""

from typing import Any

from aiohttp import web

from realtime.transport.http_protocol import connection_of
from realtime.transport.line import Line, Owner


class Handshake(web.WebSocketResponse):
    """aiohttp's answer to a websocket's request, without what it makes to read and write later."""

    def _post_start(self, *_: Any) -> None:
        return

    async def write_eof(self, data: bytes = b"") -> None:
        """The connection is not aiohttp's any more."""


def take_over(request: web.Request, owner: Owner, most_bytes: int) -> tuple[Line, bytes]:
    """Put a line in place of aiohttp's protocol. Return it and what the client has sent already.

    The protocol lets go of the request and its tasks as if the connection were lost. `most_bytes`
    bounds a message of the client. Raises ConnectionResetError where the connection is gone.
    """
    protocol = request.protocol
    transport = protocol.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("gone before it was open")
    sent = protocol._message_tail
    paused = protocol._buffer_paused or protocol._reading_paused
    connection = connection_of(request)
    line = Line(transport, owner, most_bytes, connection)
    if connection is not None:
        protocol.connection = None  # type: ignore[attr-defined]  # it is the line's from now on
    transport.set_protocol(line)
    protocol.transport = None  # which it would close
    protocol.connection_lost(None)
    if paused:
        transport.resume_reading()
    return line, sent
