"""A feed restored from a backup is another history for whoever heard what the backup lacks.

Its epoch comes back with it, and positions are given again, to other messages.
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from models.database import transaction
from models.feed import Appended, Message, append
from realtime.feed.tenant_feed import TenantFeed
from tests.realtime.cast import (
    ACME,
    GLOBEX,
    Connect,
    Feed,
    RunningServer,
    Watcher,
    anomaly_said,
    eventually,
)
from worker.retention import prune

BACKED_UP = 3


def restore(feed: Feed, *said_since: Message, head: int = BACKED_UP) -> Appended:
    """Bring the feed back to where it was at `head`, with what was said on top of it since.

    It is one transaction, as nobody is connected to a database while it is restored.
    """
    with transaction(feed.engine) as cursor:
        cursor.execute("DELETE FROM message WHERE tenant_id = 1 AND position > %s", [head])
        cursor.execute("UPDATE tenant SET head = %s WHERE tenant_id = 1", [head])
        return append(cursor, ACME, said_since)


def numbered(first: int, last: int) -> list[Message]:
    return [anomaly_said(number=number) for number in range(first, last + 1)]


async def heard_all(server: RunningServer, feed: Feed, connect: Connect) -> dict[int, str]:
    """Say five messages, and return the offset of each, and of none, as a viewer gets them."""
    alice = await connect(server)
    await alice.until("snapshot")
    offsets = {0: alice.offset}
    for number in range(1, 6):
        feed.say(ACME, anomaly_said(number=number))
        await alice.until_position(number)
        offsets[number] = alice.offset
    await alice.close()
    await eventually(lambda: not server.noc.followers)
    return offsets


def came(watcher: Watcher) -> tuple[list[str], list[int]]:
    """Return why the watcher was told to start afresh, and the numbers of what it heard."""
    reasons = [payload["reason"] for payload in watcher.heard("resync")]
    return reasons, [payload["number"] for payload in watcher.heard("anomaly_detected")]


@pytest.mark.parametrize("same_server", [True, False])
async def test_who_heard_what_the_backup_lacks_starts_afresh_and_others_go_on(
    feed: Feed, start_server: Any, connect: Connect, same_server: bool
) -> None:
    server = await start_server()
    offsets = await heard_all(server, feed, connect)
    restore(feed, *numbered(104, 107))
    if not same_server:
        server = await start_server()
    for position, offset in offsets.items():
        watcher = await connect(server, offset=offset)
        if position <= BACKED_UP:
            await watcher.until_position(7)
            expected = [*range(position + 1, BACKED_UP + 1), 104, 105, 106, 107]
            assert came(watcher) == ([], expected), position
            assert watcher.heard("snapshot") == []
        else:
            snapshot = await watcher.until("snapshot")
            assert came(watcher) == (["other_history"], []), position
            assert [entry["number"] for entry in snapshot["recent"]][:4] == [107, 106, 105, 104]
        await watcher.close()


async def test_the_offset_of_a_snapshot_names_its_message_too(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    feed.say(ACME, *numbered(1, 5))
    alice = await connect(server)
    await alice.until("snapshot")
    offset = alice.offset
    await alice.close()
    again = await connect(server, offset=offset)
    feed.say(ACME, *numbered(6, 6))
    await again.until_position(6)
    assert came(again) == ([], [6])
    await again.close()
    await eventually(lambda: not server.noc.followers)
    restore(feed, *numbered(104, 106))
    watcher = await connect(server, offset=offset)
    await watcher.until("snapshot")
    assert came(watcher) == (["other_history"], [])


async def test_a_message_said_again_in_the_same_words_is_another(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    """What came before it is not what the viewer heard."""
    offsets = await heard_all(server, feed, connect)
    restore(feed, anomaly_said(number=104), anomaly_said(number=5))
    watcher = await connect(server, offset=offsets[5])
    await watcher.until("snapshot")
    assert came(watcher) == (["other_history"], [])


async def test_messages_of_the_first_edition_are_told_apart_too(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    feed.say(ACME, *numbered(1, 5), publish=False)
    feed.run("UPDATE message SET mark = NULL", {})
    alice = await connect(server)
    await alice.until("snapshot")
    offset = alice.offset
    await alice.close()
    same = await connect(server, offset=offset)
    await same.close()
    await eventually(lambda: not server.noc.followers)
    assert came(same) == ([], [])
    restore(feed, *numbered(4, 5))
    feed.run("UPDATE message SET mark = NULL", {})
    watcher = await connect(server, offset=offset)
    await watcher.until("snapshot")
    assert came(watcher) == (["other_history"], [])


async def test_an_offset_of_the_first_edition_is_still_served(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    feed.say(ACME, *numbered(1, 5))
    watcher = await connect(server, offset="first-3")
    await watcher.until_position(5)
    assert came(watcher) == ([], [4, 5])
    assert watcher.heard("snapshot") == []


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize("more", [1, 2, 5])
async def test_a_running_server_notices_within_a_second_or_so(
    server: RunningServer, feed: Feed, connect: Connect, more: int, published: bool
) -> None:
    """Also where positions were given again before it looked: one fewer, as many, and more."""
    feed.say(ACME, *numbered(1, 5))
    alice = await connect(server)
    bob = await connect(server, claims={"tenant_id": GLOBEX})
    await asyncio.gather(alice.until("snapshot"), bob.until("snapshot"))
    feed.say(GLOBEX, anomaly_said(number=1))
    messages = numbered(104, 103 + more)
    appended = restore(feed, *messages)
    if published:
        feed.manager.say(ACME, *appended, messages)
    await alice.until("snapshot", 2)
    assert came(alice)[0] == ["other_history"]
    recent = [entry["number"] for entry in alice.heard("snapshot")[-1]["recent"]]
    assert recent == [*range(103 + more, 103, -1), 3, 2, 1]
    feed.say(ACME, anomaly_said(number=200))
    await eventually(lambda: came(alice)[1][-1:] == [200])
    assert came(bob) == ([], [1])


async def test_an_idle_feed_of_which_all_was_pruned_is_gone_on_with(
    server: RunningServer, feed: Feed, connect: Connect, start_server: Any
) -> None:
    """Who stands at the floor has missed nothing, and its message is known though it is gone."""
    offsets = await heard_all(server, feed, connect)
    alice = await connect(server, offset=offsets[5])
    prune(feed.engine, timedelta(0))
    assert feed.rows("SELECT head, floor FROM tenant WHERE tenant_id = 1") == [(5, 5)]
    other = await start_server()
    bob = await connect(other, offset=offsets[5])
    late = await connect(other, offset=offsets[4])
    await late.until("snapshot")
    fresh = await connect(other)
    await fresh.until("snapshot")
    assert fresh.offset == offsets[5]
    feed.say(ACME, anomaly_said(number=6))
    for watcher in (alice, bob):
        await watcher.until_position(6)
        assert came(watcher) == ([], [6])
    assert came(late)[0] == ["too_old"]


async def test_a_floor_that_the_first_edition_raised_is_no_other_history(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    offsets = await heard_all(server, feed, connect)
    prune(feed.engine, timedelta(0))
    feed.say(ACME, *numbered(6, 7))
    alice = await connect(server)
    await alice.until("snapshot")
    feed.run("DELETE FROM message WHERE tenant_id = 1", {})
    feed.run("UPDATE tenant SET floor = 7 WHERE tenant_id = 1", {})
    feed.say(ACME, anomaly_said(number=8))
    await alice.until_position(8)
    assert came(alice) == ([], [8])
    late = await connect(server, offset=offsets[5])
    await late.until("snapshot")
    assert came(late)[0] == ["too_old"]


async def test_many_that_come_back_to_one_position_ask_for_it_once(
    feed: Feed, start_server: Any, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await start_server()
    offsets = await heard_all(server, feed, connect)
    server = await start_server()
    asked: list[int] = []
    ask = TenantFeed._ask_mark

    async def counting(self: TenantFeed, position: int) -> str | None:
        asked.append(position)
        return await ask(self, position)

    monkeypatch.setattr(TenantFeed, "_ask_mark", counting)
    keeper = await connect(server)
    await keeper.until("snapshot")
    for position in (2, 5):
        watchers = await asyncio.gather(
            *(connect(server, offset=offsets[position]) for _ in range(20))
        )
        feed.say(ACME, anomaly_said(number=6))
        for watcher in watchers:
            await watcher.until_position(6 if position == 2 else 7)
            assert came(watcher)[0] == []
    assert asked == [2]
