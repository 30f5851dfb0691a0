"""A websocket that is read without aiohttp: frames in every shape, goodbyes, pings, and the way from polling to it."""

import asyncio
import gc
import json
import os
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from realtime.feed.fan_out import send_frames
from realtime.transport import probe
from realtime.transport.burst import Burst
from realtime.transport.line import ENOUGH
from realtime.transport.spoken import Spoken, event_text
from tests.realtime.cast import ACME, Connect, Feed, RunningServer, anomaly_said, eventually, token

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
OPENING = (
    "GET /socket.io/?EIO=4&transport=websocket{more} HTTP/1.1\r\nHost: rollcall\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def masked(kind: int, data: bytes, *, final: bool = True, reserved: int = 0) -> bytes:
    mask = os.urandom(4)
    size = struct.pack("!B", 0x80 | len(data)) if len(data) < 126 else struct.pack("!BQ", 0x80 | 127, len(data))
    return bytes([final << 7 | reserved << 4 | kind]) + size + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


class Raw:
    """A client that decides on every byte."""

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


async def test_what_comes_with_the_request_for_a_websocket_is_not_lost(server: RunningServer, feed: Feed) -> None:
    async with opened(server, masked(TEXT, hello(server)) + masked(TEXT, b'42/noc,7["history",{}]')) as raw:
        await raw.until("43/noc,7")
        await raw.until("snapshot")
    await eventually(lambda: forgotten(server))


async def test_a_message_in_pieces_with_a_ping_in_between(server: RunningServer, feed: Feed) -> None:
    async with opened(server) as raw:
        text = hello(server)
        pieces = masked(TEXT, text[:9], final=False) + masked(PING, b"there?") + masked(0, text[9:20], final=False) + masked(0, text[20:])
        for at in range(0, len(pieces), 7):
            raw.write(pieces[at : at + 7])
            await asyncio.sleep(0)
        assert (await raw.frame())[1].startswith(b"0{")
        assert await raw.frame() == (PONG, b"there?")
        await raw.until("snapshot")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (masked(TEXT, b"4" + b"x" * 100_001), 1009),
        (masked(TEXT, b"\xff\xfe"), 1007),
        (masked(TEXT, b"42", reserved=4), 1002),
        (masked(3, b""), 1002),
        (masked(0, b"more"), 1002),
        (masked(CLOSE, struct.pack("!H", 1001)), 1001),
        (masked(CLOSE, b""), 1000),
    ],
    ids=["too large", "not text", "compressed", "unknown kind", "nothing to continue", "goodbye", "goodbye without a word"],
)
async def test_what_ends_a_websocket_is_answered_and_leaves_nothing(server: RunningServer, feed: Feed, sent: bytes, code: int) -> None:
    async with opened(server, masked(TEXT, hello(server))) as raw:
        await raw.until("snapshot")
        raw.write(sent + masked(TEXT, b'42/noc,1["history"]'))
        assert await raw.frame() == (CLOSE, struct.pack("!H", code))
        assert await raw.ended()
        await eventually(lambda: forgotten(server))


async def test_bytes_that_are_no_packet_end_the_connection(server: RunningServer, feed: Feed) -> None:
    for sent in (masked(2, b"42/noc"), masked(TEXT, b""), masked(TEXT, b"nonsense")):
        async with opened(server, masked(TEXT, hello(server))) as raw:
            await raw.until("snapshot")
            raw.write(sent)
            assert await raw.ended()
            await eventually(lambda: forgotten(server))


async def test_a_goodbye_of_engine_io_is_taken_after_what_came_before(server: RunningServer, feed: Feed) -> None:
    async with opened(server, masked(TEXT, hello(server))) as raw:
        await raw.until("snapshot")
        raw.write(masked(TEXT, b'42/noc,1["history"]') + masked(TEXT, b"1"))
        assert await raw.until("43/noc,1")
        await eventually(lambda: forgotten(server))


async def test_events_are_handled_one_after_the_other_and_the_rest_is_not_read(
    server: RunningServer, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, let_go = [], asyncio.Event()

    async def slow(_viewer: object, given: dict[str, Any]) -> dict[str, Any]:
        running.append(given["n"])
        await let_go.wait()
        return {}

    monkeypatch.setitem(server.noc._handlers, "history", slow)
    async with opened(server, masked(TEXT, hello(server))) as raw:
        await raw.until("snapshot")
        line = server.viewers()[0].socket.line
        for number in range(3):
            raw.write(masked(TEXT, f'42/noc,{number}["history",{{"n":{number},"x":"{"x" * ENOUGH}"}}]'.encode()))
        await eventually(lambda: not line.transport.is_reading())
        assert running == [0]
        let_go.set()
        for number in range(3):
            assert await raw.until(f"43/noc,{number}")
        assert running == [0, 1, 2]
        assert line.transport.is_reading()


async def test_a_viewer_that_is_gone_while_its_event_is_handled_leaves_nothing(
    server: RunningServer, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, let_go = asyncio.Event(), asyncio.Event()

    async def slow(*_: object) -> dict[str, Any]:
        begun.set()
        await let_go.wait()
        return {}

    monkeypatch.setitem(server.noc._handlers, "history", slow)
    async with opened(server, masked(TEXT, hello(server))) as raw:
        await raw.until("snapshot")
        raw.write(masked(TEXT, b'42/noc,1["history"]'))
        await begun.wait()
    await asyncio.sleep(0.05)
    (gone,) = server.viewers()
    # To a closed transport, of which nobody else is to suffer.
    gone.send("resync", {})
    send_frames([gone], Burst([Spoken(event_text("resync", "{}"))]))
    assert not gone.owed_resync
    let_go.set()
    await eventually(lambda: forgotten(server))


async def test_nothing_that_aiohttp_made_for_a_request_is_kept(server: RunningServer, feed: Feed, connect: Connect) -> None:
    gc.collect()
    gc.disable()
    try:
        async with opened(server, masked(TEXT, hello(server))) as raw:
            await raw.until("snapshot")
            await asyncio.sleep(0.05)
            left = [type(one).__name__ for one in gc.get_objects() if isinstance(one, web.BaseRequest | web.RequestHandler)]
            assert left == []
    finally:
        gc.enable()


async def test_a_client_that_answers_pings_stays_and_another_is_dropped(server: RunningServer, feed: Feed) -> None:
    engine = server.noc.server.eio
    engine.ping_interval, engine.ping_timeout = 0.3, 0.6
    async with (
        opened(server, masked(TEXT, hello(server, sub="alice"))) as alice,
        opened(server, masked(TEXT, hello(server, sub="bob"))) as bob,
    ):
        await bob.until("snapshot")
        for _ in range(5):
            while (await alice.frame())[1] != b"2":
                pass
            alice.write(masked(TEXT, b"3"))
        await eventually(lambda: [viewer.claims.sub for viewer in server.viewers()] == ["alice"])


async def test_a_polling_client_that_answers_no_ping_is_dropped(server: RunningServer, feed: Feed) -> None:
    engine = server.noc.server.eio
    engine.ping_interval, engine.ping_timeout = 0.3, 0.6
    async with aiohttp.ClientSession() as session:
        await session.get(f"{server.url}/socket.io/?EIO=4&transport=polling")
        assert len(engine.sockets) == 1
        await eventually(lambda: forgotten(server))


class Polling:
    """A viewer that polls, and may try a websocket."""

    def __init__(self, server: RunningServer, session: aiohttp.ClientSession) -> None:
        self._server, self._session = server, session
        self._url = f"{server.url}/socket.io/?EIO=4&transport=polling"
        self.sid = ""

    async def connect(self) -> None:
        self.sid = json.loads((await self.poll())[0][1:])["sid"]
        self._url += f"&sid={self.sid}"
        await self.send(hello(self._server).decode())
        while "snapshot" not in "".join(await self.poll()):
            pass

    async def poll(self) -> list[str]:
        async with asyncio.timeout(20), self._session.get(self._url) as answer:
            assert answer.status == 200
            return (await answer.text()).split("\x1e")

    async def send(self, text: str) -> None:
        assert (await self._session.post(self._url, data=text)).status == 200


@pytest.fixture
async def polling(server: RunningServer, feed: Feed) -> AsyncIterator[Polling]:
    async with aiohttp.ClientSession() as session:
        polling = Polling(server, session)
        await polling.connect()
        yield polling


async def test_what_is_said_during_an_upgrade_comes_after_it_and_once(server: RunningServer, feed: Feed, polling: Polling) -> None:
    waiting = asyncio.create_task(polling.poll())
    await asyncio.sleep(0.05)
    async with opened(server, masked(TEXT, b"2probe"), f"&sid={polling.sid}") as raw:
        assert await raw.frame() == (TEXT, b"3probe")
        assert await waiting == ["6"]
        feed.say(ACME, anomaly_said(), anomaly_said())
        viewer = server.viewers()[0]
        await eventually(lambda: viewer.socket.backlog() > 0)
        assert await polling.poll() == ["6"]
        raw.write(masked(TEXT, b"5"))
        assert [json.loads((await raw.frame())[1][7:])[1]["position"] for _ in range(2)] == [1, 2]
        feed.say(ACME, anomaly_said())
        assert '"position":3' in await raw.until("42/noc")
    await eventually(lambda: forgotten(server))


@pytest.mark.parametrize(
    "sent", [masked(TEXT, text) for text in (b"2probe", b"5", b"nonsense", b"")], ids=["tried", "not tried", "nonsense", "nothing"]
)
async def test_a_websocket_that_does_not_take_over_leaves_the_client_polling(
    server: RunningServer, feed: Feed, polling: Polling, sent: bytes
) -> None:
    async with opened(server, masked(TEXT, sent), f"&sid={polling.sid}"):
        await asyncio.sleep(0.05)
    socket = server.viewers()[0].socket
    await eventually(lambda: not socket.upgrading)
    feed.say(ACME, anomaly_said())
    while not any('"position":1' in text for text in await polling.poll()):
        pass


async def test_a_websocket_that_never_says_so_does_not_stop_the_polling_for_long(
    server: RunningServer, feed: Feed, polling: Polling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "UPGRADE_SECONDS", 0.2)
    async with opened(server, masked(TEXT, b"2probe"), f"&sid={polling.sid}") as raw:
        assert await raw.frame() == (TEXT, b"3probe")
        assert (await raw.frame())[0] == CLOSE
    socket = server.viewers()[0].socket
    await eventually(lambda: not socket.upgrading)


async def test_a_client_that_ends_while_it_upgrades_takes_its_websocket_along(server: RunningServer, feed: Feed, polling: Polling) -> None:
    async with opened(server, masked(TEXT, b"2probe"), f"&sid={polling.sid}") as raw:
        assert await raw.frame() == (TEXT, b"3probe")
        server.viewers()[0].socket.hang_up()
        assert await raw.ended()
    await eventually(lambda: forgotten(server))
