"""What the API takes is what its description says: what fits is taken, what does not is refused."""

import json
from typing import Any

from tests.models.alerts.cast import open_alert
from tests.realtime.cast import Feed
from tests.realtime.http.conftest import Caller, store_anomaly
from tests.realtime.http.described import (
    ADMIN,
    OPERATOR,
    PLANNED,
    RECURRING,
    SILENCE,
    punch,
    read_document,
)
from tests.realtime.http.json_schema import flaws

ALERTS = "/api/v1/alerts"
MOVE = f"{ALERTS}/{{alert_id}}/{{move}}"
REVIEW = "/api/v1/anomalies/{anomaly_id}/review"
QUIET = "/api/v1/quiet"


async def check(caller: Caller, path: str, address: str, body: object, **claims: Any) -> bool:
    """Return whether `body` is as described. It must be taken then, and be refused else."""
    document = await read_document(caller)
    says = document["paths"][path]["post"]
    schema = says["requestBody"]["content"]["application/json"]["schema"]
    fits = not flaws(document, schema, body)
    response = await caller.ask("POST", address, data=json.dumps(body), **claims)
    is_taken: bool = response.status < 300
    assert is_taken is fits, await response.text()
    if not fits:
        assert (response.status, (await response.json())["error"]["code"]) == (400, "invalid")
    return fits


MOVES = [
    ({}, True),
    ({"note": "x" * 2_000, "assignee": "x" * 200, "version": 1}, True),
    ({"note": None, "assignee": None, "version": None}, True),
    ({"note": "x" * 2_001}, False),
    ({"note": 7}, False),
    ({"assignee": "x" * 201}, False),
    ({"version": 0}, False),
    ({"version": "1"}, False),
    ({"version": True}, False),
    ([], False),
]


async def test_a_move_is_taken_as_described(caller: Caller, feed: Feed) -> None:
    for number, (body, fits) in enumerate(MOVES, 1):
        address = f"{ALERTS}/{open_alert(feed.engine, person_id=number)}/acknowledge"
        assert await check(caller, MOVE, address, body, **OPERATOR) is fits, body


MANY: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"alert_ids": ["00000000-0000-0000-0000-000000000000"] * 500}, True),
    ({"alert_ids": ["00000000-0000-0000-0000-000000000000"] * 501}, False),
    ({"alert_ids": []}, False),
    ({"alert_ids": None}, False),
    ({"versions": {}}, True),
    ({"versions": None}, True),
    ({"versions": [1]}, False),
    ({"note": "x" * 2_001}, False),
]


async def test_a_move_of_many_is_taken_as_described(caller: Caller, feed: Feed) -> None:
    path = f"{ALERTS}/acknowledge"
    body = {"alert_ids": [str(open_alert(feed.engine))]}
    for changes, fits in MANY:
        assert await check(caller, path, path, body | changes, **OPERATOR) is fits, changes


REVIEWS = [
    ({"verdict": "CONFIRMED"}, True),
    ({"verdict": "RESOLVED", "note": "x" * 2_000}, True),
    ({"verdict": "RESOLVED", "note": "x" * 2_001}, False),
    ({"verdict": "WITHDRAWN"}, False),
    ({"note": "Seen."}, False),
    ([], False),
]


async def test_a_review_is_taken_as_described(caller: Caller, feed: Feed) -> None:
    address = REVIEW.format(anomaly_id=store_anomaly(feed, 1))
    for body, fits in REVIEWS:
        assert await check(caller, REVIEW, address, body, **OPERATOR) is fits, body


async def test_what_is_to_be_quiet_is_taken_as_described(caller: Caller, feed: Feed) -> None:
    feed.know_site()
    ends_at = {"ends_at": SILENCE["ends_at"].replace("+00:00", "Z")}
    moments = {name: PLANNED[name].replace("+00:00", "Z") for name in ("starts_at", "ends_at")}
    silence, planned = SILENCE | ends_at, PLANNED | moments
    for body in (silence, planned, silence | {"types": ["GPS_SPOOFING"], "severities": ["LOW"]}):
        assert await check(caller, QUIET, QUIET, body, **OPERATOR)
    wrong: list[dict[str, Any]] = [
        {"kind": "nap"},
        {"sites": [15.5]},
        {"author": "me"},
        {"types": ["X"]},
    ]
    for changes in wrong:
        assert not await check(caller, QUIET, QUIET, silence | changes, **OPERATOR)
    for missing in ("reason", "ends_at", "kind"):
        body = {name: value for name, value in silence.items() if name != missing}
        assert not await check(caller, QUIET, QUIET, body, **OPERATOR)
    for name, value in (("duration_minutes", 0), ("rrule", "")):
        assert not await check(caller, QUIET, QUIET, RECURRING | {name: value}, **OPERATOR)


async def test_a_punch_that_is_not_as_described_is_rejected(caller: Caller, feed: Feed) -> None:
    """Punches are taken one by one: what is wrong with one is no reason to refuse the others."""
    feed.know_site()
    document = await read_document(caller)
    says = document["paths"]["/api/v1/punches"]["post"]
    schema = says["requestBody"]["content"]["application/json"]["schema"]
    good = punch("p0", occurred_at="2026-11-23T08:00:00Z")
    changes: list[dict[str, Any]] = [
        {},
        {"kind": "nap"},
        {"person_id": 7.5},
        {"site_id": 0},
        {"punch_id": "x" * 65},
        {"latitude": "48"},
        {"biometric": {"method": "nose"}},
        {"biometric": {"method": "face", "score": 0.5}},
        {"schema_version": 2},
        {"colour": "red"},
    ]
    bodies = [good | {"punch_id": f"p{number}"} | change for number, change in enumerate(changes)]
    response = await caller.ask("POST", "/api/v1/punches", data=json.dumps(bodies), **ADMIN)
    accepted = [outcome["status"] == "accepted" for outcome in await response.json()]
    assert accepted == [flaws(document, schema, body) == [] for body in bodies]
    assert accepted.count(True) == 3
