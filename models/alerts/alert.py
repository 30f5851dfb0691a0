"""An alert as the table `alert` holds it: a value, which moves and time make another of."""

from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from models.ids import Id


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One row, by the names of its columns; models.tables.alerts says what they mean.

    No tuple, so that nothing rests on the order of the columns. `version` is 0 until it is saved.
    """

    tenant_id: Id
    alert_id: UUID
    person_id: Id
    site_id: Id
    anomaly_type: str
    person_name: str | None = None
    site_name: str | None = None
    device_id: str | None = None
    status: str
    severity: str
    count: int
    message: str
    first_seen: datetime
    last_seen: datetime
    correlation_id: UUID
    assigned_to: str | None = None
    escalation_step: int = 0
    escalated_to: str | None = None
    escalates_at: datetime | None = None
    relapses_at: datetime | None = None
    quiet_id: UUID | None = None
    quiet_until: datetime | None = None
    quiet_reason: str | None = None
    version: int = 0
    created_at: datetime
    updated_at: datetime
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    seconds_to_acknowledge: float | None = None
    seconds_to_resolve: float | None = None


ALERT_COLUMNS = tuple(field.name for field in fields(Alert))
