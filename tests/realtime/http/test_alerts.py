"""Alerts by REST: lists within the token's scope, one with its trail, moves of one and of many."""

import csv
import io
import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert

from models.tables import alert_anomaly
from tests.models.alerts.cast import move, open_alert, trail
from tests.realtime.cast import GLOBEX, Connect, Feed, RunningServer
from tests.realtime.http.conftest import Caller, store_anomaly

PATH = "/api/v1/alerts"
OPERATOR: dict[str, Any] = {"role": "operator", "sub": "olga"}


async def post(
    caller: Caller, path: str, body: Any = None, **claims: Any
) -> tuple[int, dict[str, Any]]:
    response = await caller.ask(
        "POST", path, data=json.dumps(body) if body is not None else None, **claims
    )
    return response.status, await response.json()


async def test_a_token_sees_its_own_tenant_and_sites_only(caller: Caller, feed: Feed) -> None:
    for number in range(4):
        open_alert(feed.engine, person_id=number + 1, site_id=15 + number % 2)
    open_alert(feed.engine, tenant_id=GLOBEX, person_id=9)
    assert [item["person_id"] for item in await caller.items(PATH)] == [4, 3, 2, 1]
    assert [item["person_id"] for item in await caller.items(PATH, sites=[15])] == [3, 1]
    assert await caller.items(PATH, sites=[]) == []
    assert [item["person_id"] for item in await caller.items(PATH, tenant_id=GLOBEX)] == [9]


async def test_filters_narrow_the_list_and_pages_lose_nothing(caller: Caller, feed: Feed) -> None:
    correlation_id = uuid4()
    ids = [
        open_alert(feed.engine, person_id=number, ago=timedelta(minutes=60 - number))
        for number in range(1, 13)
    ]
    low = open_alert(
        feed.engine,
        person_id=50,
        severity="LOW",
        anomaly_type="GPS_SPOOFING",
        correlation_id=correlation_id,
    )
    move(feed.engine, ids[0], "assign", assignee="Bob")

    async def found(query: str) -> list[int]:
        return [item["person_id"] for item in await caller.items(f"{PATH}?{query}")]

    assert (
        await found("severity=LOW")
        == await found("type=GPS_SPOOFING")
        == await found(f"correlation_id={correlation_id}")
        == [50]
    )
    assert (
        await found("status=ASSIGNED")
        == await found("assigned_to=Bob")
        == await found("person_id=1")
        == [1]
    )
    assert await found("site_id=16") == []
    since = (await caller.items(f"{PATH}?person_id=12"))[0]["first_seen"]
    assert await found(f"since={since}") == [50, 12]
    assert (await found(f"until={since}"))[0] == 11
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await (await caller.get(f"{PATH}?limit=5&cursor={cursor}")).json()
        seen += [item["person_id"] for item in page["items"]]
        cursor = page["next"]
    assert seen == [50, *range(12, 0, -1)]
    row = next(
        csv.DictReader(
            io.StringIO(await (await caller.get(PATH, headers={"Accept": "text/csv"})).text())
        )
    )
    assert (row["alert_id"], row["severity"], row["count"]) == (str(low), "LOW", "1")
    for query in ("status=OPEN", "correlation_id=x", "colour=red", "severity=low"):
        assert (await caller.get(f"{PATH}?{query}")).status == 400


async def test_pages_lose_and_repeat_nothing_where_many_came_at_one_moment(
    caller: Caller, feed: Feed
) -> None:
    ids = {str(open_alert(feed.engine, person_id=number)) for number in range(1, 31)}
    feed.run("UPDATE alert SET created_at = '2026-11-23T08:00:00.123456Z'", {})
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await (await caller.get(f"{PATH}?limit=7&cursor={cursor}")).json()
        seen += [item["alert_id"] for item in page["items"]]
        cursor = page["next"]
    assert seen == sorted(ids, reverse=True)


async def test_what_a_spreadsheet_would_run_is_text_in_csv(caller: Caller, feed: Feed) -> None:
    open_alert(
        feed.engine,
        person_name="=1+1",
        site_name="@SUM(A1)",
        message="-2+3",
        assigned_to="+cmd",
        quiet_reason="\t=1+1",
    )
    row = next(
        csv.DictReader(
            io.StringIO(await (await caller.get(PATH, headers={"Accept": "text/csv"})).text())
        )
    )
    assert (row["person_name"], row["site_name"], row["message"]) == ("'=1+1", "'@SUM(A1)", "'-2+3")
    assert (row["assigned_to"], row["quiet_reason"]) == ("'+cmd", "'\t=1+1")


async def test_one_is_shown_with_its_trail_and_its_anomalies(caller: Caller, feed: Feed) -> None:
    alert_id = open_alert(feed.engine)
    anomaly_id = store_anomaly(feed, 1)
    with feed.engine.begin() as connection:
        connection.execute(
            insert(alert_anomaly),
            {"tenant_id": 1, "alert_id": alert_id, "anomaly_id": UUID(anomaly_id)},
        )
    move(feed.engine, alert_id, "note", note="Called.")
    shown = await (await caller.get(f"{PATH}/{alert_id}", sites=[15])).json()
    assert (shown["alert"]["alert_id"], shown["alert"]["version"]) == (str(alert_id), 2)
    assert [(line["move"], line["actor"], line["note"]) for line in shown["trail"]] == [
        ("create", "system", None),
        ("note", "olga", "Called."),
    ]
    assert [anomaly["anomaly_id"] for anomaly in shown["anomalies"]] == [anomaly_id]
    for claims in ({"sites": [16]}, {"tenant_id": GLOBEX}):
        assert (await caller.get(f"{PATH}/{alert_id}", **claims)).status == 404
    assert (await caller.get(f"{PATH}/nonsense")).status == 404


async def test_a_move_by_rest_is_a_move_and_is_seen_live(
    caller: Caller, server: RunningServer, feed: Feed, connect: Connect
) -> None:
    alert_id = open_alert(feed.engine)
    alice = await connect(server)
    await alice.until("snapshot")
    status, body = await post(
        caller, f"{PATH}/{alert_id}/assign", {"assignee": "Bob", "version": 1}, **OPERATOR
    )
    assert (status, body["alert"]["assigned_to"]) == (200, "Bob")
    assert (await alice.until("alert_updated"))["status"] == "ASSIGNED"
    status, body = await post(caller, f"{PATH}/{alert_id}/acknowledge", **OPERATOR)
    assert (status, body["error"]["code"], body["error"]["alert"]["status"]) == (
        409,
        "conflict",
        "ASSIGNED",
    )
    assert (await post(caller, f"{PATH}/{alert_id}/resolve", role="viewer"))[0] == 403
    assert (await post(caller, f"{PATH}/{alert_id}/resolve", sites=[16], **OPERATOR))[0] == 404
    assert (await post(caller, f"{PATH}/{alert_id}/note", {"note": "\ud800"}, **OPERATOR))[0] == 400
    assert (await post(caller, f"{PATH}/{alert_id}/explode", **OPERATOR))[0] == 400
    assert (await post(caller, f"{PATH}/{alert_id}/suppress", **OPERATOR))[0] == 403
    assert trail(feed.engine, alert_id)[-1][:2] == ("assign", "olga")


async def test_many_are_moved_at_once_each_with_its_own_outcome(caller: Caller, feed: Feed) -> None:
    ids = [str(open_alert(feed.engine, person_id=number)) for number in range(1, 501)]
    move(feed.engine, UUID(ids[0]), "resolve")
    head = feed.rows("SELECT head FROM tenant WHERE tenant_id = 1")[0][0]
    status, body = await post(
        caller, f"{PATH}/acknowledge", {"alert_ids": ids, "versions": {ids[1]: 7}}, **OPERATOR
    )
    assert status == 200
    assert [result["alert_id"] for result in body["results"]] == ids
    assert [result["ok"] for result in body["results"]] == [False, False, *[True] * 498]
    assert [body["results"][number]["error"]["code"] for number in (0, 1)] == [
        "conflict",
        "conflict",
    ]
    assert feed.rows("SELECT head FROM tenant WHERE tenant_id = 1") == [(head + 498,)]
    _, body = await post(
        caller,
        f"{PATH}/note",
        {"alert_ids": ["nonsense", ids[2], str(uuid4())], "note": "Seen."},
        **OPERATOR,
    )
    assert [result["ok"] or result["error"]["code"] for result in body["results"]] == [
        "not_found",
        True,
        "not_found",
    ]
    wrong: list[Any] = [
        {"alert_ids": [*ids, ids[0]]},
        {"alert_ids": []},
        {"alert_ids": [7]},
        {},
        [],
    ]
    for body in wrong:
        assert (await post(caller, f"{PATH}/acknowledge", body, **OPERATOR))[0] == 400


async def test_a_review_by_rest(caller: Caller, feed: Feed) -> None:
    anomaly_id = store_anomaly(feed, 1)
    path = f"/api/v1/anomalies/{anomaly_id}/review"
    status, body = await post(caller, path, {"verdict": "CONFIRMED"}, **OPERATOR)
    assert (status, body["anomaly"]["status"]) == (200, "CONFIRMED")
    assert (await caller.items("/api/v1/anomalies"))[0]["review"] == "CONFIRMED"
    assert (await post(caller, path, {"verdict": "GREAT"}, **OPERATOR))[0] == 400
    assert (await post(caller, path, {"verdict": "CONFIRMED"}))[0] == 403
    assert (await post(caller, path, {"verdict": "CONFIRMED"}, sites=[16], **OPERATOR))[0] == 404


async def test_an_anomaly_is_shown_with_who_reviewed_it(caller: Caller, feed: Feed) -> None:
    anomaly_id, hidden = (
        store_anomaly(feed, 1, policy_version=3),
        store_anomaly(feed, 2, shadow=True),
    )
    path = f"/api/v1/anomalies/{anomaly_id}"
    for verdict, note in (("INVESTIGATING", None), ("CONFIRMED", "On camera.")):
        await post(caller, f"{path}/review", {"verdict": verdict, "note": note}, **OPERATOR)
    shown = await (await caller.get(path, sites=[15])).json()
    assert (shown["anomaly"]["anomaly_id"], shown["anomaly"]["status"]) == (anomaly_id, "CONFIRMED")
    assert [
        (line["number"], line["actor"], line["verdict"], line["note"], line["policy_version"])
        for line in shown["reviews"]
    ] == [
        (1, "olga", "INVESTIGATING", None, 3),
        (2, "olga", "CONFIRMED", "On camera.", 3),
    ]
    for claims in ({"sites": [16]}, {"tenant_id": GLOBEX}):
        assert (await caller.get(path, **claims)).status == 404
    for other in (hidden, "nonsense"):
        assert (await caller.get(f"/api/v1/anomalies/{other}")).status == 404


async def test_precision_is_counted_by_type_site_and_policy_version(
    caller: Caller, feed: Feed
) -> None:
    verdicts = ["CONFIRMED", "CONFIRMED", "FALSE_POSITIVE", "INVESTIGATING"]
    for number, verdict in enumerate(verdicts):
        anomaly_id = store_anomaly(feed, number, policy_version=2)
        await post(
            caller, f"/api/v1/anomalies/{anomaly_id}/review", {"verdict": verdict}, **OPERATOR
        )
    elsewhere = store_anomaly(feed, 9, site_id=16)
    await post(
        caller, f"/api/v1/anomalies/{elsewhere}/review", {"verdict": "FALSE_POSITIVE"}, **OPERATOR
    )
    expected = {
        "anomaly_type": "WRONG_PERSON",
        "site_id": 15,
        "policy_version": 2,
        "confirmed": 2,
        "false_positive": 1,
        "precision": 0.6667,
    }
    assert await caller.items("/api/v1/precision", sites=[15]) == [expected]
    assert [item["precision"] for item in await caller.items("/api/v1/precision?site_id=16")] == [
        0.0
    ]
    assert await caller.items("/api/v1/precision", tenant_id=GLOBEX) == []
    # Judged again under a newer policy, a review still counts for the policy that was reviewed.
    feed.run("UPDATE anomaly SET policy_version = 5", {})
    assert await caller.items("/api/v1/precision", sites=[15]) == [expected]
    text = await caller.metrics()
    labels = 'anomaly_type="WRONG_PERSON",policy_version="2",site_id="15",tenant_id="1"'
    line = next(
        line
        for line in text.splitlines()
        if line.startswith("rollcall_precision{") and 'site_id="15"' in line
    )
    assert sorted(line[len("rollcall_precision{") : line.index("}")].split(",")) == labels.split(
        ","
    )
    assert round(float(line.rpartition(" ")[2]), 4) == 0.6667
