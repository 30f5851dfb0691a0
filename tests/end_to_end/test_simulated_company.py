"""A company of 200 people at 20 sites is judged as time goes by: an honest one is left alone, and
of the frauds in another none is missed.

Ten days by default; COMPANY=quarter takes thirteen weeks, in which the clocks change on both sides
of the Atlantic.
"""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from dev.simulator.day import Day, honest_day
from dev.simulator.founding import found_company
from dev.simulator.frauds import PLANTERS, plant
from models.database import make_engine
from tests.end_to_end.company_run import Subject, standing, work
from tests.end_to_end.simulated_clock import SimulatedClock

QUARTER = os.environ.get("COMPANY") == "quarter"
DAYS = 91 if QUARTER else 10
STEP = timedelta(hours=2 if QUARTER else 1)
FIRST = date(2026, 3, 1) if QUARTER else date(2026, 3, 23)  # Europe's clocks change on the 29th
ACME = found_company(1, "Acme", seed=3, sites=20, people=200)
# Of two frauds at one site one may explain the other: who came unasked is taken as who stood in for
# those who did not come.
_TOLD_AS = {"no_show": ("stood_in_for",)}
HISTORY_DAYS = 14 if QUARTER else 7


@pytest.fixture
def clock(postgres_url: str) -> Iterator[SimulatedClock]:
    clock = SimulatedClock(postgres_url)
    yield clock
    clock.close()


def days() -> list[Day]:
    return [
        honest_day(ACME, FIRST + timedelta(days=n), history_days=n + 14 - HISTORY_DAYS)
        for n in range(DAYS)
    ]


def test_at_most_five_honest_punches_in_a_thousand_ever_raise_more_than_low(
    postgres_url: str, clock: SimulatedClock
) -> None:
    engine = make_engine(postgres_url)
    run = work(engine, clock, ACME, days(), STEP)
    above_low = run.above_low()
    counts = Counter(
        reason
        for messages in above_low.values()
        for message in messages
        for reason in message.reasons
    )
    print(f"{run.punches} punches, {len(above_low)} subjects ever above LOW: {counts}")
    # shifts that seemed unattended are counted as well
    assert len(above_low) <= 0.005 * run.punches, counts
    engine.dispose()


def test_every_planted_fraud_is_found(postgres_url: str, clock: SimulatedClock) -> None:
    engine = make_engine(postgres_url)
    with_frauds = days()
    planted = Counter(
        expected.reason
        for day in with_frauds
        for reason in PLANTERS
        for expected in plant(day, reason)
    )
    assert planted.keys() >= PLANTERS.keys()
    run = work(engine, clock, ACME, with_frauds, STEP)
    stands = standing(engine, ACME)
    missed = [
        expected
        for day in with_frauds
        for expected in day.expected
        if not (
            any(
                (expected.anomaly_type, reason)
                in stands[Subject(expected.punch_id, expected.shift_id)]
                for reason in (expected.reason, *_TOLD_AS.get(expected.reason, ()))
            )
            if expected.lasting
            else run.was_said(expected)
        )
    ]
    print(f"{sum(planted.values())} planted: {planted}")
    assert not missed, (Counter(expected.reason for expected in missed), missed[:10])
    engine.dispose()
