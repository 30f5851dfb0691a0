"""The kinds of roster rows: the name they come under, their key, and what they hold."""

from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from models.schemas.roster import (
    AssignmentIn,
    DeviceIn,
    PersonIn,
    RosterRow,
    ShiftIn,
    SiteIn,
    TenantIn,
)

Columns = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Kind(NamedTuple):
    """A kind of roster rows.

    `blank` has the values of fields that a new row does not bring. Those in `required` it must
    bring; their values there are for a row that remembers the removal of what never came.
    """

    section: str  # its name in the roster
    table: str
    model: type[RosterRow]
    key: tuple[str, ...]  # after tenant_id
    required: Columns
    blank: Columns

    @property
    def columns(self) -> tuple[str, ...]:
        return *self.key, *self.required, *self.blank, "sent_at", "deleted", "extra"


TENANT = Kind(
    "tenant", "tenant", TenantIn, (), {"name": ""}, {"roster_complete": True, "policy": {}}
)

SITE = Kind(
    "sites",
    "site",
    SiteIn,
    ("site_id",),
    {"name": "", "timezone": "UTC"},
    {"latitude": None, "longitude": None, "radius_m": None, "boundary": None, "policy": {}},
)
PERSON = Kind("people", "person", PersonIn, ("person_id",), {"name": ""}, {})
DEVICE = Kind("devices", "device", DeviceIn, ("device_id",), {"shared": False}, {"person_id": None})
ASSIGNMENT = Kind(
    "assignments",
    "assignment",
    AssignmentIn,
    ("person_id", "site_id", "valid_from_key"),
    {},
    {"valid_from": None, "valid_from_date": None, "valid_to": None, "valid_to_date": None},
)
SHIFT = Kind(
    "shifts",
    "shift",
    ShiftIn,
    ("shift_id",),
    {"person_id": 0, "site_id": 0, "starts_at": EPOCH, "ends_at": EPOCH},
    {"substitutes": [], "cancelled": False},
)
SECTIONS = (SITE, PERSON, DEVICE, ASSIGNMENT, SHIFT)


def key_of(kind: Kind, row: RosterRow) -> tuple[Any, ...]:
    columns = sent_columns(kind, row)
    return tuple(columns[name] for name in kind.key)


def sent_columns(kind: Kind, row: RosterRow) -> Columns:
    """Return the columns that the row brings, null where they are to be cleared."""
    fields = {
        name: getattr(row, name)
        for name in row.model_fields_set & (type(row).model_fields.keys() - {"tenant_id"})
    }
    if kind is ASSIGNMENT:
        fields["valid_from"] = fields.get("valid_from")
        fields["valid_from_key"] = _spelled(fields["valid_from"])
        return {
            column: value
            for name, moment in fields.items()
            for column, value in _split(name, moment).items()
        }
    return fields


def _spelled(moment: date | None) -> str:
    return moment.isoformat() if moment else ""


def _split(name: str, value: Any) -> Columns:
    """Return the columns of a field: one that may be a date or a moment has one for each."""
    if name not in ("valid_from", "valid_to"):
        return {name: value}
    is_instant = isinstance(value, datetime)
    return {name: value if is_instant else None, f"{name}_date": None if is_instant else value}
