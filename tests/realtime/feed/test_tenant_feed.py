"""A server compares itself with the feed and fills in what no publication brought."""

import asyncio
from typing import Any

from models.ids import Id
from realtime.admission import find_start
from realtime.feed.reader import FeedReader, Head, Span
from realtime.feed.tenant_feed import TenantFeed
from tests.realtime.cast import ACME, GLOBEX, Connect, Feed, RunningServer, anomaly_said, eventually


async def test_a_message_that_was_never_published_comes_within_a_second_or_so(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    alice = await connect(server)
    await alice.until("snapshot")
    feed.say(ACME, anomaly_said(), anomaly_said(), publish=False)
    await alice.until_position(2)
    assert alice.positions() == [1, 2]


async def test_repeats_gaps_and_publications_out_of_order_change_nothing(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    alice = await connect(server)
    await alice.until("snapshot")
    messages = [anomaly_said(number=number) for number in range(30)]
    feed.say(ACME, *messages, publish=False)
    for start in (20, 0, 20, 5, 0, 29):
        feed.manager.say(ACME, "first", start, messages[start : start + 10])
    feed.say(ACME, anomaly_said())
    await alice.until_position(31)
    assert alice.positions() == list(range(1, 32))


async def test_publications_that_are_no_messages_are_left_alone(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    alice = await connect(server)
    await alice.until("snapshot")
    feed.say(ACME, anomaly_said())
    await alice.until_position(1)
    channel = f"{server.settings.redis_channel}:{ACME}"
    feed.manager._redis_connect()
    for document in (
        b"",
        b"{",
        b"[]",
        b"17",
        b"{}",
        b'{"tenant_id":1,"method":"say"}',
        b'{"tenant_id":1,"method":"say","epoch":"first","base":1,"messages":[[1]]}',
    ):
        feed.manager.redis.publish(channel, document)
    feed.say(ACME, anomaly_said())
    await alice.until_position(2)
    assert alice.positions() == [1, 2]


async def test_another_history_of_the_feed_starts_every_viewer_afresh(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    feed.say(ACME, anomaly_said(), anomaly_said(), anomaly_said())
    alice = await connect(server)
    await alice.until("snapshot")
    feed.run("DELETE FROM message WHERE tenant_id = 1", {})
    feed.open(ACME, epoch="second")
    feed.say(ACME, anomaly_said(number=7))
    await alice.until("snapshot", 2)
    assert [payload["reason"] for payload in alice.heard("resync")] == ["other_history"]
    assert alice.offset.startswith("second-")
    feed.say(ACME, anomaly_said(number=8))
    await alice.until_position(2)


async def test_an_older_copy_of_the_feed_starts_every_viewer_afresh(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    feed.say(ACME, *[anomaly_said() for _ in range(5)])
    alice = await connect(server)
    await alice.until("snapshot")
    feed.run("DELETE FROM message WHERE tenant_id = 1 AND position > 3", {})
    feed.run("UPDATE tenant SET head = 3 WHERE tenant_id = 1", {})
    await alice.until("snapshot", 2)
    assert alice.heard("snapshot")[-1]["position"] == 3
    feed.say(ACME, anomaly_said())
    await alice.until_position(4)


async def test_two_servers_tell_their_viewers_the_same(
    feed: Feed, start_server: Any, connect: Connect
) -> None:
    one, other = await start_server(), await start_server()
    alice, bob = await connect(one), await connect(other)
    await asyncio.gather(alice.until("snapshot"), bob.until("snapshot"))
    for number in range(100):
        feed.say(ACME, anomaly_said(number=number), publish=number % 7 != 0)
    await alice.until_position(100)
    await bob.until_position(100)
    assert alice.events[1:] == bob.events[1:]


async def test_a_lost_redis_connection_loses_nothing(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    alice = await connect(server)
    await alice.until("snapshot")
    feed.manager._redis_connect()
    for _ in range(5):
        feed.manager.redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        feed.say(ACME, anomaly_said(), anomaly_said())
        await asyncio.sleep(0.05)
    await alice.until_position(10)
    assert alice.positions() == list(range(1, 11))


async def test_a_server_listens_to_the_tenants_it_has_viewers_for_and_no_others(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    feed.manager._redis_connect()
    channels = [f"{server.settings.redis_channel}:{tenant}" for tenant in (ACME, GLOBEX)]

    def listeners() -> list[int]:
        return [count for _, count in feed.manager.redis.pubsub_numsub(*channels)]

    assert listeners() == [0, 0]
    alice = await connect(server)
    await eventually(lambda: listeners() == [1, 0])
    bob = await connect(server)
    await alice.close()
    assert listeners() == [1, 0]
    await bob.close()
    await eventually(lambda: listeners() == [0, 0])


class Shelf(FeedReader):
    """Reads a feed that is `marks`, each the mark of a position, after `floor`; notes questions."""

    def __init__(self, *marks: str, floor: int = 0) -> None:
        self.marks = dict(enumerate(marks, start=1))
        self.floor = floor
        self.asked: list[Span] = []

    async def head(self, tenant_id: Id, span: Span = Span()) -> Head:
        assert tenant_id == ACME
        self.asked.append(span)
        stored = {at: mark for at, mark in self.marks.items() if at > self.floor}
        return Head("first", len(self.marks), self.floor, stored)


async def loaded(shelf: Shelf) -> TenantFeed:
    feed = TenantFeed(ACME, shelf)
    await feed.load()
    shelf.asked.clear()
    return feed


def say_next(feed: TenantFeed, shelf: Shelf, mark: str) -> None:
    """Have a message said, heard here, and compared, so that its mark is needed no more."""
    base = len(shelf.marks)
    shelf.marks[base + 1] = mark
    said: list[Any] = ["anomaly", 1, "TYPE", "LOW", None, "{}"]
    feed.receive("first", base, [said], [mark])
    feed.compare(Head("first", base + 1, shelf.floor, shelf.marks), feed.shown())


async def test_a_mark_that_is_not_there_yet_is_asked_for_once_it_is() -> None:
    shelf = Shelf("a", "b")
    feed = await loaded(shelf)
    assert await feed.mark_at(3) is None
    assert shelf.asked == []
    for mark in "cd":
        say_next(feed, shelf, mark)
    assert [await feed.mark_at(3) for _ in range(3)] == ["c"] * 3
    assert shelf.asked == [Span(3, 3)]


async def test_a_mark_that_was_not_found_is_not_remembered_as_missing() -> None:
    shelf = Shelf("a", "b", "c")
    feed = await loaded(shelf)
    del shelf.marks[2]
    assert await feed.mark_at(2) is None
    shelf.marks[2] = "b"
    assert await feed.mark_at(2) == "b"


async def test_a_viewer_from_the_future_spoils_no_position_for_those_who_come_back_to_it() -> None:
    shelf = Shelf(12 * "a", 12 * "b")
    feed = await loaded(shelf)
    assert (await find_start(feed, "first-3-" + 12 * "c")).reason == "ahead_of_feed"
    for digit in "cd":
        say_next(feed, shelf, 12 * digit)
    start = await find_start(feed, "first-3-" + 12 * "c")
    assert (start.position, start.reason) == (3, None)
    assert (await find_start(feed, "first-3-" + 12 * "e")).reason == "other_history"
