"""What is said, to the letter: the order of fields, how numbers and times are written."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import orjson
import pytest
from pydantic import TypeAdapter, ValidationError

from models.alerts.alert import Alert
from models.alerts.anomaly import Anomaly, anomaly_body
from models.alerts.rows import message_of
from models.feed import payload_text
from models.schemas.payloads import (
    PAYLOADS,
    AlertPayload,
    AnomalyPayload,
    ResyncPayload,
    SnapshotPayload,
    TokenExpiredPayload,
    body_text,
)
from tests.payloads import checked

NEW_YORK = timezone(timedelta(hours=-5))
ID, OTHER_ID = (
    UUID("0198c0de-0000-7000-8000-000000000001"),
    UUID("0198c0de-0000-7000-8000-000000000002"),
)
MOMENT = datetime(2026, 3, 2, 8, 0, 0, 120000, tzinfo=UTC)
ANOMALY = Anomaly(
    tenant_id=1,
    anomaly_id=ID,
    punch_id="p1",
    shift_id="",
    anomaly_type="GEOFENCE_VIOLATION",
    person_id=7,
    site_id=15,
    person_name='Zoë "Z"',
    site_name=None,
    severity="HIGH",
    confidence=0.123456,
    reason="outside_fence",
    explanation="412 m outside.",
    evidence={"distance_m": 412.34567, "also": [], "policy_version": 3},
    private_evidence={"site_id": 16},
    other_sites="16",
    fraud_score=0.60914999,
    policy_version=3,
    occurred_at=datetime(2026, 3, 2, 3, tzinfo=NEW_YORK),
    detected_at=MOMENT,
    updated_at=MOMENT,
    standing=True,
    shadow=False,
    backfill=False,
    said=False,
)
ANOMALY_TEXT = (
    '{"type":"anomaly_detected","anomaly_id":"0198c0de-0000-7000-8000-000000000001",'
    '"person_id":7,"person_name":"Zoë \\"Z\\"",'
    '"site_id":15,"site_name":null,"anomaly_type":"GEOFENCE_VIOLATION","fraud_score":0.6091,'
    '"severity":"HIGH",'
    '"timestamp":"2026-03-02T08:00:00.120000Z","tenant_id":1,'
    '"occurred_at":"2026-03-02T08:00:00Z","punch_id":"p1","shift_id":null,'
    '"confidence":0.123456,"status":"DETECTED","reason":"outside_fence",'
    '"explanation":"412 m outside.",'
    '"evidence":{"distance_m":412.34567,"also":[],"policy_version":3}}'
)
ALERT = Alert(
    tenant_id=1,
    alert_id=ID,
    person_id=7,
    site_id=15,
    anomaly_type="WRONG_PERSON",
    person_name="Ada",
    site_name="Gate",
    device_id="d1",
    status="ACKNOWLEDGED",
    severity="CRITICAL",
    count=2,
    message="Somebody else.",
    first_seen=datetime(2026, 3, 2, 3, tzinfo=NEW_YORK),
    last_seen=MOMENT,
    correlation_id=OTHER_ID,
    version=3,
    created_at=MOMENT,
    updated_at=MOMENT,
    acknowledged_at=MOMENT,
    seconds_to_acknowledge=61.5,
)
ALERT_TEXT = (
    '{"type":"alert_updated","alert_id":"0198c0de-0000-7000-8000-000000000001",'
    '"status":"ACKNOWLEDGED","severity":"CRITICAL",'
    '"anomaly_type":"WRONG_PERSON","person_id":7,"person_name":"Ada","site_id":15,'
    '"site_name":"Gate","count":2,'
    '"first_seen":"2026-03-02T08:00:00Z","last_seen":"2026-03-02T08:00:00.120000Z",'
    '"assigned_to":null,"message":"Somebody else.",'
    '"timestamp":"2026-03-02T08:00:00.120000Z","tenant_id":1,"version":3,'
    '"correlation_id":"0198c0de-0000-7000-8000-000000000002",'
    '"escalation_step":0,"escalated_to":null,"escalates_at":null,"quiet_reason":null,'
    '"quiet_until":null,'
    '"acknowledged_at":"2026-03-02T08:00:00.120000Z","resolved_at":null,'
    '"seconds_to_acknowledge":61.5,"seconds_to_resolve":null}'
)


def test_an_anomaly_is_written_to_the_letter() -> None:
    assert anomaly_body("anomaly_detected", ANOMALY) == ANOMALY_TEXT
    payload = checked("anomaly_detected", payload_text(ANOMALY_TEXT, 9))
    assert (payload.position, payload.occurred_at, payload.anomaly_id) == (
        9,
        ANOMALY.occurred_at,
        ID,
    )


def test_an_alert_is_written_to_the_letter() -> None:
    assert message_of(ALERT, ALERT).body == ALERT_TEXT
    payload = checked("alert_updated", payload_text(ALERT_TEXT, 9))
    assert (payload.position, payload.correlation_id, payload.seconds_to_acknowledge) == (
        9,
        OTHER_ID,
        61.5,
    )


def test_what_the_server_says_itself_is_written_to_the_letter() -> None:
    counts: dict[Any, int] = {"LOW": 0, "MEDIUM": 0, "HIGH": 1, "CRITICAL": 0}
    recent = [orjson.Fragment(payload_text(ANOMALY_TEXT, 9))]
    snapshot = body_text(
        SnapshotPayload(
            tenant_id=1,
            position=9,
            recent=recent,
            open_alerts=counts,
            filter={"sites": [15]},
        )
    )
    assert snapshot == (
        '{"type":"snapshot","tenant_id":1,"position":9,'
        f'"recent":[{payload_text(ANOMALY_TEXT, 9)}],'
        '"open_alerts":{"LOW":0,"MEDIUM":0,"HIGH":1,"CRITICAL":0},"filter":{"sites":[15]}}'
    )
    assert checked("snapshot", snapshot).recent[0].anomaly_id == ID
    assert body_text(ResyncPayload(reason="too_old")) == '{"type":"resync","reason":"too_old"}'
    assert body_text(TokenExpiredPayload(exp=7)) == '{"type":"token_expired","exp":7}'


def without(name: str) -> dict[str, Any]:
    payload = orjson.loads(payload_text(ALERT_TEXT, 1))
    return {key: value for key, value in payload.items() if key != name}


@pytest.mark.parametrize(
    "payload",
    [
        *map(without, ("type", "position", "version", "correlation_id", "escalates_at")),
        without("") | {"colour": "red"},
        without("") | {"position": "1"},
        without("") | {"status": "OPEN"},
        without("") | {"count": 0},
        without("") | {"first_seen": "2026-03-02T08:00:00+00:00"},
        without("") | {"first_seen": 1_772_438_400},
        without("") | {"type": "anomaly_detected"},
    ],
)
def test_a_field_missing_too_many_or_of_another_kind_is_no_alert(payload: dict[str, Any]) -> None:
    checked("alert_updated", orjson.dumps(without("")))
    with pytest.raises(ValidationError):
        checked("alert_updated", orjson.dumps(payload))


@pytest.mark.parametrize("model", [AnomalyPayload, AlertPayload])
def test_a_payload_describes_itself_for_whoever_reads_the_api(model: type) -> None:
    schema = TypeAdapter(model).json_schema(mode="serialization")
    assert set(schema["required"]) == set(schema["properties"])
    assert schema["properties"]["timestamp"]["format"] == "date-time"


def test_every_event_has_a_payload_of_its_own_name() -> None:
    for event, model in PAYLOADS.items():
        described = TypeAdapter(model).json_schema()["properties"]["type"]
        assert event in described.get("enum", [described.get("const")])
