"""Live delivery: each message to exactly those entitled to it, in order, once."""

from tests.realtime.cast import ACME, GLOBEX, Connect, Feed, RunningServer, anomaly_said


async def test_a_viewer_of_every_site_hears_every_message_in_order(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    alice = await connect(server)
    await alice.until("snapshot")
    for number in range(50):
        feed.say(
            ACME, anomaly_said(15 + number % 3, number=number), anomaly_said(None, number=number)
        )
    await alice.until_position(100)
    assert alice.positions() == list(range(1, 101))
    assert alice.offset.startswith("first-100-")


async def test_a_viewer_of_another_site_or_tenant_hears_nothing(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    alice = await connect(server)
    bob = await connect(server, claims={"sites": [16]})
    mallory = await connect(server, claims={"tenant_id": GLOBEX})
    for watcher in (alice, bob, mallory):
        await watcher.until("snapshot")
    feed.say(ACME, anomaly_said(15), anomaly_said(None), anomaly_said(16))
    feed.say(GLOBEX, anomaly_said(15, number=99))
    await bob.until_position(3)
    await mallory.until("anomaly_detected")
    await alice.until_position(3)
    assert bob.positions() == [3]
    assert [payload["number"] for payload in mallory.heard("anomaly_detected")] == [99]
    assert alice.positions() == [1, 2, 3]
