"""A punch: what is judged of it, and how a clock, phone or kiosk reports it.

`Punch` is the one place that names what a punch holds. `PunchIn`, which is made from it, checks
what is sent; the columns of the same names store it (models.tables.punches).
"""

from collections.abc import Mapping
from operator import attrgetter
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, get_type_hints

from pydantic import BeforeValidator, ConfigDict, Field, create_model

from models.schemas.fields import DeviceId, Id, Incoming, Instant, Share, Text, TextId

# How many punches one call may submit.
MOST_PUNCHES = 10_000


def _measured(accuracy: object) -> object:
    """Return None for -1, which iOS sends where it has no place: it is no accuracy."""
    return None if type(accuracy) in (int, float) and accuracy == -1 else accuracy


Accuracy = Annotated[
    Annotated[float, Field(ge=0)] | None,
    BeforeValidator(_measured),
    Field(description="Metres, 68 %; -1 is the same as none."),
]
Method = Literal["face", "fingerprint", "iris", "card", "pin"]


class Punch(NamedTuple):
    """One check-in, check-out or tap, as it is judged. Degrees and metres.

    Each field is a column. `is_check_in` and `is_tap` are sent as `kind`, `backfill` is not sent,
    and all others are: under the same name, or, where that begins with `biometric_`, within the
    object `biometric`. A new one needs a default.
    """

    punch_id: TextId
    person_id: Id
    site_id: Id
    is_check_in: bool
    occurred_at: Instant
    person_name: Text | None = None
    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: Accuracy = None
    is_mock_location: bool | None = None
    device_id: DeviceId | None = None
    biometric_method: Method | None = None
    biometric_score: Share | None = None
    biometric_liveness: Share | None = None
    biometric_person_id: Id | None = None
    backfill: bool = False
    # Presence of which the clock does not tell a direction. `is_check_in` holds of it as well.
    is_tap: bool = False


REPORTED = tuple(name for name in Punch._fields if name != "backfill")
# The columns of what is sent within `biometric`, by the name it has there.
_PREFIX = "biometric_"
_SENT_AS = {"biometric_person_id": "matched_person_id"}
BIOMETRIC = {
    _SENT_AS.get(column, column.removeprefix(_PREFIX)): column
    for column in REPORTED
    if column.startswith(_PREFIX)
}
# The columns that `kind` is stored in.
KIND = ("is_check_in", "is_tap")
# The columns of what is sent beside both, under their own names.
FLAT = tuple(name for name in REPORTED if not name.startswith(_PREFIX) and name not in KIND)

_HINTS = get_type_hints(Punch, include_extras=True)


def _fields(columns: Mapping[str, str]) -> dict[str, Any]:
    """Return the type and default of what is sent, by the name it is sent under."""
    defaults = Punch._field_defaults
    return {sent: (_HINTS[column], defaults.get(column, ...)) for sent, column in columns.items()}


class _Sent(Incoming):
    model_config = ConfigDict(title="Punch")

    backfill: ClassVar[bool] = False  # a call is a backfill, never a single punch

    @property
    def is_check_in(self) -> bool:
        kind: str = self.kind  # type: ignore[attr-defined]  # declared below
        return kind != "check_out"

    @property
    def is_tap(self) -> bool:
        kind: str = self.kind  # type: ignore[attr-defined]  # declared below
        return kind == "tap"


Biometric = create_model(
    "Biometric",
    __base__=Incoming,
    __doc__="What the reader made of the person: `score` of the match and `liveness`, 0 to 1,"
    " and whom it took them for.",
    **_fields(BIOMETRIC),
)

# Errors are told in this order.
_SENT: dict[str, Any] = {
    "punch_id": (TextId, ...),
    "tenant_id": (Id, ...),
    "person_id": (Id, ...),
    "site_id": (Id, ...),
    "kind": (
        Annotated[
            Literal["check_in", "check_out", "tap"],
            Field(description="`tap` where the clock does not tell which of the two it was."),
        ],
        ...,
    ),
    **_fields({name: name for name in FLAT if name not in ("punch_id", "person_id", "site_id")}),
    "biometric": (Biometric | None, None),
    "schema_version": (Annotated[int, Field(ge=1, le=1)] | None, 1),
    "sent_at": (Instant | None, None),
}
PunchIn = create_model(
    "PunchIn",
    __base__=_Sent,
    __doc__="One check-in, check-out or tap. Degrees and metres; impossible coordinates are for"
    " detection, so any finite number passes.",
    **_SENT,
)

# Where each column is found in what was sent. Without a `biometric`, its None is the value of all.
_PLACES = {column: f"biometric.{sent}" for sent, column in BIOMETRIC.items()}
_read = attrgetter(*(_PLACES.get(column, column) for column in Punch._fields))
_read_without = attrgetter(*("biometric" if c in _PLACES else c for c in Punch._fields))


def punch_of(sent: Any) -> Punch:
    """Return the punch that a valid PunchIn reports."""
    return Punch._make((_read_without if sent.biometric is None else _read)(sent))


def kind_of(punch: Punch) -> str:
    """Return the `kind` that the punch was sent with."""
    if punch.is_tap:
        return "tap"
    return "check_in" if punch.is_check_in else "check_out"


def sent_of(punch: Punch) -> dict[str, Any]:
    """Return the punch as its sender wrote it, without fields that were not given."""
    biometric = _without_nulls({sent: getattr(punch, column) for sent, column in BIOMETRIC.items()})
    return _without_nulls(
        {
            **{name: getattr(punch, name) for name in FLAT},
            "kind": kind_of(punch),
            "biometric": biometric or None,
        }
    )


def _without_nulls(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
