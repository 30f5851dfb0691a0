"""These tests run in a copy that has one more state of an alert, which is treated as the others."""

from datetime import timedelta
from typing import Any

from models import intake
from models.database import transaction
from tests.adding.described import enums_with
from tests.models.alerts.cast import trail
from tests.payloads import alert_payload
from tests.realtime.cast import Connect, Feed, RunningServer, Watcher
from tests.realtime.http.conftest import Caller
from tests.worker.cast import imposter, roster, rows
from worker.alerts.escalation import keep_alerts
from worker.judging.judge import judge

STATE = "PARKED"
OPERATOR: dict[str, Any] = {"role": "operator", "sub": "olga"}


def submit(feed: Feed, punch_id: str) -> None:
    intake.submit(feed.engine, [imposter(punch_id)])
    judge(feed.engine, 1, feed.manager.say)


def alerts(feed: Feed) -> list[tuple[Any, ...]]:
    return rows(feed.engine, "SELECT status, count FROM alert ORDER BY alert_id")


async def park(
    server: RunningServer, feed: Feed, connect: Connect
) -> tuple[Watcher, dict[str, Any]]:
    """Raise an alert of one anomaly and have an operator park it. Return operator and alert."""
    tenant = roster(1)["tenant"] | {"policy": {"relapse_minutes": 30}}
    intake.sync_roster(feed.engine, roster(1) | {"tenant": tenant})
    olga = await connect(server, claims=OPERATOR)
    submit(feed, "p1")
    created = await olga.until("alert_created")
    answer = await olga.ask("alert_park", {"alert_id": created["alert_id"], "note": "Tomorrow."})
    assert answer["ok"], answer
    return olga, answer["alert"]


async def test_a_move_leads_there_and_is_kept_and_said(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    olga, alert = await park(server, feed, connect)
    assert (alert["status"], alert["version"]) == (STATE, 2)
    assert alert_payload(await olga.until("alert_updated")).status == STATE
    (alert_id,) = rows(feed.engine, "SELECT alert_id FROM alert")[0]
    assert trail(feed.engine, alert_id)[-1][:4] == ("park", "olga", "NEW", STATE)
    assert alert["seconds_to_acknowledge"] is not None


async def test_it_is_open_so_that_the_next_anomaly_comes_to_it(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    await park(server, feed, connect)
    submit(feed, "p2")
    assert alerts(feed) == [(STATE, 2)]


async def test_it_waits_for_somebody_so_that_it_is_counted(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    await park(server, feed, connect)
    viewer = await connect(server)
    assert (await viewer.until("snapshot"))["open_alerts"] == {
        "LOW": 0,
        "MEDIUM": 0,
        "HIGH": 0,
        "CRITICAL": 1,
    }


async def test_it_is_taken_up_so_that_it_falls_back_and_does_not_escalate(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    await park(server, feed, connect)
    with transaction(feed.engine) as cursor:
        due = cursor.execute(
            "UPDATE alert SET relapses_at = relapses_at - %s RETURNING escalates_at",
            [timedelta(minutes=31)],
        )
        assert due.fetchall() == [(None,)]
    keep_alerts(feed.engine, 1, feed.manager.say)
    assert alerts(feed) == [("NEW", 1)]


async def test_it_is_left_by_the_moves_that_what_is_open_allows(
    server: RunningServer, feed: Feed, connect: Connect
) -> None:
    olga, alert = await park(server, feed, connect)
    steps = [
        ("note", {"note": "Still there."}, STATE),
        ("assign", {"assignee": "Bob"}, "ASSIGNED"),
        ("park", {}, STATE),
        ("resolve", {}, "RESOLVED"),
    ]
    for event, data, status in steps:
        answer = await olga.ask(f"alert_{event}", {"alert_id": alert["alert_id"], **data})
        assert (answer["ok"], answer["alert"]["status"]) == (True, status), event


async def test_it_is_listed_and_described(
    server: RunningServer, feed: Feed, connect: Connect, caller: Caller
) -> None:
    _, alert = await park(server, feed, connect)
    assert [item["alert_id"] for item in await caller.items(f"/api/v1/alerts?status={STATE}")] == [
        alert["alert_id"]
    ]
    assert await caller.items("/api/v1/alerts?status=NEW") == []
    for word, added in (("ACKNOWLEDGED", STATE), ("acknowledge", "park")):
        described = await enums_with(caller, word)
        assert described
        assert all(added in values for values in described)
    assert (await caller.get("/api/v1/alerts?status=PARK")).status == 400


async def test_the_page_knows_it_and_the_move_that_leads_there(caller: Caller) -> None:
    words = await (await caller.get("/dashboard/words.js", anonymous=True)).text()
    assert '"PARKED":"Parked"' in words
    assert '"park":["NEW","ACKNOWLEDGED","ASSIGNED","ESCALATED","PARKED"]' in words
