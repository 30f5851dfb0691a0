"""A client of a websocket that decides on every byte."""

import asyncio
import json
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from tests.realtime.cast import RunningServer, token

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
OPENING = (
    "GET /socket.io/?EIO=4&transport=websocket{more} HTTP/1.1\r\nHost: rollcall\r\n"
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def masked(kind: int, data: bytes, *, final: bool = True, reserved: int = 0) -> bytes:
    mask = os.urandom(4)
    size = (
        struct.pack("!B", 0x80 | len(data))
        if len(data) < 126
        else struct.pack("!BQ", 0x80 | 127, len(data))
    )
    return (
        bytes([final << 7 | reserved << 4 | kind])
        + size
        + mask
        + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
    )


class Raw:
    """What such a client reads and writes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def frame(self) -> tuple[int, bytes]:
        async with asyncio.timeout(20):
            kind, size = await self._reader.readexactly(2)
            if size >= 126:
                size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
            return kind & 0x0F, await self._reader.readexactly(size)

    async def until(self, part: str) -> str:
        while part not in (text := (await self.frame())[1].decode()):
            pass
        return text

    async def ended(self) -> bool:
        async with asyncio.timeout(20):
            return await self._reader.read() == b""

    async def cut_off(self) -> None:
        """Read whatever comes until the connection ends."""
        async with asyncio.timeout(20):
            with suppress(ConnectionResetError):
                await self._reader.read()


@asynccontextmanager
async def opened(server: RunningServer, first: bytes = b"", more: str = "") -> AsyncIterator[Raw]:
    """A websocket, open; `first` goes out in one piece with the request for it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port)
    writer.write(OPENING.format(more=more).encode() + first)
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    yield Raw(reader, writer)
    writer.close()


def hello(server: RunningServer, **claims: Any) -> bytes:
    return ("40/noc," + json.dumps({"token": token(server.settings, **claims)})).encode()


def forgotten(server: RunningServer) -> bool:
    return not server.noc.followers and not server.noc.server.eio.sockets
