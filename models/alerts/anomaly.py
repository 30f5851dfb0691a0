"""An anomaly as the table `anomaly` holds it, and the messages that viewers get of it."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Literal
from uuid import UUID

from models.feed import Message
from models.ids import Id
from models.schemas.payloads import AnomalyBody, anomaly_status, body_text

AnomalyEvent = Literal["anomaly_detected", "anomaly_updated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """One row, by the names of its columns; models.tables.anomalies says what they mean."""

    tenant_id: Id
    anomaly_id: UUID
    punch_id: str
    shift_id: str
    anomaly_type: str
    person_id: Id
    site_id: Id
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
        """Whether viewers see that it stands: in shadow or backfilled, it is stored only."""
        return self.standing and not self.shadow and not self.backfill


ANOMALY_COLUMNS = tuple(field.name for field in fields(Anomaly))

# The columns that a payload has by the same name.
_IN_BODY = tuple(field.name for field in fields(AnomalyBody) if field.name in ANOMALY_COLUMNS)
_read_body = attrgetter(*_IN_BODY)


def anomaly_body(event: AnomalyEvent, anomaly: Anomaly) -> str:
    """Return the payload of `event` as JSON text, without `position`."""
    body = dict(zip(_IN_BODY, _read_body(anomaly), strict=True))
    body["timestamp"] = anomaly.detected_at.astimezone(UTC)
    body["occurred_at"] = anomaly.occurred_at.astimezone(UTC)
    body["punch_id"] = anomaly.punch_id or None
    body["shift_id"] = anomaly.shift_id or None
    body["fraud_score"] = round(anomaly.fraud_score, 4)
    body["status"] = anomaly_status(anomaly.standing, anomaly.shadow, anomaly.review)
    return body_text(AnomalyBody(type=event, **body))


def message_of(event: AnomalyEvent, anomaly: Anomaly, prior_severity: str | None) -> Message:
    """Return the message that says how the anomaly stands.

    `prior_severity` is the one that viewers were told before.
    """
    return Message(
        event,
        anomaly.site_id,
        anomaly.anomaly_type,
        anomaly.severity,
        prior_severity,
        anomaly_body(event, anomaly),
    )
