"""A websocket by hand, for what no client library would send."""

import base64
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

SECONDS = 20
_TEXT, _CLOSE = 1, 8
_REQUEST = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
    "Host: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class RawWebsocket:
    """An open websocket of Engine.IO. Reading from it raises TimeoutError after SECONDS."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._rest = b""

    def send(self, text: str, *, masked: bool = True) -> None:
        """Send a text frame of at most 65,535 bytes, by RFC 6455 masked."""
        data = text.encode()
        mask_bit = 0x80 if masked else 0
        size = (
            struct.pack("!B", mask_bit | len(data))
            if len(data) < 126
            else struct.pack("!BH", mask_bit | 126, len(data))
        )
        # A mask of zeros leaves the data as they are.
        mask = bytes(4) if masked else b""
        self._connection.sendall(bytes([0x80 | _TEXT]) + size + mask + data)

    def texts(self) -> Iterator[str]:
        """Yield the texts that come, until the other side closes or hangs up."""
        while frame := self._frame():
            kind, data = frame
            if kind == _CLOSE:
                return
            if kind == _TEXT:
                yield data.decode()

    def _frame(self) -> tuple[int, bytes] | None:
        head = self._take(2)
        if len(head) < 2:
            return None
        size = head[1] & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self._take(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._take(8))
        return head[0] & 0x0F, self._take(size)

    def _take(self, count: int) -> bytes:
        """Return so many bytes, or fewer where the other side has hung up."""
        while len(self._rest) < count:
            try:
                more = self._connection.recv(65_536)
            except ConnectionResetError:
                more = b""
            if not more:
                break
            self._rest += more
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def shake_hands(self, host: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self._connection.sendall(_REQUEST.format(host=host, key=key).encode())
        while b"\r\n\r\n" not in self._rest:
            more = self._connection.recv(65_536)
            assert more, "the server hung up"
            self._rest += more
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        assert b" 101 " in head, head


@contextmanager
def raw_websocket(url: str) -> Iterator[RawWebsocket]:
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port), timeout=SECONDS) as connection:
        websocket = RawWebsocket(connection)
        websocket.shake_hands(where.netloc)
        yield websocket
