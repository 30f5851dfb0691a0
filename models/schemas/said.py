"""What is said to viewers: the payloads of the contract, and the fast way to write an anomaly's.

The models describe (OpenAPI, tests); the hot path writes JSON text straight from a row of the anomaly table.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from models.vocabulary import AlertStatus, AnomalyStatus, AnomalyType, Severity

InstantText = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", description="ISO 8601, UTC")


class Said(BaseModel):
    """What every payload has."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: str
    tenant_id: int
    position: int
    timestamp: str = InstantText


class AnomalyPayload(Said):
    """`anomaly_detected` and `anomaly_updated`. `timestamp` is when it was detected."""

    type: Literal["anomaly_detected", "anomaly_updated"]
    anomaly_id: str
    person_id: int
    person_name: str | None
    site_id: int
    site_name: str | None
    anomaly_type: AnomalyType
    fraud_score: float = Field(ge=0, le=1)
    severity: Severity
    occurred_at: str = InstantText
    punch_id: str | None
    shift_id: str | None
    confidence: float = Field(ge=0, le=1)
    status: AnomalyStatus
    reason: str
    explanation: str
    evidence: dict[str, Any]


class AlertPayload(Said):
    """`alert_created` and `alert_updated`."""

    model_config = ConfigDict(extra="allow", strict=True)

    type: Literal["alert_created", "alert_updated"]
    alert_id: str
    status: AlertStatus
    severity: Severity
    anomaly_type: AnomalyType
    person_id: int
    person_name: str | None
    site_id: int
    site_name: str | None
    count: int = Field(ge=1)
    first_seen: str = InstantText
    last_seen: str = InstantText
    assigned_to: str | None
    message: str


class PublishedPayload(Said):
    """`finding_created` and `ticket_updated`: what `noc.publish` was given in `data`, under the envelope's fields."""

    model_config = ConfigDict(extra="allow", strict=True)

    type: Literal["finding_created", "ticket_updated"]
    site_id: int | None
    severity: Severity | None


def instant_text(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def anomaly_status(row: Mapping[str, Any]) -> str:
    """What viewers are told of its state. One in shadow is withdrawn to whoever was told of it before."""
    if not row["standing"] or row["shadow"]:
        return "WITHDRAWN"
    return row["review"] or "DETECTED"


def anomaly_body(event: str, row: Mapping[str, Any]) -> str:
    """The payload of `event` as JSON text, without `position`, from the columns of the anomaly table.

    `evidence` names only the anomaly's own site; `private_evidence` never goes to viewers.
    """
    return orjson.dumps(
        {
            "type": event,
            "anomaly_id": str(row["anomaly_id"]),
            "person_id": row["person_id"],
            "person_name": row["person_name"],
            "site_id": row["site_id"],
            "site_name": row["site_name"],
            "anomaly_type": row["anomaly_type"],
            "fraud_score": round(row["fraud_score"], 4),
            "severity": row["severity"],
            "timestamp": instant_text(row["detected_at"]),
            "tenant_id": row["tenant_id"],
            "occurred_at": instant_text(row["occurred_at"]),
            "punch_id": row["punch_id"] or None,
            "shift_id": row["shift_id"] or None,
            "confidence": row["confidence"],
            "status": anomaly_status(row),
            "reason": row["reason"],
            "explanation": row["explanation"],
            "evidence": row["evidence"],
        }
    ).decode()
