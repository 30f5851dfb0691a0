"""The parts of a day: punches, shifts, absences, visits; and what is expected of a fraud."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from dev.simulator.company import Person, Site


class Fix(NamedTuple):
    """A position as a device reports it, in degrees. With a chance of 68 % it claims to be right
    within `accuracy_m` metres; None claims nothing.
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
        """The punch as `attendance.submit` takes it; what is not known is left out."""
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
        """The shift as `roster.sync` takes it."""
        return {
            "shift_id": self.shift_id,
            "person_id": self.person_id,
            "site_id": self.site_id,
            "starts_at": self.starts_at.isoformat(),
            "ends_at": self.ends_at.isoformat(),
            "substitutes": list(self.substitutes),
            "cancelled": self.cancelled,
        }


class Absence(NamedTuple):
    """A day of leave, by the clocks of wherever the person would have been."""

    absence_id: str
    person_id: int
    day: date

    def contract(self) -> dict[str, Any]:
        """The absence as `roster.sync` takes it."""
        day = self.day.isoformat()
        return {
            "absence_id": self.absence_id,
            "person_id": self.person_id,
            "from": day,
            "to": day,
            "reason": "annual leave",
        }


@dataclass
class Visit:
    """One person's stay at a site for a shift, or for two on end. It is `touched` once a planter
    has used it.
    """

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
    """An anomaly that must be found, on a punch or a shift (the id of the other is ''). One that is
    not `lasting` must be said at some time, and withdrawn later.
    """

    anomaly_type: str
    reason: str
    punch_id: str = ""
    shift_id: str = ""
    lasting: bool = True
