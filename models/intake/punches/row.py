"""Reading a punch: what was sent is checked, and flattened into columns of the table `punch`."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from models.ids import Id, StringId
from models.intake.content import as_json
from models.intake.flaws import flaws
from models.intake.punches.digest import content_digest
from models.intake.refused.reasons import Refused, reason, reasons_of
from models.schemas.punch import REPORTED, Punch, PunchIn, punch_of, sent_of

EARLIEST = datetime(2001, 1, 1, tzinfo=UTC)  # a clock whose battery ran out says 2000
OCCURRED_AHEAD = timedelta(hours=24)
# A clock that is ahead by more is wrong, and a `sent_at` by it counts for nothing.
SENT_AHEAD = timedelta(minutes=5)

Key = tuple[Id, str]  # tenant_id, punch_id
ContentKey = tuple[Id, str, bytes]  # tenant_id, punch_id, content_hash

# The columns of a content in the table `punch`, which has those of its receipt beside them.
COLUMNS = ("tenant_id", *REPORTED, "extra", "content_hash", "sent_at", "claimed_at")


class Row(NamedTuple):
    """One content of a punch.

    `extra` holds the unknown fields as JSON text; `content_hash` leaves out `sent_at`. A `sent_at`
    ahead of its receipt counts as the receipt; `claimed_at` is then what was sent, the latest one
    if the content came again.
    """

    tenant_id: Id
    punch: Punch
    extra: str | None
    content_hash: bytes
    sent_at: datetime | None
    claimed_at: datetime | None

    @property
    def punch_id(self) -> str:
        return self.punch.punch_id

    @property
    def key(self) -> Key:
        return self.tenant_id, self.punch.punch_id

    @property
    def content_key(self) -> ContentKey:
        return self.tenant_id, self.punch.punch_id, self.content_hash

    @property
    def names_string(self) -> bool:
        """Whether any of its ids is a string."""
        punch = self.punch
        return (
            type(self.tenant_id) is StringId
            or type(punch.person_id) is StringId
            or type(punch.site_id) is StringId
            or type(punch.biometric_person_id) is StringId
        )

    def columns(self) -> dict[str, Any]:
        """The values of COLUMNS, by name."""
        columns = self.punch._asdict()
        del columns["backfill"]
        columns["tenant_id"] = self.tenant_id
        columns["extra"] = self.extra
        columns["content_hash"] = self.content_hash
        columns["sent_at"] = self.sent_at
        columns["claimed_at"] = self.claimed_at
        return columns


def row_of(columns: Mapping[str, Any]) -> Row:
    """Return the row that these columns make, with `extra` as text; it ignores other columns."""
    punch = Punch(**{name: columns[name] for name in REPORTED})
    rest = {name: columns[name] for name in Row._fields if name != "punch"}
    return Row(punch=punch, **rest)


_validate = PunchIn.__pydantic_validator__.validate_python


def read_punch(content: object, received_at: datetime) -> Row:
    """Return the row that `content` makes. Raises Refused with all reasons why it is no punch."""
    try:
        sent: Any = _validate(content)
    except ValidationError as error:
        raise Refused(reasons_of(error)) from error
    if not EARLIEST <= sent.occurred_at <= received_at + OCCURRED_AHEAD:
        raise Refused([_implausible])
    punch = punch_of(sent)
    extra = _extra(sent.model_extra, sent.biometric and sent.biometric.model_extra)
    digest = content_digest(sent.tenant_id, punch, extra)
    return Row(sent.tenant_id, punch, extra, digest, *when_sent(sent.sent_at, received_at))


def when_sent(
    sent_at: datetime | None, received_at: datetime
) -> tuple[datetime | None, datetime | None]:
    """Return the moment that counts as sent, and the claimed one where that is ahead, else None.

    What is ahead of the receipt counts as the receipt.
    """
    is_ahead = sent_at is not None and sent_at > received_at + SENT_AHEAD
    return (received_at, sent_at) if is_ahead else (sent_at, None)


_implausible = reason(
    "implausible_time",
    "occurred_at",
    "is before 2001, or more than 24 hours ahead of its receipt; set the clock of the device right",
)


def _extra(fields: dict[str, Any] | None, biometric_fields: dict[str, Any] | None) -> str | None:
    """Return unknown fields as JSON, those of the biometric object under its name."""
    if not fields and not biometric_fields:
        return None
    extra = {**(fields or {}), **({"biometric": biometric_fields} if biometric_fields else {})}
    reasons = [flaw for name, value in extra.items() for flaw in flaws({name: value}, name)]
    if reasons:
        raise Refused(reasons)
    return as_json(extra).decode()


def content_of(row: Row) -> dict[str, Any]:
    """Return the punch as its sender wrote it, but for spelling. Table punch_revision keeps it."""
    extra = orjson.loads(row.extra or "{}")
    sent = sent_of(row.punch) | {"tenant_id": row.tenant_id}
    if row.sent_at is not None:
        sent["sent_at"] = row.sent_at
    if biometric := sent.get("biometric", {}) | extra.pop("biometric", {}):
        sent["biometric"] = biometric
    return {**extra, **sent}
