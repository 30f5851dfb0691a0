"""Fixes that were made up."""

from datetime import timedelta

from dev.simulator.day import Day
from dev.simulator.frauds.victims import by_phone, whole
from dev.simulator.places import moved
from dev.simulator.rows import Expected, Fix

TYPE = "GPS_SPOOFING"


def mock_location(day: Day) -> list[Expected]:
    """The phone itself says that the position is mocked."""
    visit = day.pick(whole, by_phone)
    if not visit:
        return []
    visit.check_in.is_mock_location = True
    return [Expected(TYPE, "mock_location", visit.check_in.punch_id)]


def impossible_coordinates(day: Day) -> list[Expected]:
    """No such place, or the middle of the Atlantic that faulty software calls (0, 0)."""
    visit = day.pick(whole, by_phone)
    if not visit:
        return []
    visit.check_in.fix = day.rng.choice(
        (Fix(0.0, 0.0, 10.0), Fix(123.4, 20.0, 10.0), Fix(45.0, 200.5, 10.0))
    )
    return [Expected(TYPE, "impossible_coordinates", visit.check_in.punch_id)]


def teleport(day: Day) -> list[Expected]:
    """Ten minutes after the check-in the phone is hundreds of kilometres away."""
    visit = day.pick(whole, by_phone)
    if not visit:
        return []
    away = day.punch(
        visit.person, visit.site, "check_out", visit.check_in.at + timedelta(minutes=10)
    )
    away.fix = Fix(
        *moved(*visit.site.place, 0.0, day.rng.choice((-1, 1)) * day.rng.uniform(400_000, 900_000)),
        8.0,
    )
    back = day.punch(visit.person, visit.site, "check_in", away.at + timedelta(minutes=25))
    visit.punches[1:1] = [away, back]
    return [Expected(TYPE, "teleport", away.punch_id)]
