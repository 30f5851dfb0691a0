"""The API as it describes itself, and a company in which every list has rows that differ."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import insert

from models import intake
from models.tables import alert_anomaly
from tests.models.alerts.cast import open_alert
from tests.realtime.cast import ACME, Feed
from tests.realtime.http.conftest import Caller, store_anomaly

OPERATOR: dict[str, Any] = {"role": "operator", "sub": "olga"}
ADMIN: dict[str, Any] = {"role": "admin"}


class Operation(NamedTuple):
    method: str
    path: str
    says: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def parameters(self, place: str) -> dict[str, dict[str, Any]]:
        return {
            parameter["name"]: parameter
            for parameter in self.says["parameters"]
            if parameter["in"] == place
        }

    def filters(self) -> dict[str, dict[str, Any]]:
        """What narrows the list, with the schema of one value."""
        parameters = self.parameters("query")
        schemas = {name: parameter["schema"] for name, parameter in parameters.items()}
        return {
            name: schema["items"] if schema["type"] == "array" else schema
            for name, schema in schemas.items()
            if name not in ("limit", "cursor", "self")
        }

    def wants_token(self) -> bool:
        return "security" not in self.says

    def takes_body(self) -> bool:
        return "requestBody" in self.says


async def read_document(caller: Caller) -> dict[str, Any]:
    response = await caller.get("/api/openapi.json", anonymous=True)
    assert response.status == 200
    document: dict[str, Any] = await response.json()
    return document


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, says in methods.items():
            yield Operation(method.upper(), path, says)


def lists(document: dict[str, Any]) -> list[Operation]:
    return [operation for operation in operations(document) if operation.filters()]


def punch(punch_id: str, **more: Any) -> dict[str, Any]:
    return {
        "punch_id": punch_id,
        "tenant_id": ACME,
        "person_id": 7,
        "site_id": 15,
        "kind": "check_in",
        "occurred_at": "2026-11-23T08:00:00+01:00",
        **more,
    }


def hence(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


SILENCE: dict[str, Any] = {
    "kind": "silence",
    "reason": "Works at the gate.",
    "ends_at": hence(hours=2),
}
PLANNED: dict[str, Any] = {
    "kind": "maintenance",
    "reason": "New gate.",
    "starts_at": hence(days=1),
    "ends_at": hence(days=1, hours=3),
    "sites": [15],
}
RECURRING: dict[str, Any] = {
    "kind": "recurring",
    "reason": "Backups.",
    "starts_at": "2026-01-01T22:00:00",
    "duration_minutes": 60,
    "rrule": "FREQ=DAILY",
}


async def post(caller: Caller, path: str, body: Any, **claims: Any) -> dict[str, Any]:
    response = await caller.ask("POST", path, data=json.dumps(body), **claims)
    assert response.status < 300, await response.text()
    answer: dict[str, Any] = await response.json()
    return answer


async def furnish(caller: Caller, feed: Feed) -> dict[str, str]:
    """Give every list rows that differ in all they can be narrowed by.

    Return an id of each for the parameters of paths.
    """
    ids = {"anomaly_id": _anomalies(feed), "alert_id": _alerts(feed), "move": "acknowledge"}
    await _rejections(caller, feed)
    quiet = [await post(caller, "/api/v1/quiet", body, **OPERATOR) for body in _QUIETS]
    await caller.ask("DELETE", f"/api/v1/quiet/{quiet[0]['quiet_id']}", **OPERATOR)
    rejected = await caller.items("/api/v1/rejected", **ADMIN)
    ids["rejected_id"] = next(item["rejected_id"] for item in rejected if item["punch_id"] == "p2")
    return ids | {"quiet_id": quiet[1]["quiet_id"]}


_QUIETS = (SILENCE, SILENCE, PLANNED, RECURRING)


def _anomalies(feed: Feed) -> str:
    other: dict[str, Any] = {"site_id": 16, "anomaly_type": "GPS_SPOOFING", "severity": "LOW"}
    other["reason"] = "mock"
    reviewed: dict[str, Any] = {"review": "CONFIRMED", "reviewed_version": 1}
    private: dict[str, Any] = {"private_evidence": {"other_site_id": 16}, "other_sites": "16"}
    store_anomaly(feed, 1, **reviewed)
    store_anomaly(feed, 2, punch_id="", shift_id="s2", standing=False, **private)
    store_anomaly(feed, 3, punch_id="", shift_id="s3", person_name=None, **other)
    feed.run(
        "INSERT INTO withdrawal_trail (tenant_id, anomaly_id, at, cause, punch_id, content_hash,"
        " received_at, submitted_by) VALUES (1, %(id)s, now(), 'correction', 'p1', 'x', now(),"
        """ '{"door": "attendance.submit", "name": "kiosk"}')""",
        {"id": str(UUID(int=(1 << 80) + 2))},
    )
    return store_anomaly(feed, 4, **other | reviewed | {"reviewed_version": 2})


def _alerts(feed: Feed) -> str:
    other: dict[str, Any] = {"site_id": 16, "anomaly_type": "GPS_SPOOFING", "severity": "LOW"}
    taken = {"status": "ASSIGNED", "assigned_to": "Bob"}
    open_alert(feed.engine, person_id=2, ago=timedelta(minutes=1), **other | taken)
    open_alert(feed.engine, person_id=3, assigned_to="Ann", ago=timedelta(minutes=2))
    alert_id = open_alert(feed.engine)
    row = {"tenant_id": ACME, "alert_id": alert_id, "anomaly_id": UUID(int=(1 << 80) + 1)}
    with feed.engine.begin() as connection:
        connection.execute(insert(alert_anomaly), row)
    return str(alert_id)


async def _rejections(caller: Caller, feed: Feed) -> None:
    feed.know_site()
    wrong = [punch("p1", kind="nap"), punch("p2", kind="nap", person_id=8)]
    for submitted in (*wrong, punch("p3", site_id=16)):  # each at its own moment
        await post(caller, "/api/v1/punches", submitted, **ADMIN)
    intake.sync_roster(
        feed.engine,
        {"tenant": {"tenant_id": ACME}, "people": [{"person_id": 1.5}]},
    )
    rejected = await caller.items("/api/v1/rejected?punch_id=p1", **ADMIN)
    path = f"/api/v1/rejected/{rejected[0]['rejected_id']}/resubmit"
    assert (await post(caller, path, punch("p1"), **ADMIN))["applied"]
