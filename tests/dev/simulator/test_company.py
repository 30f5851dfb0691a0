"""The simulated company is messy in the proportions that real logs and traces have, and its roster
is the contract's.
"""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from dev.simulator.day import Day, honest_day
from dev.simulator.founding import found_company
from dev.simulator.places import kilometres
from dev.simulator.rows import Punch
from models.schemas.punch import PunchIn

ACME = found_company(1, "Acme", seed=5, sites=20, people=200)
FIRST = date(2026, 3, 16)


@pytest.fixture(scope="module")
def days() -> list[Day]:
    """Three weeks across Europe's change of clocks."""
    return [honest_day(ACME, FIRST + timedelta(days=n), history_days=n) for n in range(21)]


@pytest.fixture(scope="module")
def punches(days: list[Day]) -> list[Punch]:
    return sorted(
        (punch for day in days for punch in day.punches),
        key=lambda punch: (punch.at, punch.punch_id),
    )


def by(punches: list[Punch], field: str) -> dict[object, list[Punch]]:
    grouped = defaultdict(list)
    for punch in punches:
        grouped[getattr(punch, field)].append(punch)
    return grouped


def test_a_day_made_again_alone_is_the_same_day(days: list[Day]) -> None:
    again = honest_day(
        found_company(1, "Acme", seed=5, sites=20, people=200),
        FIRST + timedelta(days=9),
        history_days=9,
    )
    assert (again.punches, again.shifts) == (days[9].punches, days[9].shifts)


def test_another_seed_is_another_company() -> None:
    assert found_company(1, "Acme", seed=6, sites=20, people=200).people != ACME.people


def test_other_people_may_work_at_the_same_sites() -> None:
    another = found_company(1, "Acme", seed=5, sites=20, people=200, first_person=3_001)
    assert another.sites == ACME.sites
    assert another.people.keys().isdisjoint(ACME.people)


def test_every_punch_is_one_the_contract_takes(punches: list[Punch]) -> None:
    for punch in punches[:2_000]:
        PunchIn.model_validate(punch.contract(1))


def test_ids_of_punches_and_shifts_are_unique(days: list[Day], punches: list[Punch]) -> None:
    shifts = [shift.shift_id for day in days for shift in day.shifts]
    assert len({punch.punch_id for punch in punches}) == len(punches)
    assert len(set(shifts)) == len(shifts)


def test_nobody_is_anywhere_twice_nor_travels_faster_than_a_car(punches: list[Punch]) -> None:
    for own in by(punches, "person_id").values():
        for before, after in pairwise(own):
            way = kilometres(ACME.sites[before.site_id].place, ACME.sites[after.site_id].place)
            hours = (after.at - before.at) / timedelta(hours=1)
            assert before.site_id == after.site_id or way <= 60 * hours, (before, after)


def test_the_next_punch_on_a_kiosk_is_anothers_within_ten_seconds_as_often_as_in_real_logs(
    punches: list[Punch],
) -> None:
    kiosks = [
        own for device, own in by(punches, "device_id").items() if str(device).startswith("kiosk")
    ]
    pairs = [pair for own in kiosks for pair in pairwise(own)]
    queued = sum(
        a.person_id != b.person_id and b.at - a.at <= timedelta(seconds=10) for a, b in pairs
    )
    assert 0.09 <= queued / len(pairs) <= 0.27


def test_phones_that_cache_repeat_their_fix_as_often_as_real_ones(days: list[Day]) -> None:
    pairs = [
        (ACME.people[a.person_id].phone, a.fix == b.fix)
        for day in days
        for own in by(day.punches, "person_id").values()
        for a, b in pairwise(own)
        if a.fix
        and a.device_id == b.device_id
        and a.site_id == b.site_id
        and ACME.people[a.person_id].phone
    ]
    caching = [same for phone, same in pairs if phone and phone.cache_share]
    asking = [same for phone, same in pairs if phone and not phone.cache_share]
    assert 0.73 <= sum(caching) / len(caching) <= 0.96
    assert sum(asking) / len(asking) < 0.05  # double taps


def test_fixes_claim_the_accuracies_that_traces_have(punches: list[Punch]) -> None:
    claims = [punch.fix.accuracy_m for punch in punches if punch.fix and punch.fix.accuracy_m]
    assert 9 <= sorted(claims)[len(claims) // 2] <= 15
    assert 0.003 <= sum(claim >= 500 for claim in claims) / len(claims) <= 0.02


def test_a_night_in_which_the_clocks_go_forward_is_an_hour_shorter(days: list[Day]) -> None:
    nights = {
        shift.ends_at - shift.starts_at
        for day in days
        for shift in day.shifts
        if ACME.sites[shift.site_id].city.name in ("Lisbon", "London", "Berlin")
        and ACME.sites[shift.site_id].rota == "three_shifts"
        and shift.starts_at < datetime(2026, 3, 29, 1, tzinfo=UTC) < shift.ends_at
    }
    assert nights <= {timedelta(hours=7)}


def test_the_company_has_every_kind_of_irregular_day(days: list[Day]) -> None:
    visits = [visit for day in days for visit in day.visits]
    assert any(shift.cancelled for day in days for shift in day.shifts)
    assert any(shift.substitutes for day in days for shift in day.shifts)
    assert any(len(visit.shifts) > 1 for visit in visits)
    assert any(visit.person.role == "relief" for visit in visits)
    assert any(visit.person.role == "rover" for visit in visits)
    # a swap
    assert any(
        visit.shifts[0].person_id != visit.person.person_id and not visit.shifts[0].substitutes
        for visit in visits
    )
    assert any(visit.punches and visit.punches[-1].kind == "check_in" for visit in visits)
    assert any(
        punch.arrives - punch.at > timedelta(minutes=30)
        for visit in visits
        for punch in visit.punches
    )
