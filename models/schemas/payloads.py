"""The payload of every event that viewers get. They are sent exactly as these models have them.

A `...Body` is a payload before the feed has given it a position; with one it is a `...Payload`.
Validate with `TypeAdapter(AlertPayload).validate_json(text)`, describe with its `json_schema()`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args
from uuid import UUID

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from models.ids import Id
from models.vocabulary import AlertStatus, AnomalyStatus, AnomalyType, Severity

AlertEvent = Literal["alert_created", "alert_updated"]
PublishedEvent = Literal["finding_created", "ticket_updated"]  # what an application may publish
ResyncReason = Literal["too_old", "other_history", "ahead_of_feed", "slow_viewer", "scope_changed"]

_INSTANT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"
_is_instant = re.compile(_INSTANT).match


def instant_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def _written(value: object) -> object:
    """Allow no other way to write a moment than the one that ends in Z."""
    if isinstance(value, datetime) or (isinstance(value, str) and _is_instant(value)):
        return value
    raise ValueError("is no ISO 8601 in UTC that ends in Z")


Instant = Annotated[
    datetime,
    BeforeValidator(_written),
    Field(description="ISO 8601, UTC", strict=False, json_schema_extra={"pattern": _INSTANT}),
]
Share = Annotated[float, Field(ge=0, le=1)]
Position = Annotated[int, Field(ge=1, description="Counts the tenant's messages.")]

_CLOSED: ConfigDict = {"extra": "forbid", "strict": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyBody:
    """An anomaly. `timestamp` is when it was detected.

    `evidence` names only the anomaly's own site; what names others never goes to viewers.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    type: Literal["anomaly_detected", "anomaly_updated"]
    anomaly_id: UUID
    person_id: Id
    person_name: str | None
    site_id: Id
    site_name: str | None
    anomaly_type: AnomalyType
    fraud_score: Share
    severity: Severity
    timestamp: Instant
    tenant_id: Id
    occurred_at: Instant
    punch_id: str | None
    shift_id: str | None
    confidence: Share
    status: AnomalyStatus
    reason: str
    explanation: str
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyPayload(AnomalyBody):
    """`anomaly_detected` and `anomaly_updated`."""

    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertBody:
    """An alert, with what an operator's desk needs. `timestamp` is when it last changed."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    type: AlertEvent
    alert_id: UUID
    status: AlertStatus
    severity: Annotated[Severity, Field(description="The gravest of its anomalies so far.")]
    anomaly_type: AnomalyType
    person_id: Id
    person_name: str | None
    site_id: Id
    site_name: str | None
    count: Annotated[int, Field(ge=1, description="Anomalies that came to it.")]
    first_seen: Instant
    last_seen: Instant
    assigned_to: str | None
    message: str
    timestamp: Instant
    tenant_id: Id
    version: Annotated[
        int,
        Field(ge=1, description="Named by a move, it must be the alert's still."),
    ]
    correlation_id: UUID
    escalation_step: Annotated[int, Field(ge=0)]
    escalated_to: str | None
    escalates_at: Instant | None
    quiet_reason: str | None
    quiet_until: Instant | None
    acknowledged_at: Instant | None
    resolved_at: Instant | None
    seconds_to_acknowledge: float | None
    seconds_to_resolve: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPayload(AlertBody):
    """`alert_created` and `alert_updated`."""

    position: Position


class PublishedPayload(BaseModel):
    """`finding_created` and `ticket_updated`: what an application published, under these fields."""

    model_config = ConfigDict(extra="allow", strict=True)

    type: PublishedEvent
    tenant_id: Id
    site_id: Id | None
    severity: Severity | None
    timestamp: Instant
    position: Position


FeedPayload = Annotated[
    AnomalyPayload | AlertPayload | PublishedPayload,
    Field(discriminator="type"),
]
FilterObject = dict[Literal["types", "severities", "sites"], list[AnomalyType | Severity | Id]]
if TYPE_CHECKING:  # JSON already, which goes into the snapshot as it is
    Recent = list[orjson.Fragment]
else:
    Recent = list[FeedPayload]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPayload:
    """How things stand at `position`: `recent` newest first, `open_alerts` by severity."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    type: Literal["snapshot"] = "snapshot"
    tenant_id: Id
    position: Annotated[int, Field(ge=0)]
    recent: Recent
    open_alerts: dict[Severity, int]
    filter: FilterObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ResyncPayload:
    """What is shown may have a hole: a snapshot follows."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    type: Literal["resync"] = "resync"
    reason: ResyncReason


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenExpiredPayload:
    """The token's time, `exp` in seconds since 1970, is over: the connection ends."""

    __pydantic_config__: ClassVar[ConfigDict] = _CLOSED

    type: Literal["token_expired"] = "token_expired"
    exp: int


# The payload of everything that a viewer can be told, by the name of the event.
PAYLOADS: dict[str, Any] = {
    "anomaly_detected": AnomalyPayload,
    "anomaly_updated": AnomalyPayload,
    **dict.fromkeys(get_args(AlertEvent), AlertPayload),
    **dict.fromkeys(get_args(PublishedEvent), PublishedPayload),
    "snapshot": SnapshotPayload,
    "resync": ResyncPayload,
    "token_expired": TokenExpiredPayload,
}


def anomaly_status(standing: bool, shadow: bool, review: str | None) -> str:
    """Return the state as viewers see it: in shadow, an anomaly that they know is withdrawn."""
    return "WITHDRAWN" if shadow or not standing else review or "DETECTED"


def body_text(body: object) -> str:
    """Return the dataclass of a payload as JSON text. Its moments are in UTC, and end in Z."""
    return orjson.dumps(body, option=orjson.OPT_UTC_Z).decode()


_TEXT_OF: dict[type, Callable[[Any], str]] = {datetime: instant_text, UUID: str}


def json_value(value: Any) -> Any:
    """The value as it stands in a payload's JSON, where an id or a moment is text."""
    text_of = _TEXT_OF.get(type(value))
    return text_of(value) if text_of else value


def in_utc(value: Any) -> Any:
    """Return a moment in UTC, whatever offset the database's session has; any other value as is."""
    return value.astimezone(UTC) if isinstance(value, datetime) else value
