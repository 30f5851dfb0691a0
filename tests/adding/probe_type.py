"""These tests run in a copy that has a tenth type, which goes all the way to the operator."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from models import intake
from tests.adding.described import enums_with
from tests.payloads import alert_payload, anomaly_payload
from tests.realtime.cast import Connect, Feed, RunningServer
from tests.realtime.http.conftest import Caller
from tests.worker.cast import NOON, anomalies, punch, roster, rows
from worker.judging.judge import judge

TYPE = "NIGHT_PUNCH"
OPERATOR: dict[str, Any] = {"role": "operator", "sub": "olga"}


def come_at_night(feed: Feed, punch_id: str, person_id: int = 1) -> None:
    at = NOON.replace(hour=3)
    outcomes = intake.submit(
        feed.engine, [punch(punch_id, person_id=person_id, occurred_at=at.isoformat())]
    )
    assert [outcome.status for outcome in outcomes] == ["accepted"]
    judge(feed.engine, 1, feed.manager.say)


def sync(feed: Feed, **policy: Any) -> Any:
    tenant = {"tenant_id": 1, "policy": policy, "correction": True}
    return intake.sync_roster(feed.engine, {"tenant": tenant})


async def test_it_is_stored_alerted_said_to_whom_asks_for_it_and_listed(
    server: RunningServer, feed: Feed, connect: Connect, caller: Caller
) -> None:
    intake.sync_roster(feed.engine, roster(1))
    asking, other = await connect(server), await connect(server)
    answer = await asking.ask("filter_anomalies", {"types": [TYPE]})
    assert answer == {"ok": True, "filter": {"types": [TYPE]}}
    await other.ask("filter_anomalies", {"types": ["GPS_SPOOFING"]})
    come_at_night(feed, "p1")
    assert anomalies(feed.engine) == [("p1", TYPE, 1, 15, True)]
    said = anomaly_payload(await asking.until("anomaly_detected"))
    assert (said.anomaly_type, said.reason, said.fraud_score) == (
        TYPE,
        "at_night",
        round(0.4 * 0.8, 4),
    )
    alerted = alert_payload(await asking.until("alert_created"))
    assert (alerted.anomaly_type, alerted.severity, alerted.status) == (TYPE, "HIGH", "NEW")
    assert not other.heard("anomaly_detected")
    assert [
        item["anomaly_id"] for item in await caller.items(f"/api/v1/anomalies?type={TYPE}")
    ] == [str(said.anomaly_id)]
    assert [item["alert_id"] for item in await caller.items(f"/api/v1/alerts?type={TYPE}")] == [
        str(alerted.alert_id)
    ]
    assert await caller.items(f"/api/v1/precision?type={TYPE}") == []


async def test_a_silence_may_name_it_and_hides_its_alert(caller: Caller, feed: Feed) -> None:
    intake.sync_roster(feed.engine, roster(1))
    ends_at = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    silence = {"kind": "silence", "reason": "Night shift.", "ends_at": ends_at, "types": [TYPE]}
    response = await caller.ask("POST", "/api/v1/quiet", data=json.dumps(silence), **OPERATOR)
    assert response.status == 201, await response.text()
    come_at_night(feed, "p1")
    assert rows(feed.engine, "SELECT anomaly_type, status FROM alert") == [(TYPE, "SUPPRESSED")]


async def test_a_maintenance_window_may_name_every_type(caller: Caller) -> None:
    described = await enums_with(caller, "GPS_SPOOFING")
    assert described
    assert all(TYPE in types for types in described)
    starts_at = datetime.now(UTC) + timedelta(days=1)
    window = {
        "kind": "maintenance",
        "reason": "New gate.",
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(hours=1)).isoformat(),
        "types": described[0],
    }
    response = await caller.ask("POST", "/api/v1/quiet", data=json.dumps(window), **OPERATOR)
    assert response.status == 201, await response.text()


async def test_its_policy_is_checked_and_in_force(feed: Feed) -> None:
    intake.sync_roster(feed.engine, roster(1))
    refused = sync(feed, night_until_hour=24, night_punch="maybe", night_punch_wieght=1)
    messages = sorted(reason["message"] for row in refused.refused for reason in row.reasons)
    assert [message.partition(":")[0] for message in messages] == [
        "policy.night_punch",
        "policy.night_punch_wieght",
        "policy.night_until_hour",
    ]
    assert "did you mean night_punch_weight?" in messages[1]
    sync(feed, night_punch="shadow")
    come_at_night(feed, "p1")
    assert rows(feed.engine, "SELECT anomaly_type, shadow FROM anomaly") == [(TYPE, True)]
    assert rows(feed.engine, "SELECT FROM alert") == []


async def test_the_page_offers_it(caller: Caller) -> None:
    words = await (await caller.get("/dashboard/words.js", anonymous=True)).text()
    assert '"NIGHT_PUNCH":"Night Punch"' in words
