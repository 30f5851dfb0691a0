"""Each planter plants what its name says, and nothing but."""

from datetime import date, timedelta

import pytest

from dev.simulator.day import Day, honest_day
from dev.simulator.founding import found_company
from dev.simulator.frauds import PLANTERS, plant
from dev.simulator.rows import Expected, Punch

ACME = found_company(1, "Acme", seed=5, sites=20, people=200)


def day() -> Day:
    return honest_day(ACME, date(2026, 3, 18), history_days=20)


def changed(reason: str) -> tuple[list[Expected], dict[str, Punch], dict[str, Punch]]:
    """Plant a fraud. Return what must be found of it; the punches that it added or changed, as they
    are now; and those that it removed or changed, as they were.
    """
    before = {punch.punch_id: punch for punch in day().punches}
    tampered = day()
    expected = plant(tampered, reason)
    after = {punch.punch_id: punch for punch in tampered.punches}
    came = {punch_id: punch for punch_id, punch in after.items() if before.get(punch_id) != punch}
    went = {punch_id: punch for punch_id, punch in before.items() if after.get(punch_id) != punch}
    return expected, came, went


@pytest.mark.parametrize("reason", PLANTERS)
def test_a_planter_finds_its_chance_within_a_week_and_says_what_must_be_found(reason: str) -> None:
    week = [
        honest_day(ACME, date(2026, 3, 16) + timedelta(days=n), history_days=20) for n in range(7)
    ]
    planted = [(made, expected) for made in week for expected in plant(made, reason)]
    assert planted
    for made, expected in planted:
        punches, shifts = (
            {punch.punch_id for punch in made.punches},
            {shift.shift_id for shift in made.shifts},
        )
        assert expected.punch_id in punches if expected.punch_id else expected.shift_id in shifts


@pytest.mark.parametrize("reason", PLANTERS)
def test_a_plant_touches_few_punches_and_leaves_the_rest_of_the_day_alone(reason: str) -> None:
    _, came, went = changed(reason)
    assert len({punch.person_id for punch in (*came.values(), *went.values())}) <= 2


def test_two_plants_never_share_a_visit() -> None:
    made = day()
    for reason in PLANTERS:
        plant(made, reason)
    assert len(
        {
            (expected.anomaly_type, expected.punch_id, expected.shift_id)
            for expected in made.expected
        }
    ) == len(made.expected)


def test_same_device_is_two_people_on_one_phone_within_a_minute() -> None:
    expected, _, _ = changed("same_device")
    tampered = day()
    plant(tampered, "same_device")
    punches = {punch.punch_id: punch for punch in tampered.punches}
    first, second = (punches[one.punch_id] for one in expected)
    assert first.device_id == second.device_id
    assert first.person_id != second.person_id
    assert timedelta(0) < second.at - first.at < timedelta(minutes=1)


def test_who_is_on_leave_comes_as_if_they_were_not() -> None:
    expected, came, went = changed("on_leave")
    assert not came and not went
    tampered = day()
    plant(tampered, "on_leave")
    (absence,) = tampered.absences
    (punch,) = [one for one in tampered.punches if one.punch_id == expected[0].punch_id]
    assert (absence.person_id, absence.contract()["to"]) == (punch.person_id, "2026-03-18")


def test_no_show_takes_every_punch_of_the_visit() -> None:
    expected, came, went = changed("no_show")
    assert not came
    assert went
    assert expected[0].shift_id
