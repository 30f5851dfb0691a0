"""A punch as it is stored: what was sent, checked and flattened into the columns of the table `punch`."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from models.intake.content import as_json, digest
from models.intake.flaws import flaws
from models.intake.refused.reasons import Reason, reason, reasons_of
from models.schemas.punch import Biometric, Punch

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(hours=24)
# By more a clock is wrong: from then on what it says of the time of sending counts for nothing.
SENT_AHEAD = timedelta(minutes=5)


Key = tuple[int, str]  # tenant_id, punch_id
ContentKey = tuple[int, str, bytes]  # and content_hash


class Row(NamedTuple):
    """One content of a punch. `extra` holds the unknown fields as JSON text; `content_hash` leaves out `sent_at`.

    A `sent_at` ahead of its receipt counts as the receipt; `claimed_at` is then what was sent, the latest if it came again.
    """

    tenant_id: int
    punch_id: str
    person_id: int
    site_id: int
    is_check_in: bool
    occurred_at: datetime
    person_name: str | None
    latitude: float | None
    longitude: float | None
    accuracy_m: float | None
    is_mock_location: bool | None
    device_id: str | None
    biometric_method: str | None
    biometric_score: float | None
    biometric_liveness: float | None
    biometric_person_id: int | None
    extra: str | None
    content_hash: bytes
    sent_at: datetime | None
    claimed_at: datetime | None

    @property
    def key(self) -> Key:
        return self.tenant_id, self.punch_id

    @property
    def content_key(self) -> ContentKey:
        return self.tenant_id, self.punch_id, self.content_hash


class Refused(Exception):
    """What was sent cannot be accepted."""

    def __init__(self, reasons: list[Reason]) -> None:
        super().__init__(reasons)
        self.reasons = reasons


_NO_BIOMETRIC = Biometric()
_validate = Punch.__pydantic_validator__.validate_python


def read_punch(content: object, received_at: datetime) -> Row:
    """The row that `content` makes. Raises Refused with all reasons why it is no punch."""
    try:
        punch = _validate(content)
    except ValidationError as error:
        raise Refused(reasons_of(error)) from error
    if not EARLIEST <= punch.occurred_at <= received_at + AHEAD:
        raise Refused([_implausible])
    biometric = punch.biometric or _NO_BIOMETRIC
    values = (
        punch.tenant_id,
        punch.punch_id,
        punch.person_id,
        punch.site_id,
        punch.kind == "check_in",
        punch.occurred_at,
        punch.person_name,
        punch.latitude,
        punch.longitude,
        punch.accuracy_m,
        punch.is_mock_location,
        punch.device_id,
        biometric.method,
        biometric.score,
        biometric.liveness,
        biometric.matched_person_id,
        _extra(punch.model_extra, biometric.model_extra),
    )
    return Row(*values, digest(orjson.dumps(values)), *when_sent(punch.sent_at, received_at))


def when_sent(sent_at: datetime | None, received_at: datetime) -> tuple[datetime | None, datetime | None]:
    """When it counts as sent; and what was claimed, if that is ahead of the receipt and so counts as the receipt."""
    is_ahead = sent_at is not None and sent_at > received_at + SENT_AHEAD
    return (received_at, sent_at) if is_ahead else (sent_at, None)


_implausible = reason(
    "implausible_time", "occurred_at", "is before 2000, or more than 24 hours ahead of its receipt; set the clock of the device right"
)


def _extra(fields: dict[str, Any] | None, biometric_fields: dict[str, Any] | None) -> str | None:
    """Unknown fields as JSON; those of the biometric object under its name."""
    if not fields and not biometric_fields:
        return None
    extra = {**(fields or {}), **({"biometric": biometric_fields} if biometric_fields else {})}
    found = [flaw for name, value in extra.items() for flaw in flaws({name: value}, name)]
    if found:
        raise Refused(found)
    return as_json(extra).decode()


def content_of(row: Row) -> dict[str, Any]:
    """The punch as its sender wrote it, but for spelling: what punch_revision and the record keep."""
    fields = row._asdict()
    biometric = {name: fields.pop(f"biometric_{name}") for name in ("method", "score", "liveness")}
    biometric["matched_person_id"] = fields.pop("biometric_person_id")
    extra = orjson.loads(fields.pop("extra") or "{}")
    biometric |= extra.pop("biometric", {})
    fields["kind"] = "check_in" if fields.pop("is_check_in") else "check_out"
    del fields["content_hash"], fields["claimed_at"]
    given = {name: value for name, value in fields.items() if value is not None}
    biometric = {name: value for name, value in biometric.items() if value is not None}
    return {**extra, **given, **({"biometric": biometric} if biometric else {})}
