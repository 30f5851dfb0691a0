"""Operators at work over Socket.IO: what they do is seen by all who may, at once, and by nobody
else.
"""

import asyncio
from typing import Any

import pytest

from tests.models.alerts.cast import open_alert, trail
from tests.payloads import alert_payload, anomaly_payload
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
from tests.realtime.http.conftest import store_anomaly

OPERATOR: dict[str, Any] = {"role": "operator", "sub": "olga"}


def code(answer: dict[str, Any]) -> str:
    assert not answer["ok"]
    error: dict[str, Any] = answer["error"]
    return str(error["code"])


async def ready(connect: Connect, server: RunningServer, **claims: Any) -> Watcher:
    watcher = await connect(server, claims=claims)
    await watcher.until("snapshot")
    return watcher


async def test_a_move_is_answered_with_the_alert_and_seen_by_everybody_who_may(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    alert_id = open_alert(feed.engine)
    olga = await ready(connect, server, **OPERATOR)
    seers = [await ready(connect, server), await ready(connect, server, sites=[15])]
    strangers = [
        await ready(connect, server, sites=[16]),
        await ready(connect, server, tenant_id=GLOBEX),
    ]
    answer = await olga.ask("alert_acknowledge", {"alert_id": str(alert_id), "note": "Looking."})
    assert answer["ok"]
    assert (answer["alert"]["status"], answer["alert"]["version"]) == ("ACKNOWLEDGED", 2)
    for watcher in (olga, *seers):
        payload = alert_payload(await watcher.until("alert_updated"))
        assert (payload.status, payload.alert_id, payload.position) == ("ACKNOWLEDGED", alert_id, 2)
    assert [watcher.heard("alert_updated") for watcher in strangers] == [[], []]
    assert trail(feed.engine, alert_id)[-1] == (
        "acknowledge",
        "olga",
        "NEW",
        "ACKNOWLEDGED",
        "Looking.",
        0,
    )


async def test_every_move_of_the_contract_by_its_event(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    alert_id = str(open_alert(feed.engine))
    olga = await ready(connect, server, **OPERATOR)
    steps = [
        ("alert_acknowledge", {}, "ACKNOWLEDGED"),
        ("alert_assign", {"assignee": "Bob"}, "ASSIGNED"),
        ("alert_escalate", {"note": "Too big."}, "ESCALATED"),
        ("alert_note", {"note": "Called the site."}, "ESCALATED"),
        ("alert_resolve", {}, "RESOLVED"),
    ]
    for event, data, status in steps:
        answer = await olga.ask(event, {"alert_id": alert_id, **data})
        assert (answer["ok"], answer["alert"]["status"]) == (True, status), event
    for event in ("alert_acknowledge", "alert_assign", "alert_escalate", "alert_resolve"):
        answer = await olga.ask(event, {"alert_id": alert_id, "assignee": "Bob"})
        assert (code(answer), answer["error"]["alert"]["status"]) == ("conflict", "RESOLVED"), event


async def test_of_two_operators_on_two_servers_at_once_one_wins(
    start_server: Any, feed: Feed, connect: Connect
) -> None:
    servers = [await start_server(), await start_server()]
    desks = [
        await ready(connect, server, role="operator", sub=f"operator {number}")
        for number, server in enumerate(servers)
    ]
    for _ in range(5):
        alert_id = str(open_alert(feed.engine))
        data = {"alert_id": alert_id, "version": 1}
        answers = await asyncio.gather(*(desk.ask("alert_resolve", data) for desk in desks))
        (won,), (lost,) = ([each for each in answers if each["ok"] is ok] for ok in (True, False))
        assert (code(lost), lost["error"]["alert"]) == ("conflict", won["alert"])
    await eventually(lambda: all(len(desk.heard("alert_updated")) == 5 for desk in desks))


async def test_a_viewer_may_not_move_and_what_one_may_not_see_is_not_there(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    own = open_alert(feed.engine)
    other_site = open_alert(feed.engine, site_id=16)
    other_tenant = open_alert(feed.engine, tenant_id=GLOBEX)
    anomaly_id = store_anomaly(feed, 1)
    alice = await ready(connect, server)
    assert code(await alice.ask("alert_acknowledge", {"alert_id": str(own)})) == "forbidden"
    assert (
        code(await alice.ask("anomaly_review", {"anomaly_id": anomaly_id, "verdict": "CONFIRMED"}))
        == "forbidden"
    )
    olga = await ready(connect, server, sites=[15], **OPERATOR)
    for alert_id in (other_site, other_tenant, "0198c0de-0000-7000-8000-000000000000", "nonsense"):
        answer = await olga.ask("alert_acknowledge", {"alert_id": str(alert_id)})
        assert (code(answer), "alert" in answer["error"]) == ("not_found", False)
    assert feed.rows("SELECT DISTINCT status FROM alert") == [("NEW",)]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"alert_id": 7},
        {"alert_id": None},
        {"note": 7},
        {"note": "x" * 2_001},
        {"note": "a\0b"},
        {"assignee": ["Bob"]},
        {"version": "1"},
        {"version": 0},
        {"version": True},
    ],
)
async def test_what_makes_no_sense_is_invalid(
    server: RunningServer, feed: Feed, connect: Connect, data: dict[str, Any]
) -> None:
    olga = await ready(connect, server, **OPERATOR)
    arguments = {"alert_id": str(open_alert(feed.engine)), **data} if data else data
    assert code(await olga.ask("alert_acknowledge", arguments)) == "invalid"


async def test_a_review_is_kept_said_and_audited(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    anomaly_id = store_anomaly(feed, 1, said=True, policy_version=3)
    olga, alice = await ready(connect, server, **OPERATOR), await ready(connect, server, sites=[15])
    for number, verdict in enumerate(
        ("INVESTIGATING", "CONFIRMED", "FALSE_POSITIVE", "RESOLVED"), 1
    ):
        answer = await olga.ask(
            "anomaly_review", {"anomaly_id": anomaly_id, "verdict": verdict, "note": "Seen."}
        )
        assert (answer["ok"], answer["anomaly"]["status"]) == (True, verdict)
        payload = anomaly_payload(await alice.until("anomaly_updated", number))
        assert (payload.status, str(payload.anomaly_id)) == (verdict, anomaly_id)
    lines = feed.rows(
        "SELECT number, actor, role, verdict, note, policy_version FROM review_trail"
        " ORDER BY number"
    )
    assert lines[1] == (2, "olga", "operator", "CONFIRMED", "Seen.", 3)
    assert len(lines) == 4
    again = await olga.ask("anomaly_review", {"anomaly_id": anomaly_id, "verdict": "RESOLVED"})
    assert again["ok"]
    assert len(feed.rows("SELECT 1 FROM review_trail")) == 4


async def test_a_review_repeated_because_its_answer_was_lost_stands_once(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    anomaly_id = store_anomaly(feed, 1, said=True)
    olga, otto = (
        await ready(connect, server, **OPERATOR),
        await ready(connect, server, role="operator", sub="otto"),
    )
    data = {"anomaly_id": anomaly_id, "verdict": "CONFIRMED", "note": "On camera."}
    # Otto's word is another's, and after it Olga's is news again
    for desk in (olga, olga, otto, olga):
        assert (await desk.ask("anomaly_review", data))["ok"]
    assert feed.rows("SELECT number, actor FROM review_trail ORDER BY number") == [
        (1, "olga"),
        (2, "otto"),
        (3, "olga"),
    ]
    assert feed.rows("SELECT head FROM tenant WHERE tenant_id = 1") == [(3,)]


async def test_one_that_was_withdrawn_can_be_reviewed_and_stays_withdrawn(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    anomaly_id = store_anomaly(feed, 1, said=True, standing=False)
    olga = await ready(connect, server, **OPERATOR)
    answer = await olga.ask(
        "anomaly_review", {"anomaly_id": anomaly_id, "verdict": "FALSE_POSITIVE"}
    )
    assert (answer["anomaly"]["status"], answer["anomaly"]["review"]) == (
        "WITHDRAWN",
        "FALSE_POSITIVE",
    )


async def test_what_was_backfilled_is_reviewed_in_silence_and_what_is_in_shadow_not_at_all(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    backfilled, hidden = store_anomaly(feed, 1, backfill=True), store_anomaly(feed, 2, shadow=True)
    olga = await ready(connect, server, **OPERATOR)
    assert (await olga.ask("anomaly_review", {"anomaly_id": backfilled, "verdict": "CONFIRMED"}))[
        "ok"
    ]
    assert feed.rows("SELECT count(*) FROM message") == [(0,)]
    assert (
        code(await olga.ask("anomaly_review", {"anomaly_id": hidden, "verdict": "CONFIRMED"}))
        == "not_found"
    )
    assert (
        code(await olga.ask("anomaly_review", {"anomaly_id": backfilled, "verdict": "WITHDRAWN"}))
        == "invalid"
    )


async def test_a_snapshot_counts_what_waits_within_scope_and_filter(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    alerts: list[dict[str, Any]] = [
        {"severity": "HIGH"},
        {"severity": "HIGH", "status": "ESCALATED"},
        {"severity": "LOW", "site_id": 16},
        {"severity": "LOW", "anomaly_type": "GPS_SPOOFING"},
        {"severity": "CRITICAL", "status": "RESOLVED"},
        {"severity": "CRITICAL", "status": "SUPPRESSED"},
        {"severity": "CRITICAL", "tenant_id": GLOBEX},
    ]
    for number, fields in enumerate(alerts, 1):
        open_alert(feed.engine, person_id=number, **fields)

    async def counted(filters: dict[str, Any] | None = None, **claims: Any) -> dict[str, int]:
        watcher = await connect(server, claims=claims, filter=filters or {})
        counts: dict[str, int] = (await watcher.until("snapshot"))["open_alerts"]
        return counts

    assert await counted() == {"LOW": 2, "MEDIUM": 0, "HIGH": 2, "CRITICAL": 0}
    assert await counted(sites=[16]) == {"LOW": 1, "MEDIUM": 0, "HIGH": 0, "CRITICAL": 0}
    assert await counted({"types": ["GPS_SPOOFING"]}) == {
        "LOW": 1,
        "MEDIUM": 0,
        "HIGH": 0,
        "CRITICAL": 0,
    }
    assert await counted({"severities": ["HIGH"]}) == {
        "LOW": 0,
        "MEDIUM": 0,
        "HIGH": 2,
        "CRITICAL": 0,
    }


async def test_a_move_that_redis_does_not_take_is_done_and_healed(
    start_server: Any, feed: Feed, connect: Connect, monkeypatch: Any
) -> None:
    server = await start_server()
    olga = await ready(connect, server, **OPERATOR)
    alert_id = open_alert(feed.engine)

    def fail(*_: Any) -> None:
        raise ConnectionRefusedError("gone")

    monkeypatch.setattr("models.emitter.FeedManager._publish_all", fail)
    answer = await olga.ask("alert_acknowledge", {"alert_id": str(alert_id)})
    assert answer["ok"]
    assert (await olga.until("alert_updated"))["status"] == "ACKNOWLEDGED"


async def test_a_burst_of_a_thousand_reaches_each_viewer_in_order_in_few_writes(
    server: RunningServer, feed: Feed, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await ready(connect, server)
    (viewer,) = server.viewers()
    writes: list[int] = []
    write = type(viewer.socket).write

    def counting(self: Any, burst: Any) -> Any:
        writes.append(1)
        return write(self, burst)

    monkeypatch.setattr(type(viewer.socket), "write", counting)
    feed.say(ACME, *(anomaly_said(number=number) for number in range(1_000)))
    await alice.until_position(1_000)
    assert alice.positions() == list(range(1, 1_001))
    assert [payload["number"] for payload in alice.heard("anomaly_detected")] == list(range(1_000))
    assert len(writes) <= 20
