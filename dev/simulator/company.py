"""The company: its people, sites and clocks, and its roster as the contract's `roster.sync` takes
it.
"""

import random
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from dev.simulator.places import Block, City, moved, spot_in_block, spot_in_circle


class Phone(NamedTuple):
    """A personal phone. A `cache_share` (0..1) of its fixes repeat the one before; some phones
    claim no accuracy.
    """

    device_id: str
    cache_share: float
    claims_accuracy: bool


@dataclass(frozen=True)
class Site:
    """A site with a circular fence, or with one of rectangular blocks (a polygon, or several). Its
    kiosks are shared.
    """

    site_id: int
    name: str
    city: City
    latitude: float
    longitude: float
    rota: str
    radius_m: float | None
    blocks: tuple[Block, ...]
    kiosks: tuple[str, ...]
    kiosks_declared: bool
    kiosk_method: str  # face, fingerprint, or card, which has no score
    kiosk_tells_place: bool

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.city.zone)

    @property
    def place(self) -> tuple[float, float]:
        return self.latitude, self.longitude

    @property
    def extent_m(self) -> float:
        """A distance from the site's place, in metres, beyond which no ground of the site lies."""
        corners = (abs(b.east) + b.half_width + abs(b.north) + b.half_height for b in self.blocks)
        return self.radius_m or max(corners)

    def spot(self, rng: random.Random, share: float = 0.75) -> tuple[float, float]:
        """Choose a point well within the fence, as latitude and longitude."""
        if self.radius_m:
            east, north = spot_in_circle(rng, self.radius_m * share)
        else:
            east, north = spot_in_block(rng, rng.choice(self.blocks), share)
        return moved(self.latitude, self.longitude, east, north)

    def contract(self) -> dict[str, Any]:
        """The site as the contract has it."""
        row = {"site_id": self.site_id, "name": self.name, "timezone": self.city.zone}
        row |= {"latitude": self.latitude, "longitude": self.longitude}
        return row | (
            {"radius_m": self.radius_m} if self.radius_m else {"boundary": self._boundary()}
        )

    def _boundary(self) -> dict[str, Any]:
        rings = [[self._ring(block)] for block in self.blocks]
        if len(rings) == 1:
            return {"type": "Polygon", "coordinates": rings[0]}
        return {"type": "MultiPolygon", "coordinates": rings}

    def _ring(self, block: Block) -> list[list[float]]:
        corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
        points = (
            moved(
                self.latitude,
                self.longitude,
                block.east + x * block.half_width,
                block.north + y * block.half_height,
            )
            for x, y in corners
        )
        return [[longitude, latitude] for latitude, longitude in points]


@dataclass(frozen=True)
class Person:
    """One of the people. `crew` says where in the site's rota the person stands. `sites` are those
    of the assignments, the person's home first.
    """

    person_id: int
    name: str
    role: str  # staff, relief (covers for others), rover (several sites a day)
    crew: int
    sites: tuple[int, ...]
    phone: Phone | None  # None: uses the kiosk
    phone_reads_faces: bool
    likeness: tuple[float, float]  # mean and standard deviation of the biometric scores
    punches_breaks: bool
    # worn fingertips, glasses: every now and then a read fails that was kept
    reads_poorly: bool = False

    @property
    def home(self) -> int:
        return self.sites[0]


@dataclass(frozen=True)
class Company:
    tenant_id: int
    name: str
    seed: int
    sites: dict[int, Site]
    people: dict[int, Person]
    policy: dict[str, Any] = field(default_factory=dict)

    def staff_of(self, site_id: int, role: str = "staff") -> list[Person]:
        return [
            person
            for person in self.people.values()
            if person.role == role and site_id in person.sites
        ]

    def neighbours(self, site_id: int) -> list[Site]:
        """The other sites of the same city, each less than an hour away."""
        home = self.sites[site_id]
        return [site for site in self.sites.values() if site.city == home.city and site != home]

    def roster(self) -> dict[str, Any]:
        """The roster without the shifts, which come by the day."""
        return {
            "tenant": {
                "tenant_id": self.tenant_id,
                "name": self.name,
                "roster_complete": True,
                "policy": self.policy,
            },
            "sites": [site.contract() for site in self.sites.values()],
            "people": [
                {"person_id": person.person_id, "name": person.name}
                for person in self.people.values()
            ],
            "devices": [*self._kiosks(), *self._phones()],
            "assignments": [
                {"person_id": person.person_id, "site_id": site}
                for person in self.people.values()
                for site in person.sites
            ],
        }

    def _kiosks(self) -> list[dict[str, Any]]:
        declared = (site for site in self.sites.values() if site.kiosks_declared)
        return [{"device_id": kiosk, "shared": True} for site in declared for kiosk in site.kiosks]

    def _phones(self) -> list[dict[str, Any]]:
        return [
            {
                "device_id": person.phone.device_id,
                "shared": False,
                "person_id": person.person_id,
            }
            for person in self.people.values()
            if person.phone
        ]
