"""A websocket that is read without aiohttp: frames in every shape, goodbyes, and pings."""

import asyncio
import gc
import itertools
import json
import struct
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from models.schemas.payloads import ResyncPayload
from realtime import metrics
from realtime.feed.fan_out import write_burst
from realtime.transport.burst import Burst
from realtime.transport.encoded_packet import EncodedPacket, event_text
from realtime.transport.flood import Bucket
from realtime.transport.line import BUFFER_BYTES, Line
from tests.realtime.cast import Connect, Feed, RunningServer, eventually
from tests.realtime.transport.raw import CLOSE, PING, PONG, TEXT, forgotten, hello, masked, opened


async def test_what_comes_with_the_request_for_a_websocket_is_not_lost(
    server: RunningServer, feed: Feed
) -> None:
    async with opened(
        server, masked(TEXT, hello(server)) + masked(TEXT, b'42/noc,7["history",{}]')
    ) as raw:
        await raw.until("43/noc,7")
        await raw.until("snapshot")
    await eventually(lambda: forgotten(server))


async def test_a_message_in_pieces_with_a_ping_in_between(
    server: RunningServer, feed: Feed
) -> None:
    async with opened(server) as raw:
        text = hello(server)
        pieces = (
            masked(TEXT, text[:9], final=False)
            + masked(PING, b"there?")
            + masked(0, text[9:20], final=False)
            + masked(0, text[20:])
        )
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
        (b"\x81\x02" + b"42", 1002),
        (b"\x89\x00", 1002),
        (b"\x81\x7e\x01\x00" + b"4" * 256, 1002),
        (masked(CLOSE, struct.pack("!H", 1001)), 1001),
        (masked(CLOSE, b""), 1000),
    ],
    ids=[
        "too large",
        "not text",
        "compressed",
        "unknown kind",
        "nothing to continue",
        "not masked",
        "a ping that is not masked",
        "not masked and longer",
        "goodbye",
        "goodbye without a word",
    ],
)
async def test_what_ends_a_websocket_is_answered_and_leaves_nothing(
    server: RunningServer, feed: Feed, sent: bytes, code: int
) -> None:
    async with opened(server, masked(TEXT, hello(server))) as raw:
        await raw.until("snapshot")
        raw.write(sent + masked(TEXT, b'42/noc,1["history"]'))
        assert await raw.frame() == (CLOSE, struct.pack("!H", code))
        assert await raw.ended()
        await eventually(lambda: forgotten(server))


async def test_what_came_before_a_frame_that_is_not_masked_is_answered_though_it_comes_in_bytes(
    server: RunningServer, feed: Feed
) -> None:
    async with opened(server, masked(TEXT, hello(server))) as raw:
        await raw.until("snapshot")
        for byte in masked(TEXT, b'42/noc,1["make_coffee"]') + b"\x81\x0242":
            raw.write(bytes([byte]))
            await asyncio.sleep(0)
        await raw.until("43/noc,1")
        assert await raw.frame() == (CLOSE, struct.pack("!H", 1002))
        assert await raw.ended()
        await eventually(lambda: forgotten(server))


async def test_bytes_that_are_no_packet_end_the_connection(
    server: RunningServer, feed: Feed
) -> None:
    for sent in (masked(2, b"42/noc"), masked(TEXT, b""), masked(TEXT, b"nonsense")):
        async with opened(server, masked(TEXT, hello(server))) as raw:
            await raw.until("snapshot")
            raw.write(sent)
            assert await raw.ended()
            await eventually(lambda: forgotten(server))


async def test_a_goodbye_of_engine_io_is_taken_after_what_came_before(
    server: RunningServer, feed: Feed
) -> None:
    async with opened(server, masked(TEXT, hello(server))) as raw:
        await raw.until("snapshot")
        raw.write(masked(TEXT, b'42/noc,1["history"]') + masked(TEXT, b"1"))
        assert await raw.until("43/noc,1")
        await eventually(lambda: forgotten(server))


async def test_events_are_handled_one_after_the_other_and_the_rest_is_not_read(
    server: RunningServer, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, let_go = [], asyncio.Event()

    async def slow(_viewer: object, data: dict[str, Any]) -> dict[str, Any]:
        running.append(data["n"])
        await let_go.wait()
        return {}

    monkeypatch.setitem(server.noc.events.handlers, "history", slow)
    async with opened(server, masked(TEXT, hello(server))) as raw:
        await raw.until("snapshot")
        line = server.viewers()[0].socket.line
        assert line
        for number in range(3):
            data = json.dumps({"n": number, "x": "x" * BUFFER_BYTES})
            raw.write(masked(TEXT, f'42/noc,{number}["history",{data}]'.encode()))
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

    monkeypatch.setitem(server.noc.events.handlers, "history", slow)
    async with opened(server, masked(TEXT, hello(server))) as raw:
        await raw.until("snapshot")
        raw.write(masked(TEXT, b'42/noc,1["history"]'))
        await begun.wait()
    await asyncio.sleep(0.05)
    (gone,) = server.viewers()
    # To a closed transport, of which nobody else is to suffer.
    gone.send(ResyncPayload(reason="slow_viewer"))
    write_burst([gone], Burst([EncodedPacket(event_text("resync", "{}"))]))
    assert not gone.owed_resync
    let_go.set()
    await eventually(lambda: forgotten(server))


async def test_nothing_that_aiohttp_made_for_a_request_is_kept(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    gc.collect()
    gc.disable()
    try:
        async with opened(server, masked(TEXT, hello(server))) as raw:
            await raw.until("snapshot")
            await asyncio.sleep(0.05)
            left = [
                type(thing).__name__
                for thing in gc.get_objects()
                if isinstance(thing, web.BaseRequest | web.RequestHandler)
            ]
            assert left == []
    finally:
        gc.enable()


async def test_a_client_that_answers_pings_stays_and_another_is_dropped(
    server: RunningServer, feed: Feed
) -> None:
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


async def test_a_polling_client_that_answers_no_ping_is_dropped(
    server: RunningServer, feed: Feed
) -> None:
    engine = server.noc.server.eio
    engine.ping_interval, engine.ping_timeout = 0.3, 0.6
    async with aiohttp.ClientSession() as session:
        await session.get(f"{server.url}/socket.io/?EIO=4&transport=polling")
        assert len(engine.sockets) == 1
        await eventually(lambda: forgotten(server))


NO_MESSAGES = {
    "pings": masked(PING, b""),
    "pongs": masked(PONG, b"so there"),
    **{f"packets {kind.decode()}": masked(TEXT, kind) for kind in (b"0", b"2", b"3", b"5", b"6")},
    "empty fragments": masked(0, b"", final=False),
}


def floods() -> float:
    return float(metrics.dropped.labels("flood")._value.get())


@pytest.mark.parametrize("what", NO_MESSAGES)
async def test_a_flood_of_what_is_no_message_ends_the_connection_before_any_token(
    server: RunningServer, what: str
) -> None:
    before = floods()
    first = masked(TEXT, b"4", final=False) if what == "empty fragments" else b""
    async with opened(server) as raw:
        raw.write(first + NO_MESSAGES[what] * 400)
        await raw.cut_off()
    await eventually(lambda: forgotten(server))
    assert floods() == before + 1


async def test_a_client_that_sends_a_few_of_each_stays_and_is_answered(
    server: RunningServer, feed: Feed
) -> None:
    async with opened(server, masked(TEXT, hello(server))) as raw:
        await raw.until("snapshot")
        for what in sorted(NO_MESSAGES.keys() - {"empty fragments"}):
            raw.write(NO_MESSAGES[what] * 3)
        for _ in range(3):
            assert await raw.frame() == (PONG, b"")
        raw.write(masked(TEXT, b'42/noc,1["history"]'))
        await raw.until("43/noc,1")


class Wire:
    """A transport that goes nowhere."""

    def __init__(self) -> None:
        self.reading, self.written = True, b""

    def write(self, data: bytes) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def abort(self) -> None:
        self.reading = False


class Recorder:
    """An owner that notes what it takes. It may send as much as it likes."""

    def __init__(self, slow: frozenset[int] = frozenset()) -> None:
        self.bucket = Bucket(1_000_000)
        self.taken: list[object] = []
        self._slow = slow

    def take(self, data: str | bytes) -> Any:
        self.taken.append(int(data[1:]))
        return asyncio.sleep(0) if self.taken[-1] in self._slow else None

    def lost(self) -> None:
        self.taken.append("lost")


@pytest.mark.unit
@pytest.mark.parametrize("kind", ["4", "6"])
@pytest.mark.parametrize("slow", [frozenset(), frozenset({5, 117, 118, 20_000})])
@pytest.mark.parametrize("leaves", [False, True])
async def test_what_comes_at_once_is_taken_in_turns_of_the_loop_in_its_order_and_all_of_it(
    kind: str, slow: frozenset[int], leaves: bool
) -> None:
    wire, owner = Wire(), Recorder(slow)
    line = Line(wire, owner, 100_000)  # type: ignore[arg-type]
    texts = [f"{kind}{number}".encode() for number in range(30_000)]
    line.data_received(b"".join(masked(TEXT, text) for text in texts[:25_000]))
    assert not wire.reading
    line.data_received(b"".join(masked(TEXT, text) for text in texts[25_000:]))
    if leaves:
        line.connection_lost(None)
    turns = [len(owner.taken)]
    while len(owner.taken) < 30_000:
        await asyncio.sleep(0)
        turns.append(len(owner.taken))
    await eventually(lambda: line._working is None)
    assert max(after - before for before, after in itertools.pairwise([0, *turns])) <= 300
    assert owner.taken == [*range(30_000), *(["lost"] if leaves else [])]
    assert wire.reading
