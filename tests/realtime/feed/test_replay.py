"""Going on where one was: all that was missed, in order, once, and live after it without a gap."""

import asyncio
from typing import Any

from tests.realtime.cast import ACME, Connect, Feed, RunningServer, anomaly_said


async def test_an_offset_brings_what_was_missed_and_then_goes_live(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    feed.say(ACME, *[anomaly_said(number=number) for number in range(1000)])
    alice = await connect(server, offset="first-10")
    feed.say(ACME, anomaly_said())
    await alice.until_position(1001)
    assert alice.positions() == list(range(11, 1002))
    assert alice.heard("snapshot") == []
    assert alice.heard("resync") == []


async def test_replay_and_live_never_overlap(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    feed.say(ACME, *[anomaly_said() for _ in range(3000)])

    async def keep_talking() -> None:
        for _ in range(150):
            await asyncio.to_thread(feed.say, ACME, anomaly_said(), anomaly_said())

    talking = asyncio.create_task(keep_talking())
    watchers = [
        await connect(server, offset=f"first-{start}") for start in (0, 500, 1500, 2999, 3000)
    ]
    await talking
    for watcher, start in zip(watchers, (0, 500, 1500, 2999, 3000), strict=True):
        await watcher.until_position(3300)
        assert watcher.positions() == list(range(start + 1, 3301))


async def test_an_offset_that_cannot_be_served_gives_resync_and_snapshot(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    feed.say(ACME, *[anomaly_said() for _ in range(10)])
    feed.run("UPDATE tenant SET floor = 5 WHERE tenant_id = 1", {})
    feed.run("DELETE FROM message WHERE tenant_id = 1 AND position <= 5", {})
    reasons = {}
    for offset in ("first-2", "another-7", "first-11", "nonsense", "first-5", 17):
        alice = await connect(server, offset=offset)
        if offset == "first-5":
            await alice.until_position(10)
            assert alice.positions() == [6, 7, 8, 9, 10]
            continue
        await alice.until("snapshot")
        reasons[offset] = alice.heard("resync")[0]["reason"]
        assert [name for name, _, _ in alice.events] == ["resync", "snapshot"]
    assert reasons == {
        "first-2": "too_old",
        "another-7": "other_history",
        "first-11": "ahead_of_feed",
        "nonsense": "other_history",
        17: "other_history",
    }


async def test_a_client_ahead_of_this_server_makes_it_catch_up(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    first = await connect(server)
    await first.until("snapshot")
    feed.say(ACME, *[anomaly_said() for _ in range(5)], publish=False)
    second = await connect(server, offset="first-5")
    assert second.heard("resync") == []
    feed.say(ACME, anomaly_said())
    await second.until_position(6)
    await first.until_position(6)
    assert second.positions() == [6]
    assert first.positions() == [1, 2, 3, 4, 5, 6]


async def test_a_stock_client_recovers_by_itself_when_its_line_is_cut(
    server: RunningServer, feed: Feed, start_node: Any
) -> None:
    viewer = await start_node(server.url)
    await viewer.until_heard("snapshot")
    for cuts in range(3):
        for number in range(10):
            feed.say(ACME, anomaly_said())
            if number == 5:
                viewer.tell(do="cut")
        await viewer.until("connect", cuts + 2)
    await viewer.until_position(30)
    assert viewer.positions() == list(range(1, 31))
    assert len(viewer.heard("snapshot")) == 1
    assert [note["recovered"] for note in viewer.noted("connect")] == [False, True, True, True]


async def test_a_stock_client_recovers_after_a_restart_and_on_another_server(
    feed: Feed, start_server: Any, start_node: Any
) -> None:
    first = await start_server()
    viewer = await start_node(first.url)
    await viewer.until_heard("snapshot")
    feed.say(ACME, anomaly_said())
    await viewer.until_position(1)
    await first.stop()
    assert (await viewer.until("disconnect"))["reason"] == "transport close"
    feed.say(ACME, anomaly_said(), anomaly_said())
    await start_server(PORT=str(first.settings.port))
    await viewer.until_position(3)
    feed.say(ACME, anomaly_said())
    await viewer.until_position(4)
    assert viewer.positions() == [1, 2, 3, 4]
    assert [note["recovered"] for note in viewer.noted("connect")] == [False, True]
    assert viewer.heard("resync") == []


async def test_what_a_token_lost_meanwhile_is_not_replayed(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    feed.say(ACME, anomaly_said(15), anomaly_said(16), anomaly_said(None), anomaly_said(15))
    alice = await connect(server, claims={"sites": [15]}, offset="first-0")
    await alice.until_position(4)
    assert alice.positions() == [1, 4]


async def test_a_filter_is_remembered_for_recovery(
    server: RunningServer, feed: Feed, start_node: Any
) -> None:
    viewer = await start_node(server.url)
    await viewer.until_heard("snapshot")
    assert (await viewer.ask("filter_anomalies", {"severities": ["CRITICAL"]}))["filter"] == {
        "severities": ["CRITICAL"]
    }
    viewer.tell(do="cut")
    await viewer.until("connect", 2)
    feed.say(
        ACME,
        anomaly_said(severity="LOW"),
        anomaly_said(severity="CRITICAL"),
        anomaly_said(severity="LOW", prior="CRITICAL"),
    )
    await viewer.until_position(3)
    assert viewer.positions() == [2, 3]
    assert len(feed.rows("SELECT pid FROM viewer_filter")) == 1
    await viewer.ask("filter_anomalies", {})
    assert feed.rows("SELECT pid FROM viewer_filter") == []


async def test_postgres_failing_during_a_replay_only_delays_it(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    feed.say(ACME, *[anomaly_said() for _ in range(500)])
    keeper = await connect(server)
    await keeper.until("snapshot")
    feed.run("ALTER TABLE message RENAME TO hidden", {})
    alice = await connect(server, offset="first-0")
    await asyncio.sleep(0.3)
    feed.run("ALTER TABLE hidden RENAME TO message", {})
    await alice.until_position(500)
    assert alice.positions() == list(range(1, 501))


async def test_a_python_client_that_polls_gets_a_long_replay(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    feed.say(ACME, *[anomaly_said() for _ in range(100)])
    alice = await connect(server, offset="first-0", transports=["polling"])
    await alice.until_position(100)
    assert alice.positions() == list(range(1, 101))
