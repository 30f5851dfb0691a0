"""What viewers ask, and what they are answered."""

import asyncio
import time
from functools import partial
from typing import Any

import pytest

from models.settings import Settings
from tests.realtime.cast import (
    ACME,
    GLOBEX,
    Connect,
    Feed,
    RunningServer,
    anomaly_said,
    eventually,
    token,
)


async def test_a_filter_holds_for_live_messages_and_history_alike(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    alice = await connect(server)
    await alice.until("snapshot")
    answer = await alice.ask(
        "filter_anomalies", {"types": ["GPS_SPOOFING"], "severities": ["HIGH", "CRITICAL"]}
    )
    assert answer == {
        "ok": True,
        "filter": {"types": ["GPS_SPOOFING"], "severities": ["HIGH", "CRITICAL"]},
    }
    feed.say(
        ACME,
        anomaly_said(kind="GPS_SPOOFING", severity="LOW"),
        anomaly_said(kind="GPS_SPOOFING", severity="HIGH"),
        anomaly_said(kind="WRONG_PERSON", severity="HIGH"),
        anomaly_said(kind="GPS_SPOOFING", severity="LOW", prior="CRITICAL"),
    )
    await alice.until_position(4)
    assert alice.positions() == [2, 4]
    assert [payload["position"] for payload in (await alice.ask("history"))["messages"]] == [4, 2]
    assert await alice.ask("filter_anomalies", {}) == {"ok": True, "filter": {}}
    feed.say(ACME, anomaly_said(severity="LOW"))
    await alice.until_position(5)


async def test_a_message_lacking_a_field_passes_types_and_severities_but_not_sites(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    by_type = await connect(server, filter={"types": ["GPS_SPOOFING"], "severities": ["LOW"]})
    by_site = await connect(server, filter={"sites": [15]})
    for watcher in (by_type, by_site):
        await watcher.until("snapshot")
    ticket = anomaly_said(None)._replace(event="ticket_updated", anomaly_type=None, severity=None)
    feed.say(ACME, ticket, anomaly_said(15), anomaly_said(16))
    await by_site.until_position(2)
    await by_type.until_position(1)
    assert by_site.positions() == [2]
    assert by_type.positions() == [1]


@pytest.mark.parametrize(
    ("filter_", "code"),
    [
        ({"types": ["wrong_person"]}, "invalid"),
        ({"severities": "HIGH"}, "invalid"),
        ({"sites": [""]}, "invalid"),
        ({"sites": [15.0]}, "invalid"),
        ({"sites": [True]}, "invalid"),
        ({"types": [{}]}, "invalid"),
        ({"colour": ["red"]}, "invalid"),
        ("HIGH", "invalid"),
        ({"sites": [16]}, "forbidden"),
    ],
)
async def test_a_filter_that_cannot_be_is_refused_and_changes_nothing(
    server: RunningServer, connect: Connect, filter_: Any, code: str
) -> None:
    alice = await connect(server, claims={"sites": [15]}, filter={"severities": ["HIGH"]})
    answer = await alice.ask("filter_anomalies", filter_)
    assert answer["ok"] is False
    assert answer["error"]["code"] == code
    assert server.viewers()[0].hearing.filter.severities == ("HIGH",)


async def test_history_pages_both_ways_within_the_scope(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    feed.say(ACME, *[anomaly_said(15 + number % 2, number=number) for number in range(20)])
    feed.say(GLOBEX, anomaly_said(15, number=99))
    alice = await connect(server, claims={"sites": [15]})

    async def page(**asked: int) -> tuple[list[int], bool]:
        answer = await alice.ask("history", asked)
        assert answer["ok"]
        assert answer["position"] == 20
        return [payload["position"] for payload in answer["messages"]], answer["more"]

    assert await page(limit=3) == ([19, 17, 15], True)
    assert await page(before=7) == ([5, 3, 1], False)
    assert await page(after=15) == ([17, 19], False)
    assert await page(after=0, limit=2) == ([1, 3], True)
    assert await page(after=3, before=9) == ([5, 7], False)
    for wrong in ({"limit": 0}, {"limit": 501}, {"before": "7"}, {"after": -1}, {"after": 1.5}):
        assert (await alice.ask("history", wrong))["error"]["code"] == "invalid"


async def test_an_unknown_event_is_invalid_and_a_call_without_acknowledgement_works(
    server: RunningServer, connect: Connect
) -> None:
    alice = await connect(server)
    assert (await alice.ask("make_coffee", {}))["error"]["code"] == "invalid"
    assert (await alice.ask("__init__", {}))["error"]["code"] == "invalid"
    await alice.client.emit("filter_anomalies", {"severities": ["LOW"]}, namespace="/noc")
    viewer = server.viewers()[0]
    await eventually(lambda: viewer.hearing.filter.severities == ("LOW",))


async def test_an_expired_token_ends_the_connection_unless_refreshed(
    server: RunningServer, settings: Settings, start_node: Any
) -> None:
    leaving, staying = await start_node(server.url), await start_node(server.url)
    ends = time.time() + 6
    for viewer, end in ((staying, ends), (leaving, ends + 1)):
        await viewer.until_heard("snapshot")
        assert (await viewer.ask("refresh", {"token": token(settings, exp=end)}))["ok"]
    later = int(ends) + 3600
    assert await staying.ask("refresh", {"token": token(settings, exp=later)}) == {
        "ok": True,
        "exp": later,
    }
    await leaving.until_heard("token_expired")
    assert (await leaving.until("disconnect"))["reason"] == "io server disconnect"
    await eventually(
        lambda: len(server.noc.server.eio.sockets) == 1, "the connection is still there"
    )
    assert staying.noted("disconnect") == []


@pytest.mark.parametrize(
    "name", ["disconnect", "connect", "connect_error", "disconnecting", "__disconnect_final", "*"]
)
async def test_an_event_that_is_named_like_one_of_the_libraries_changes_nothing(
    server: RunningServer, settings: Settings, feed: Feed, connect: Connect, name: str
) -> None:
    alice = await connect(server)
    assert (await alice.ask(name, {}))["error"]["code"] == "invalid"
    assert (await alice.ask(name, "client disconnect"))["error"]["code"] == "invalid"
    assert (await alice.ask(name))["error"]["code"] == "invalid"
    feed.say(ACME, anomaly_said(15))
    await alice.until_position(1)
    (viewer,) = server.viewers()
    assert viewer.expiry is not None and not viewer.expiry.cancelled()
    assert (await alice.ask("refresh", {"token": token(settings)}))["ok"]


async def test_an_older_token_brings_back_nothing_that_a_newer_one_took(
    server: RunningServer, settings: Settings, connect: Connect
) -> None:
    now = int(time.time())
    wide = token(settings, role="admin", iat=now - 60, exp=now + 7200)
    narrow = token(settings, sites=[15], iat=now - 30, exp=now + 3600)
    alice = await connect(server, token=wide)
    assert (await alice.ask("refresh", {"token": narrow}))["ok"]
    answer = await alice.ask("refresh", {"token": wide})
    assert answer["error"]["code"] == "conflict"
    (viewer,) = server.viewers()
    assert (viewer.claims.sites, viewer.claims.role) == (frozenset({15}), "viewer")
    newer = token(settings, iat=now - 10, exp=now + 60)
    assert (await alice.ask("refresh", {"token": newer}))["ok"]
    assert server.viewers()[0].claims.sites is None


async def test_refresh_for_somebody_else_is_forbidden(
    server: RunningServer, settings: Settings, connect: Connect
) -> None:
    alice = await connect(server)
    for claims in ({"sub": "bob"}, {"tenant_id": GLOBEX}):
        assert (await alice.ask("refresh", {"token": token(settings, **claims)}))["error"][
            "code"
        ] == "forbidden"
    assert (await alice.ask("refresh", {"token": "nonsense"}))["error"]["code"] == "invalid"
    assert (await alice.ask("refresh"))["error"]["code"] == "invalid"


async def test_other_sites_in_a_refreshed_token_apply_at_once(
    server: RunningServer, feed: Feed, settings: Settings, connect: Connect
) -> None:
    alice = await connect(server, claims={"sites": [15]})
    await alice.until("snapshot")
    await alice.ask("refresh", {"token": token(settings, sites=[16])})
    feed.say(ACME, anomaly_said(15), anomaly_said(16))
    await alice.until_position(2)
    assert alice.positions() == [2]
    assert [name for name, _, _ in alice.events][:3] == ["snapshot", "resync", "snapshot"]
    assert alice.heard("resync")[0]["reason"] == "scope_changed"


async def test_a_flood_is_answered_with_an_error_and_then_cut_off(
    start_server: Any, feed: Feed, connect: Connect
) -> None:
    server = await start_server(VIEWER_EVENTS_PER_SECOND="5")
    bob = await connect(server)
    mallory = await connect(server)
    answers = await asyncio.gather(*[mallory.ask("history", {"limit": 1}) for _ in range(20)])
    codes = {answer["error"]["code"] for answer in answers if not answer["ok"]}
    assert codes == {"rate_limited"}
    for _ in range(100):
        if not mallory.client.connected:
            break
        await mallory.client.emit("history", {}, namespace="/noc")
        await asyncio.sleep(0)
    await eventually(lambda: not mallory.client.connected, "the flood goes on")
    assert (await bob.ask("history"))["ok"]


async def test_packets_that_no_viewer_sends_end_the_connection(
    server: RunningServer, connect: Connect
) -> None:
    for packet in (
        b"\x00\x01",
        "451-/noc,[{}]",
        "4",
        "49",
        "42/noc,{}",
        "42/noc,[]",
        "42/noc,[17]",
        "42/noc,[",
        "42/noc,99999",
    ):
        client = (await connect(server)).client
        await client.eio.send(packet[1:] if isinstance(packet, str) else packet)
        await eventually(partial(_is_cut_off, client), f"{packet!r} was taken")


def _is_cut_off(client: Any) -> bool:
    return not client.connected


async def test_a_polling_viewer_gets_the_same(
    server: RunningServer, feed: Feed, start_node: Any
) -> None:
    polling = await start_node(server.url, transports=["polling"])
    upgrading = await start_node(server.url, transports=["polling", "websocket"])
    for viewer in (polling, upgrading):
        await viewer.until_heard("snapshot")
    for _ in range(100):
        feed.say(ACME, anomaly_said())
        await asyncio.sleep(0.002)
    for viewer in (polling, upgrading):
        await viewer.until_position(100)
        assert viewer.positions() == list(range(1, 101))
    assert polling.noted("connect")[0]["transport"] == "polling"
    assert (await polling.ask("history", {"limit": 1}))["messages"][0]["position"] == 100
