"""What many viewers are owed at once is read and encoded once, and nobody gets another's."""

import asyncio
from typing import Any

import pytest

from realtime.feed import pages
from tests.realtime.cast import (
    ACME,
    Connect,
    Feed,
    RunningServer,
    Watcher,
    anomaly_said,
    eventually,
)


class Reads:
    """Counts the pages of the feed that are asked of Postgres."""

    def __init__(self, server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        reader = server.noc._replay._pages._reader
        self._read = reader.page
        monkeypatch.setattr(reader, "page", self.page)

    async def page(self, *args: Any, **kwargs: Any) -> Any:
        self.count += 1
        return await self._read(*args, **kwargs)


async def come_back(
    connect: Connect, server: RunningServer, offsets: list[int], **claims: Any
) -> list[Watcher]:
    return await asyncio.gather(
        *(connect(server, offset=f"first-{offset}", claims=claims) for offset in offsets)
    )


async def test_viewers_that_missed_the_same_share_what_is_read(
    server: RunningServer, feed: Feed, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.say(ACME, *(anomaly_said(15 + number % 2) for number in range(1000)))
    reads = Reads(server, monkeypatch)
    watchers = await come_back(connect, server, [0] * 20)
    for watcher in watchers:
        await watcher.until_position(1000)
        assert watcher.positions() == list(range(1, 1001))
    assert reads.count == 1000 / pages.REPLAY_PAGE_MESSAGES
    elsewhere = await come_back(connect, server, [0] * 3, sites=[16])
    for watcher in elsewhere:
        await watcher.until_position(1000)
        assert watcher.positions() == list(range(2, 1001, 2))


async def test_viewers_that_missed_nearly_the_same_share_all_but_their_first_page(
    server: RunningServer, feed: Feed, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.say(ACME, *(anomaly_said() for _ in range(600)))
    reads = Reads(server, monkeypatch)
    first = await connect(server, offset="first-0")
    await first.until_position(600)
    for offset, watcher in zip(
        range(0, 590, 30), await come_back(connect, server, list(range(0, 590, 30))), strict=True
    ):
        await watcher.until_position(600)
        assert watcher.positions() == list(range(offset + 1, 601))
    assert reads.count == 600 / pages.REPLAY_PAGE_MESSAGES


async def test_pages_are_forgotten(
    server: RunningServer, feed: Feed, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "KEPT_SECONDS", 0.1)
    feed.say(ACME, *(anomaly_said() for _ in range(300)))
    watcher = await connect(server, offset="first-0")
    await watcher.until_position(300)
    kept = server.noc._replay._pages
    await eventually(lambda: not kept._order)
    assert (kept._pages, kept._bytes, kept._reading) == ({}, 0, {})


async def test_pages_are_bounded(
    server: RunningServer, feed: Feed, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "KEPT_BYTES", 200_000)
    feed.say(ACME, *(anomaly_said(note="x" * 500) for _ in range(1000)))
    kept = server.noc._replay._pages
    for _ in range(2):
        watcher = await connect(server, offset="first-0")
        await watcher.until_position(1000)
        assert watcher.positions() == list(range(1, 1001))
        assert 0 < kept._bytes <= 200_000
        assert kept._bytes == sum(page.bytes for _, page in kept._order)


async def test_another_history_is_not_told_from_the_pages_of_the_last(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    """Postgres lost what was said last, as a copy of it may, and its positions were given out
    again.
    """
    feed.say(ACME, *(anomaly_said(number=1) for _ in range(10)))
    keeper = await connect(server, offset="first-0")
    await keeper.until_position(10)
    feed.run("DELETE FROM message WHERE tenant_id = %(tenant)s AND position > 5", {"tenant": ACME})
    feed.run("UPDATE tenant SET head = 5 WHERE tenant_id = %(tenant)s", {"tenant": ACME})
    await keeper.until("resync")
    feed.say(ACME, *(anomaly_said(number=2) for _ in range(10)))
    watcher = await connect(server, offset="first-0")
    await watcher.until_position(15)
    assert [payload["number"] for payload in watcher.heard("anomaly_detected")] == [1] * 5 + [
        2
    ] * 10


async def test_a_page_that_cannot_be_read_is_asked_for_again_for_all(
    server: RunningServer, feed: Feed, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.say(ACME, *(anomaly_said() for _ in range(300)))
    reader = server.noc._replay._pages._reader
    read, failures = reader.page, iter(range(3))

    async def page(*args: Any, **kwargs: Any) -> Any:
        if next(failures, None) is not None:
            raise OSError("Postgres is away")
        return await read(*args, **kwargs)

    monkeypatch.setattr(reader, "page", page)
    for watcher in await come_back(connect, server, [0] * 5):
        await watcher.until_position(300)
        assert watcher.positions() == list(range(1, 301))
