"""A snapshot is made once for those who hear the same, and not a moment longer than it holds."""

import asyncio

import pytest

from realtime.feed import snapshots
from tests.realtime.cast import ACME, GLOBEX, Connect, Feed, RunningServer, anomaly_said, eventually
from tests.realtime.feed.test_pages import Reads


async def test_viewers_that_come_together_share_a_snapshot(
    server: RunningServer, feed: Feed, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.say(ACME, *(anomaly_said(15 + number % 2) for number in range(30)))
    reads = Reads(server, monkeypatch)
    monkeypatch.setattr(snapshots, "SHARED_SECONDS", 20)
    watchers = await asyncio.gather(*(connect(server) for _ in range(10)))
    shown = [await watcher.until("snapshot") for watcher in watchers]
    assert reads.count == 1
    assert all(snapshot == shown[0] for snapshot in shown)
    assert [payload["position"] for payload in shown[0]["recent"]] == list(range(30, 20, -1))
    other = await connect(server, claims={"sites": [16]})
    larger = await connect(server, history=20)
    stranger = await connect(server, claims={"tenant_id": GLOBEX})
    assert [payload["position"] for payload in (await other.until("snapshot"))["recent"]] == list(
        range(30, 10, -2)
    )
    assert len((await larger.until("snapshot"))["recent"]) == 20
    assert (await stranger.until("snapshot"))["recent"] == []


async def test_a_snapshot_is_made_anew_after_every_message(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    watchers = [await connect(server)]
    for number in range(1, 4):
        feed.say(ACME, anomaly_said())
        await watchers[0].until_position(number)
        watchers.append(await connect(server))
        assert (await watchers[-1].until("snapshot"))["position"] == number


async def test_snapshots_are_forgotten(
    server: RunningServer, feed: Feed, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = server.noc._replay._snapshots._made
    watcher = await connect(server)
    await watcher.until("snapshot")
    await eventually(lambda: not made)
    monkeypatch.setattr(snapshots, "SHARED_SECONDS", 20)
    monkeypatch.setattr(snapshots, "SHARED_BYTES", 1_000)
    feed.say(ACME, anomaly_said(note="x" * 1_000))
    await watcher.until_position(1)
    snapshot = await (await connect(server)).until("snapshot")
    assert snapshot["position"] == 1
    assert not made
