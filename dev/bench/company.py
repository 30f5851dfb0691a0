"""The company whose punches the pipeline is measured with: everybody checks in once, at the start
of a shift of their own.

The shifts start some hours from now, so that during the run no moment passes at which something
would be due. An honest punch has no anomaly; a dishonest one has exactly one (its location is
mocked).
"""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg

from dev.bench.always_so import hold_since_ever
from dev.bench.message import now_us

PEOPLE_AT_A_SITE = 10
# In degrees; 100 sites a row, the rows going north.
LATITUDE, LONGITUDE, SITE_SPACING = 30.0, 0.0, 0.05
SHIFT = timedelta(hours=8)
ARRIVAL_SECONDS = 600  # at most, before or after the start of the shift

Punch = dict[str, Any]


class Company(NamedTuple):
    """How many there are. People are spread evenly over the tenants, which are numbered from 1, and
    over the sites; every tenant has all of the sites.
    """

    people: int
    tenants: int
    sites: int
    starts_at: datetime

    def tenant_of(self, person: int) -> int:
        return person % self.tenants + 1

    def site_of(self, person: int) -> int:
        return person // self.tenants % self.sites + 1


def founded(people: int, tenants: int = 1) -> Company:
    sites = max(1, people // tenants // PEOPLE_AT_A_SITE)
    return Company(
        people, tenants, sites, datetime.now(UTC).replace(microsecond=0) + timedelta(hours=4)
    )


def store_roster(connection: psycopg.Connection, company: Company) -> None:
    """Copy the company's roster into empty tables."""
    tenants = range(1, company.tenants + 1)
    people = range(1, company.people + 1)
    places = [(tenant, site) for tenant in tenants for site in range(1, company.sites + 1)]
    _copy(
        connection,
        "tenant",
        "tenant_id name epoch swept_at",
        ((t, f"Company {t}", f"bench{t}", datetime.now(UTC)) for t in tenants),
    )
    _copy(
        connection,
        "site",
        "tenant_id site_id name timezone latitude longitude radius_m",
        ((tenant, site, f"Site {site}", "UTC", *_place(site), 200.0) for tenant, site in places),
    )
    _copy(
        connection,
        "device",
        "tenant_id device_id shared",
        ((tenant, f"kiosk-{site}", True) for tenant, site in places),
    )
    _copy(
        connection,
        "person",
        "tenant_id person_id name",
        ((company.tenant_of(p), p, f"Person {p}") for p in people),
    )
    _copy(
        connection,
        "assignment",
        "tenant_id person_id site_id valid_from_key",
        ((company.tenant_of(person), person, company.site_of(person), "") for person in people),
    )
    _copy(
        connection,
        "shift",
        "tenant_id shift_id person_id site_id starts_at ends_at",
        (
            (
                company.tenant_of(p),
                f"shift-{p}",
                p,
                company.site_of(p),
                company.starts_at,
                company.starts_at + SHIFT,
            )
            for p in people
        ),
    )
    hold_since_ever(connection)
    connection.commit()


def _place(site: int) -> tuple[float, float]:
    return LATITUDE + site // 100 * SITE_SPACING, LONGITUDE + site % 100 * SITE_SPACING


def punches(
    company: Company, share: float, people: Sequence[int] | None = None, *, seed: int = 1
) -> Iterator[Punch]:
    """One check-in of each person, in a random order; a `share` (0..1) of them dishonest."""
    rng = random.Random(seed)
    everybody = list(people if people is not None else range(1, company.people + 1))
    rng.shuffle(everybody)
    every = round(1 / share) if share else 0
    for index, person in enumerate(everybody):
        yield _punch(company, person, rng, mocked=bool(every) and index % every == every - 1)


def _punch(company: Company, person: int, rng: random.Random, *, mocked: bool) -> Punch:
    """A punch whose id holds the moment it was made, which the end-to-end clients read."""
    site = company.site_of(person)
    latitude, longitude = _place(site)
    at = company.starts_at + timedelta(seconds=rng.randint(-ARRIVAL_SECONDS, ARRIVAL_SECONDS))
    return {
        "punch_id": f"p{person}-@{now_us():016d}",
        "tenant_id": company.tenant_of(person),
        "person_id": person,
        "site_id": site,
        "kind": "check_in",
        "occurred_at": at.isoformat(),
        "person_name": f"Person {person}",
        "latitude": latitude + rng.uniform(-5e-4, 5e-4),
        "longitude": longitude + rng.uniform(-5e-4, 5e-4),
        "accuracy_m": round(rng.uniform(5, 30), 1),
        "is_mock_location": mocked,
        "device_id": f"kiosk-{site}",
        "biometric": {
            "method": "face",
            "score": round(rng.uniform(0.9, 0.99), 3),
            "liveness": 0.95,
            "matched_person_id": person,
        },
        "sent_at": datetime.now(UTC).isoformat(),
    }


def _copy(
    connection: psycopg.Connection, table: str, columns: str, rows: Iterator[tuple[object, ...]]
) -> None:
    names = ", ".join(columns.split())
    # ours, not a caller's
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
