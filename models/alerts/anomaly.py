"""An anomaly as the table `anomaly` holds it, and what viewers are told of it."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Literal
from uuid import UUID

from models.feed import Message
from models.schemas.payloads import AnomalyBody, anomaly_status, body_text

AnomalyEvent = Literal["anomaly_detected", "anomaly_updated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """One row, by the names of its columns; models.tables.anomalies says what they mean."""

    tenant_id: int
    anomaly_id: UUID
    punch_id: str
    shift_id: str
    anomaly_type: str
    person_id: int
    site_id: int
    person_name: str | None
    site_name: str | None
    severity: str
    confidence: float
    reason: str
    explanation: str
    evidence: dict[str, Any]
    private_evidence: dict[str, Any] | None
    other_sites: str
    fraud_score: float
    policy_version: int
    occurred_at: datetime
    detected_at: datetime
    updated_at: datetime
    standing: bool
    shadow: bool
    backfill: bool
    said: bool
    review: str | None = None
    reviewed_version: int | None = None

    @property
    def is_visible(self) -> bool:
        """Whether it stands for viewers: what is in shadow or backfilled is stored only."""
        return self.standing and not self.shadow and not self.backfill


ANOMALY_COLUMNS = tuple(field.name for field in fields(Anomaly))

# What a payload has by the same name.
_TOLD = tuple(field.name for field in fields(AnomalyBody) if field.name in ANOMALY_COLUMNS)
_told = attrgetter(*_TOLD)


def anomaly_body(event: AnomalyEvent, anomaly: Anomaly) -> str:
    """The payload of `event` as JSON text, without `position`."""
    told = dict(zip(_TOLD, _told(anomaly), strict=True))
    told["timestamp"] = anomaly.detected_at.astimezone(UTC)
    told["occurred_at"] = anomaly.occurred_at.astimezone(UTC)
    told["punch_id"] = anomaly.punch_id or None
    told["shift_id"] = anomaly.shift_id or None
    told["fraud_score"] = round(anomaly.fraud_score, 4)
    told["status"] = anomaly_status(anomaly.standing, anomaly.shadow, anomaly.review)
    return body_text(AnomalyBody(type=event, **told))


def message_of(event: AnomalyEvent, anomaly: Anomaly, told: str | None) -> Message:
    """What is said of it as it stands; `told` is the severity that viewers were told before."""
    body = anomaly_body(event, anomaly)
    return Message(event, anomaly.site_id, anomaly.anomaly_type, anomaly.severity, told, body)
