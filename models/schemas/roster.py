"""A roster: what was planned.

Every field but the key may be left out, which keeps its value; null clears it.
"""

from datetime import timedelta
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from models.schemas.boundary import check_boundary
from models.schemas.fields import DateOrInstant, DeviceId, Id, Incoming, Instant, Name, TextId

# Judging looks no further back for a shift that a punch may belong to. No law lets a person work
# for a week on end.
LONGEST_SHIFT = timedelta(days=7)

_ZONES = frozenset(available_timezones()) - {"Factory", "localtime"}


def _check_zone(name: str) -> str:
    if name not in _ZONES:
        raise PydanticCustomError(
            "unknown_timezone",
            "is no time zone of the IANA database; write one such as Europe/Berlin",
        )
    return name


def _normal_boundary(boundary: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    return check_boundary(boundary, info.context)


def _unique(ids: list[int]) -> list[int]:
    return sorted(set(ids))


class RosterRow(Incoming):
    """The base of all rows. `model_fields_set` tells a field left out from one set to null.

    A correction says that it was never otherwise.
    """

    deleted: bool = False
    correction: bool = False


class PastRow(RosterRow):
    """The base of rows that have a past: what they say holds from `effective_from` on.

    A date means its start at the site, for rows of other kinds in UTC.
    """

    effective_from: DateOrInstant | None = None


class TenantIn(PastRow):
    tenant_id: Id
    name: Name = ""
    roster_complete: bool = True
    policy: dict[str, Any] | None = None


class SiteIn(PastRow):
    """A site: its place in degrees, its radius in metres.

    The boundary is an area as GeoJSON, here in its normal form, and counts instead of the radius.
    """

    site_id: Id
    name: Name = ""
    timezone: Annotated[str, AfterValidator(_check_zone)] = ""
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    radius_m: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    boundary: Annotated[dict[str, Any], AfterValidator(_normal_boundary)] | None = None
    policy: dict[str, Any] | None = None


class PersonIn(PastRow):
    """While somebody is merged into another, what is said of either is the other's."""

    person_id: Id
    name: Name = ""
    merged_into: Id | None = None


class DeviceIn(PastRow):
    device_id: DeviceId
    shared: bool = False
    person_id: Id | None = None


class AssignmentIn(RosterRow):
    """Ends are included. A date means the whole day at the site.

    Who is roving there visits it in between: supervisors on their rounds, patrols.
    """

    person_id: Id
    site_id: Id
    valid_from: DateOrInstant | None = None
    valid_to: DateOrInstant | None = None
    roving: bool | None = None


class ShiftIn(RosterRow):
    """The substitutes are entitled to the shift as well."""

    shift_id: TextId
    person_id: Id = 0
    site_id: Id = 0
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    substitutes: Annotated[list[Id], Field(max_length=1_000), AfterValidator(_unique)] | None = None
    cancelled: bool = False


class AbsenceIn(RosterRow):
    """Leave of a person, or a holiday of a site. Ends are included. A date means the whole day at
    the site of the shift, or of the check-in, that it is held against.
    """

    absence_id: TextId
    person_id: Id | None = None
    site_id: Id | None = None
    absent_from: Annotated[DateOrInstant | None, Field(alias="from")] = None
    absent_to: Annotated[DateOrInstant | None, Field(alias="to")] = None
    reason: Name | None = None


class TenantOnly(Incoming):
    """The tenant of a roster, as far as the whole roster depends on it."""

    tenant_id: Id


class Envelope(Incoming):
    """The least that a roster must have. Its rows are checked one by one."""

    tenant: TenantOnly
    sent_at: Instant | None = None
