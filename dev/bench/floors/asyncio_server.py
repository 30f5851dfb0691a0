"""The floor under fan-out in Python: a bare asyncio server that writes one prebuilt frame per
viewer, without rooms, tokens and pings.

    python -m dev.bench.floors.asyncio_server PORT REDIS_URL CHANNEL
"""

import asyncio
import base64
import hashlib
import sys
from typing import ClassVar

import redis.asyncio

GREETING = (
    b'0{"sid":"floor","upgrades":[],'
    b'"pingInterval":3600000,"pingTimeout":3600000,"maxPayload":1000000}'
)
KEY = b"sec-websocket-key:"
WELCOME = b'40/noc,{"sid":"floor"}'


class Viewer(asyncio.Protocol):
    """One viewer's connection. The first thing it sends is its upgrade, the second its CONNECT; the
    rest is ignored.
    """

    live: ClassVar[set[asyncio.Transport]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET"):
            self.transport.write(_upgrade(data) + frame(GREETING))
        elif self.transport not in self.live:
            self.transport.write(frame(WELCOME))
            self.live.add(self.transport)

    def connection_lost(self, _: Exception | None) -> None:
        self.live.discard(self.transport)


def frame(text: bytes) -> bytes:
    """One unmasked websocket text frame."""
    size = len(text)
    if size < 126:
        return bytes((0x81, size)) + text
    return (
        b"\x81\x7e" + size.to_bytes(2) + text
        if size < 65536
        else b"\x81\x7f" + size.to_bytes(8) + text
    )


def _upgrade(request: bytes) -> bytes:
    key = request[request.lower().index(KEY) + len(KEY) :].split(b"\r\n")[0].strip()
    accept = base64.b64encode(
        hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest()
    )
    return (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


async def serve(port: int, redis_url: str, channel: str) -> None:
    pubsub = redis.asyncio.from_url(redis_url).pubsub()
    await pubsub.subscribe(channel)
    await asyncio.get_running_loop().create_server(Viewer, "127.0.0.1", port, backlog=4096)
    async for published in pubsub.listen():
        if published["type"] != "message":
            continue
        data = frame(published["data"])
        for transport in Viewer.live:
            transport.write(data)
        await asyncio.sleep(0)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
