"""The kinds of roster rows: the name they come under, their key, and what they hold."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from models.schemas.fields import id_fields
from models.schemas.roster import (
    AbsenceIn,
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
    bring; their values there are for a row that remembers the removal of what never came. A kind
    whose rows have a past has versions with the columns `past`, and its columns `throughout` have
    none. Rows of other kinds have `marks` instead, which intake works out. The columns `counted`
    hold people as they are merged; columns with `said_` before their names hold what was said,
    where it is another.
    """

    section: str  # its name in the roster
    table: str
    model: type[RosterRow]
    key: tuple[str, ...]  # after tenant_id
    required: Columns
    blank: Columns
    past: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()
    throughout: tuple[str, ...] = ()
    marks: Mapping[str, Any] = MappingProxyType({})
    counted: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        fields = *self.key, *self.required, *self.blank, *self.marks
        return *fields, "sent_at", "deleted", "extra"

    @property
    def ids_beside_key(self) -> tuple[str, ...]:
        """The fields that are ids of tenants, people or sites, and no part of the key."""
        return tuple(name for name in id_fields(self.model) if name not in self.key)


TENANT = Kind(
    "tenant",
    "tenant",
    TenantIn,
    (),
    {"name": ""},
    {"roster_complete": True, "policy": {}},
    past=("name", "policy"),
    unjudged=("name",),
    throughout=("roster_complete",),
)

SITE = Kind(
    "sites",
    "site",
    SiteIn,
    ("site_id",),
    {"name": "", "timezone": "UTC"},
    {"latitude": None, "longitude": None, "radius_m": None, "boundary": None, "policy": {}},
    past=("name", "latitude", "longitude", "radius_m", "boundary", "policy"),
    throughout=("timezone",),
)
PERSON = Kind(
    "people",
    "person",
    PersonIn,
    ("person_id",),
    {"name": ""},
    {"merged_into": None},
    past=("name", "merged_into"),
)
DEVICE = Kind(
    "devices",
    "device",
    DeviceIn,
    ("device_id",),
    {"shared": False},
    {"person_id": None},
    past=("shared", "person_id"),
)
ASSIGNMENT = Kind(
    "assignments",
    "assignment",
    AssignmentIn,
    ("person_id", "site_id", "valid_from_key"),
    {},
    {
        "valid_from": None,
        "valid_from_date": None,
        "valid_to": None,
        "valid_to_date": None,
        "roving": False,
    },
    marks={
        "said_at": None,
        "fields_said_at": None,
        "ended_at": None,
        "never_was": False,
    },
)
SHIFT = Kind(
    "shifts",
    "shift",
    ShiftIn,
    ("shift_id",),
    {"person_id": 0, "site_id": 0, "starts_at": EPOCH, "ends_at": EPOCH},
    {"substitutes": [], "cancelled": False},
    marks={
        "said_at": None,
        "fields_said_at": None,
        "removed_at": None,
        "removed_as_correction": False,
        "person_left": False,
        "standing": False,
    },
    counted=("person_id", "substitutes"),
)
ABSENCE = Kind(
    "absences",
    "absence",
    AbsenceIn,
    ("absence_id",),
    {},
    {
        "person_id": None,
        "site_id": None,
        "absent_from": None,
        "absent_from_date": None,
        "absent_to": None,
        "absent_to_date": None,
        "reason": None,
    },
    marks={"said_at": None, "fields_said_at": None, "removed_at": None, "standing": False},
)
WITH_PAST = (SITE, PERSON, DEVICE)
PLANNED = (ASSIGNMENT, SHIFT, ABSENCE)
# Fields that may be a date or a moment.
_MOMENTS = {"valid_from", "valid_to", "absent_from", "absent_to"}
# What a row says of itself, and not of what it is about.
_OF_ROW = {"tenant_id", "deleted", "correction", "effective_from"}


def key_of(kind: Kind, row: RosterRow) -> tuple[Any, ...]:
    if kind is ASSIGNMENT:
        columns = sent_columns(kind, row)
        return tuple(columns[name] for name in kind.key)
    return tuple(getattr(row, name) for name in kind.key)


def sent_columns(kind: Kind, row: RosterRow) -> Columns:
    """Return the columns that the row brings, null where they are to be cleared."""
    fields = {name: getattr(row, name) for name in row.model_fields_set & _fields(type(row))}
    if kind is ASSIGNMENT:
        fields["valid_from"] = fields.get("valid_from")
        fields["valid_from_key"] = _spelled(fields["valid_from"])
    return {
        column: value
        for name, moment in fields.items()
        for column, value in _split(name, moment).items()
    }


@cache
def _fields(model: type[RosterRow]) -> frozenset[str]:
    return frozenset(model.model_fields.keys() - _OF_ROW)


def _spelled(moment: date | None) -> str:
    return moment.isoformat() if moment else ""


def _split(name: str, value: Any) -> Columns:
    """Return the columns of a field: one that may be a date or a moment has one for each."""
    if name not in _MOMENTS:
        return {name: value}
    is_instant = isinstance(value, datetime)
    return {name: value if is_instant else None, f"{name}_date": None if is_instant else value}
