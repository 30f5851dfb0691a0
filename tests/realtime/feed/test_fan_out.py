"""A viewer that stops reading costs bounded memory and slows no one."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from models.feed import Message
from tests.realtime.cast import ACME, Connect, Feed, RunningServer, anomaly_said, eventually, token

BOUND = 65_536
LARGE = "x" * 15_000
BURST = 20


class Sleeper:
    """A viewer that reads only when told to: nothing is read or acknowledged behind its back."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def connect(self, server: RunningServer) -> None:
        self.line = await self._session.ws_connect(
            f"{server.url}/socket.io/?EIO=4&transport=websocket", max_msg_size=0
        )
        await self.line.receive()
        await self.line.send_str(
            "40/noc," + json.dumps({"token": token(server.settings, sub="sleeper")})
        )
        while "snapshot" not in await self.line.receive_str():
            pass

    async def wake(self) -> None:
        """Reads until it is told of a resync, and of the snapshot that follows."""
        while not (await self._next()).startswith('42/noc,["resync"'):
            pass
        assert (await self._next()).startswith('42/noc,["snapshot"')

    async def _next(self) -> str:
        async with asyncio.timeout(20):
            while True:
                text = await self.line.receive_str()
                if text == "2":
                    await self.line.send_str("3")
                else:
                    return text


@pytest.fixture
async def sleeper() -> AsyncIterator[Sleeper]:
    async with aiohttp.ClientSession() as session:
        yield Sleeper(session)


def large() -> list[Message]:
    return [anomaly_said(note=LARGE) for _ in range(BURST)]


async def overwhelm(server: RunningServer, feed: Feed, watcher: Any, sleeping: Any) -> int:
    """Say things until the sleeping viewer is past its bound. Return its largest backlog."""
    most = said = 0
    for _ in range(200):
        await asyncio.to_thread(feed.say, ACME, *large())
        said += BURST
        await watcher.until_position(said)
        most = max(most, int(sleeping.socket.backlog()))
        if sleeping.group is None:
            return most
    raise AssertionError("it never lagged")


async def test_a_viewer_that_stops_reading_is_bounded_and_starts_afresh(
    start_server: Any, feed: Feed, connect: Connect, sleeper: Sleeper
) -> None:
    server = await start_server(VIEWER_BUFFER_BYTES=str(BOUND))
    await sleeper.connect(server)
    sleeping = server.viewers()[0]
    await eventually(lambda: sleeping.group is not None)
    alice = await connect(server)
    await alice.until("snapshot")
    most = await overwhelm(server, feed, alice, sleeping)
    assert most <= BOUND + 2 * BURST * (len(LARGE) + 500)
    backlog = sleeping.socket.backlog()
    feed.say(ACME, *large())
    await alice.until_position(max(alice.positions()) + BURST)
    assert sleeping.socket.backlog() == backlog
    await sleeper.wake()
    assert alice.positions() == list(range(1, len(alice.positions()) + 1))
    assert alice.heard("resync") == []


async def test_a_viewer_that_never_reads_again_is_disconnected(
    start_server: Any, feed: Feed, connect: Connect, sleeper: Sleeper
) -> None:
    server = await start_server(VIEWER_BUFFER_BYTES=str(BOUND), VIEWER_STALL_SECONDS="0.5")
    await sleeper.connect(server)
    sleeping = server.viewers()[0]
    tenant_feed = next(iter(server.noc.followers.values())).feed
    await eventually(lambda: sleeping.group is not None)
    alice = await connect(server)
    await alice.until("snapshot")
    await overwhelm(server, feed, alice, sleeping)
    await eventually(
        lambda: list(server.noc.followers) == [alice.client.get_sid("/noc")], "it is still there"
    )
    assert tenant_feed.holders == 1


async def test_a_replay_waits_for_a_viewer_that_reads_slowly(
    start_server: Any, feed: Feed, sleeper: Sleeper, connect: Connect
) -> None:
    server = await start_server(VIEWER_BUFFER_BYTES=str(BOUND))
    for _ in range(100):
        feed.say(ACME, *large())
    keeper = await connect(server)
    line = await sleeper._session.ws_connect(
        f"{server.url}/socket.io/?EIO=4&transport=websocket", max_msg_size=0
    )
    await line.receive()
    await line.send_str(
        "40/noc," + json.dumps({"token": token(server.settings, sub="slow"), "offset": "first-0"})
    )
    await eventually(lambda: len(server.viewers()) == 2)
    slow = next(viewer for viewer in server.viewers() if viewer.claims.sub == "slow")
    await keeper.ask("history", {"limit": 1})
    most = 0
    positions: list[int] = []
    while len(positions) < 2000:
        most = max(most, slow.socket.backlog())
        text = await line.receive_str()
        if text.startswith("42"):
            positions.append(json.loads(text.partition(",")[2])[1]["position"])
    assert positions == list(range(1, 2001))
    assert most <= 65_536 + 201 * (len(LARGE) + 500)


async def test_a_client_that_asks_without_reading_is_not_answered_without_bound(
    start_server: Any, feed: Feed, sleeper: Sleeper
) -> None:
    server = await start_server(VIEWER_BUFFER_BYTES=str(BOUND), VIEWER_EVENTS_PER_SECOND="1000")
    for _ in range(5):
        feed.say(ACME, *large())
    await sleeper.connect(server)
    asking = server.viewers()[0]
    answer = 100 * (len(LARGE) + 500)
    for number in range(100):
        await sleeper.line.send_str(f'42/noc,{number}["history",{{"limit":100}}]')
        assert asking.socket.backlog() <= BOUND + answer
    await asyncio.sleep(0.5)
    assert asking.socket.backlog() <= BOUND + answer
