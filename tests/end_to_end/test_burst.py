"""A thousand anomalies of one tenant in one judgement are few publishes and few writes, and each is
its own event for every viewer.
"""

import asyncio
from typing import Any

import pytest

from models import intake
from models.emitter import FeedManager
from models.settings import Settings
from tests.realtime.cast import ACME, Connect, Feed, RunningServer
from tests.realtime.conftest import connect, feed, server, settings, start_server
from tests.worker.cast import imposter, roster
from worker.emit import Emitter
from worker.judging.judge import judge

__all__ = ["connect", "feed", "server", "settings", "start_server"]
MANY = 1_000
FEW = MANY // 20


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of documents of each publication."""
    counts: list[int] = []
    publish = FeedManager._publish_all

    def counting(self: FeedManager, documents: Any) -> None:
        counts.append(len(documents))
        publish(self, documents)

    monkeypatch.setattr(FeedManager, "_publish_all", counting)
    return counts


async def test_a_thousand_anomalies_at_once_are_few_publishes_and_writes_and_each_its_own_event(
    server: RunningServer,
    settings: Settings,
    feed: Feed,
    connect: Connect,
    published: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    intake.sync_roster(feed.engine, roster(ACME))
    watchers = [await connect(server), await connect(server, claims={"sites": [15]})]
    for watcher in watchers:
        await watcher.until("snapshot")
    writes: list[str] = []
    socket = type(server.viewers()[0].socket)
    write = socket.write

    def counting(self: Any, burst: Any) -> None:
        writes.append(self.sid)
        write(self, burst)

    monkeypatch.setattr(socket, "write", counting)
    intake.submit(
        feed.engine, [imposter(f"p{number}", person_id=1_000 + number) for number in range(MANY)]
    )
    emit = Emitter(feed.manager)
    await asyncio.to_thread(judge, feed.engine, ACME, emit)
    ((head,),) = feed.rows(f"SELECT head FROM tenant WHERE tenant_id = {ACME}")
    assert head >= 2 * MANY  # an anomaly and an alert each
    for watcher in watchers:
        await watcher.until_position(head)
        assert watcher.positions() == list(range(1, head + 1))
        assert len({offset for event, _, offset in watcher.events if event != "snapshot"}) == head
        assert len(watcher.heard("anomaly_detected")) >= MANY
        assert len(watcher.heard("alert_created")) >= MANY
    assert sum(published) <= FEW
    assert len(writes) <= FEW * len(watchers)
