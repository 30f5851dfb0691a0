"""Real journeys through the real tasks give exactly the anomalies that an independent reckoning of
the same definitions gives.

Four days round a change of the clocks by default; FLIGHTS=year takes all 319,807 flights.
"""

import os
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from dev import flights
from dev.existing_app import ExistingApp
from tests.end_to_end import journeys
from tests.end_to_end.harness import Stage
from tests.end_to_end.waiting import wait_until

WHOLE_YEAR = os.environ.get("FLIGHTS") == "year"
FIRST, LAST = (
    (date(2013, 1, 1), date(2013, 12, 31)) if WHOLE_YEAR else (date(2013, 3, 8), date(2013, 3, 11))
)
JUDGED_SECONDS = 7_200 if WHOLE_YEAR else 300
# Tenants: with the default policy, with one for aircraft, and with several aircraft to a name.
AS_EVER, AS_BY_AIR, SHARED_NAMES = 1, 2, 3
STANDING = """
SELECT tenant_id, punch_id, reason, evidence
FROM anomaly
WHERE standing AND anomaly_type = 'IMPOSSIBLE_SHIFTS'
"""


@pytest.fixture(scope="module")
def trips() -> list[flights.Trip]:
    return sorted(flights.flights(FIRST, LAST).trips, key=lambda trip: trip.arrives)


def found_by_rollcall(
    stage: Stage, rosters: Sequence[dict[str, Any]], punches: list[dict[str, Any]]
) -> set[tuple[int, str, str]]:
    """Tenant, punch and reason of each IMPOSSIBLE_SHIFTS that stands, whichever reason leads."""
    app = ExistingApp(stage.environ["CELERY_BROKER_URL"])
    database_url = stage.environ["DATABASE_URL"]
    stage.worker(concurrency=2)
    stage.beat()  # what is much to judge is judged in several goes
    for roster in rosters:
        app.sync_roster(roster)
    wait_until(
        lambda: _is_settled(database_url, len(rosters), 0), "the rosters are known", seconds=120
    )
    app.submit_batch(punches, backfill=True)
    wait_until(
        lambda: _is_settled(database_url, len(rosters), len(punches)),
        "all punches are judged",
        seconds=JUDGED_SECONDS,
    )
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(STANDING).fetchall()
    return {
        (tenant_id, punch_id, each_reason)
        for tenant_id, punch_id, reason, evidence in rows
        for each_reason in (reason, *_also(evidence))
    }


def expected(
    tenant_id: int,
    punches: list[dict[str, Any]],
    speed_kmh: float,
    clock_slack_s: int = journeys.CLOCK_SLACK_S,
) -> set[tuple[int, str, str]]:
    rows = journeys.in_order(
        [punch for punch in punches if punch["tenant_id"] == tenant_id], clock_slack_s
    )
    too_far = {
        (tenant_id, punch_id, "too_far_too_soon")
        for punch_id in journeys.too_far_too_soon(rows, speed_kmh, clock_slack_s)
    }
    return too_far | {
        (tenant_id, punch_id, "overlapping")
        for punch_id in journeys.overlapping(rows, clock_slack_s)
    }


def test_real_flights_give_exactly_the_impossible_shifts_of_an_independent_reckoning(
    stage: Stage, trips: list[flights.Trip]
) -> None:
    by_air = {"max_travel_speed_kmh": 900, "clock_slack_seconds": 0}
    rosters = [flights.roster(AS_EVER), flights.roster(AS_BY_AIR, by_air)]
    punches = [punch for tenant in (AS_EVER, AS_BY_AIR) for punch in flights.punches(tenant, trips)]
    reckoned = expected(AS_EVER, punches, 150) | expected(AS_BY_AIR, punches, 900, 0)
    # nearly every flight outruns a car
    assert sum(tenant == AS_EVER for tenant, _, _ in reckoned) > len(trips) * 0.9
    assert found_by_rollcall(stage, rosters, punches) == reckoned


def test_journeys_of_several_aircraft_under_one_name_overlap_exactly_as_reckoned(
    stage: Stage, trips: list[flights.Trip]
) -> None:
    """The flights are one way; each aircraft is taken to leave again after forty minutes, and
    sixteen of them share a name.
    """
    few = [
        trip._replace(person_id=trip.person_id // 64 + 1)
        for trip in trips
        if trip.person_id % 4 == 0
    ]
    punches = [*flights.punches(SHARED_NAMES, few), *_leaving_again(few)]
    reckoned = expected(SHARED_NAMES, punches, 900)
    assert sum(reason == "overlapping" for _, _, reason in reckoned) > 100
    roster = flights.roster(SHARED_NAMES, {"max_travel_speed_kmh": 900})
    assert found_by_rollcall(stage, [roster], punches) == reckoned


def test_no_flight_is_impossible_at_900_kmh_but_those_of_aircraft_in_two_places(
    trips: list[flights.Trip],
) -> None:
    twice = {
        before.person_id
        for before, after in _consecutive(trips)
        if before.person_id == after.person_id and after.departs < before.arrives
    }
    rows = journeys.in_order(
        list(flights.punches(1, (trip for trip in trips if trip.person_id not in twice)))
    )
    assert journeys.too_far_too_soon(rows, 900, 0) == set()


def test_flights_whose_clocks_or_airports_cannot_be_told_are_counted_not_guessed() -> None:
    night_of_the_change = flights.flights(date(2013, 11, 2), date(2013, 11, 3)).left_out
    assert night_of_the_change == {
        "airport or its zone unknown": 35,
        "cancelled": 8,
        "diverted": 3,
        "no tail number": 3,
        "clock ambiguous": 1,  # it landed in Los Angeles at 1:14, an hour that was there twice
    }


def _leaving_again(trips: Iterable[flights.Trip]) -> Iterable[dict[str, Any]]:
    for trip in trips:
        back = trip._replace(origin=trip.destination, departs=trip.arrives + timedelta(minutes=40))
        departure, _ = flights.punches(SHARED_NAMES, [back])
        yield departure | {"punch_id": f"{trip.number}-again"}


def _consecutive(trips: list[flights.Trip]) -> Iterable[tuple[flights.Trip, flights.Trip]]:
    ordered = sorted(trips, key=lambda trip: (trip.person_id, trip.departs))
    return pairwise(ordered)


def _also(evidence: dict[str, Any]) -> list[str]:
    return [finding["reason"] for finding in evidence.get("also", [])]


def _is_settled(database_url: str, tenants: int, punches: int) -> bool:
    """Whether so many tenants and punches are stored, and nothing waits to be judged. It is cheap
    while something does.
    """
    waiting = "SELECT EXISTS (SELECT FROM pending) OR EXISTS (SELECT FROM roster_change)"
    with psycopg.connect(database_url) as connection:
        if connection.execute(waiting).fetchone() == (True,):
            return False
        counts = connection.execute(
            "SELECT (SELECT count(*) FROM tenant), (SELECT count(*) FROM punch)"
        ).fetchone()
    return counts == (tenants, punches)
