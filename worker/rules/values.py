"""The plain values that a window holds beside punches.

Instants are aware datetimes in UTC, places are degrees, distances metres.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Any, NamedTuple

from models.ids import Id
from models.schemas.punch import Punch as Punch  # what a detector reads comes from here


class Site(NamedTuple):
    site_id: Id
    name: str
    timezone: str
    latitude: float | None = None
    longitude: float | None = None
    radius_m: float | None = None
    boundary: dict[str, Any] | None = None  # GeoJSON Polygon or MultiPolygon


class Shift(NamedTuple):
    """A shift that counts. Entitled to it are `person_id` and `substitutes`; only these where the
    person had left the roster when it began.
    """

    shift_id: str
    person_id: Id
    site_id: Id
    starts_at: datetime
    ends_at: datetime
    substitutes: tuple[Id, ...] = ()
    person_left: bool = False

    @property
    def entitled(self) -> tuple[Id, ...]:
        return self.substitutes if self.person_left else (self.person_id, *self.substitutes)


class Assignment(NamedTuple):
    """That a person may be at a site, from `valid_from` to `valid_to`, both included; None is open.
    What the roster gave as a date is already a whole day at the site. Who is `roving` visits it in
    between.
    """

    person_id: Id
    site_id: Id
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    roving: bool = False

    def is_valid(self, at: datetime) -> bool:
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_to is None or at <= self.valid_to
        )


class Absence(NamedTuple):
    """That a person is on leave, or that a site has a holiday, from `since` to `until`, both
    included. A date means the whole day at the site of what it is held against.
    """

    absence_id: str
    person_id: Id | None  # of a site's absence there is none, and the other way round
    site_id: Id | None
    since: date
    until: date
    reason: str | None = None


class Merge(NamedTuple):
    """That a person counts as another from `since` on, until `until`; None is for ever."""

    person_id: Id
    since: datetime | None
    until: datetime | None
    into_id: Id

    def holds(self, at: datetime) -> bool:
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


class Device(NamedTuple):
    device_id: str
    shared: bool
    person_id: Id | None = None


class Baseline(NamedTuple):
    """A person's earlier scores by one method, in the days before a punch. `deviation` is the
    sample's.
    """

    scores: int  # how many
    mean: float
    deviation: float


class Source(NamedTuple):
    """What punches of a shift come by, and between which two of its punches the shift began."""

    device_id: str | None  # the device that its person usually punches by there; None: the site
    last: datetime  # at or before the shift's start
    next: datetime | None  # the first after it


class SpellCounts(NamedTuple):
    """How many spells began at a check-in's site in the days before it, and how many of them were
    closed there in time: the person's own, and those of all people, their own among them. Where the
    own are enough to go by, those of all need not have been counted.
    """

    own: int
    own_closed: int
    at_site: int
    at_site_closed: int


class Stretch(NamedTuple):
    """Punches of one person that follow each other without a gap, in order."""

    person_id: Id
    punches: Sequence[Punch]
    is_latest: bool = True  # no punch of the person comes after the last one


# Sort key of one person's punches: by time, check-out before check-in, a tap after both, then
# punch_id bytewise. Python compares text by code point, which is the order of its UTF-8 bytes.
in_order: Callable[[Punch], tuple[datetime, bool, bool, str]] = attrgetter(
    "occurred_at", "is_check_in", "is_tap", "punch_id"
)


def moment_of(row: Punch | Shift) -> datetime:
    """Return the moment by which a row is judged: of a punch its time, of a shift its start."""
    return row.occurred_at if isinstance(row, Punch) else row.starts_at
