"""The way from polling to a websocket: nothing is lost on it, and a client may turn back."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from realtime import metrics
from realtime.transport import probe
from tests.realtime.cast import ACME, Feed, RunningServer, anomaly_said, eventually
from tests.realtime.transport.raw import CLOSE, PING, TEXT, forgotten, hello, masked, opened


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


async def test_what_is_said_during_an_upgrade_comes_after_it_and_once(
    server: RunningServer, feed: Feed, polling: Polling
) -> None:
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
    "sent",
    [masked(TEXT, text) for text in (b"2probe", b"5", b"nonsense", b"")],
    ids=["tried", "not tried", "nonsense", "nothing"],
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


async def test_a_client_that_ends_while_it_upgrades_takes_its_websocket_along(
    server: RunningServer, feed: Feed, polling: Polling
) -> None:
    async with opened(server, masked(TEXT, b"2probe"), f"&sid={polling.sid}") as raw:
        assert await raw.frame() == (TEXT, b"3probe")
        server.viewers()[0].socket.hang_up()
        assert await raw.ended()
    await eventually(lambda: forgotten(server))


async def test_a_flood_of_pings_ends_a_websocket_that_is_tried(
    server: RunningServer, feed: Feed, polling: Polling
) -> None:
    before = metrics.dropped.labels("flood")._value.get()
    async with opened(server, masked(TEXT, b"2probe"), f"&sid={polling.sid}") as raw:
        assert await raw.frame() == (TEXT, b"3probe")
        raw.write(masked(PING, b"") * 400)
        await raw.cut_off()
    assert metrics.dropped.labels("flood")._value.get() == before + 1
