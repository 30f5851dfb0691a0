"""What a day is made of: punches, shifts and visits; and what a planted fraud expects to be found."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from dev.simulator.company import Person, Site


class Fix(NamedTuple):
    """A position as a device tells it: degrees, and the radius in metres it claims to be right
    within at 68 %, or None.
    """

    latitude: float
    longitude: float
    accuracy_m: float | None


@dataclass
class Punch:
    """A punch before it is sent. `arrives` is when the existing app hands it in."""

    punch_id: str
    person_id: int
    person_name: str
    site_id: int
    kind: str
    at: datetime
    arrives: datetime
    device_id: str | None = None
    fix: Fix | None = None
    is_mock_location: bool | None = None
    biometric: dict[str, Any] | None = None

    def contract(self, tenant_id: int) -> dict[str, Any]:
        """As `attendance.submit` takes it; what is not known is left out."""
        row: dict[str, Any] = {
            "punch_id": self.punch_id,
            "tenant_id": tenant_id,
            "person_id": self.person_id,
            "person_name": self.person_name,
            "site_id": self.site_id,
            "kind": self.kind,
            "occurred_at": self.at.isoformat(),
            "device_id": self.device_id,
            "is_mock_location": self.is_mock_location,
            "biometric": self.biometric,
        }
        row |= self.fix._asdict() if self.fix else {}
        return {name: value for name, value in row.items() if value is not None}


@dataclass
class Shift:
    shift_id: str
    person_id: int
    site_id: int
    starts_at: datetime
    ends_at: datetime
    substitutes: tuple[int, ...] = ()
    cancelled: bool = False

    def contract(self) -> dict[str, Any]:
        return {
            "shift_id": self.shift_id,
            "person_id": self.person_id,
            "site_id": self.site_id,
            "starts_at": self.starts_at.isoformat(),
            "ends_at": self.ends_at.isoformat(),
            "substitutes": list(self.substitutes),
            "cancelled": self.cancelled,
        }


@dataclass
class Visit:
    """One person's stay at a site for a shift, or for two on end. `touched`: a planter has used it."""

    person: Person
    site: Site
    shifts: list[Shift]
    punches: list[Punch] = field(default_factory=list)
    touched: bool = False

    @property
    def check_in(self) -> Punch:
        return self.punches[0]

    @property
    def starts_at(self) -> datetime:
        return self.shifts[0].starts_at

    @property
    def ends_at(self) -> datetime:
        return self.shifts[-1].ends_at


class Expected(NamedTuple):
    """What must be found: on a punch or a shift (the other is ''). Not `lasting`: said at some
    time, and withdrawn later.
    """

    anomaly_type: str
    reason: str
    punch_id: str = ""
    shift_id: str = ""
    lasting: bool = True
