"""Who checks out at a site is told by the spells of two weeks, whichever way they came in."""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from models.database import psycopg_url
from tests.worker.load.everything import load_everything
from tests.worker.load.test_load import Judge, standing
from tests.worker.load.world import (
    ACME,
    add_punch,
    add_roster,
    add_tenant,
    note_change,
    set_device,
    set_site,
    void_punch,
)
from worker.judging.detect import detect
from worker.load.touched import Touched
from worker.rules.window import Assignment, Device, Punch, Shift, Site

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FIRST = datetime(2026, 3, 2, 8, tzinfo=UTC)  # the first morning
LAST = FIRST + 17 * DAY
NIGHT = LAST + 17 * HOUR  # the end of all: the last morning's limit has passed
KIOSK, OFFICE = Site(1, "Kiosk", "UTC"), Site(2, "Office", "UTC")
PEOPLE = {person: f"Person {person}" for person in range(1, 8)}
PHONE = Device("phone", False, 1)


@pytest.fixture
def connection(postgres_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(psycopg_url(postgres_url).replace("+psycopg", "")) as connection:
        yield connection


def check_in(person: int, at: datetime, site: int = 1, **fields: Any) -> Punch:
    return Punch(f"in {person} {at:%d %H:%M}", person, site, True, at, **fields)


def check_out(person: int, at: datetime, site: int = 1) -> Punch:
    return Punch(f"out {person} {at:%d %H:%M}", person, site, False, at)


def begin(connection: psycopg.Connection, shifts: Iterable[Shift] = ()) -> Judge:
    add_tenant(connection)
    add_roster(
        connection,
        sites=[KIOSK, OFFICE],
        people=PEOPLE,
        assignments=[Assignment(person, site) for person in PEOPLE for site in (1, 2)],
        devices=[PHONE],
        shifts=shifts,
    )
    return Judge(connection)


def judge(judge: Judge, connection: psycopg.Connection, punches: Iterable[Punch]) -> None:
    judge.look(Touched(punches=tuple(add_punch(connection, punch) for punch in punches)), NIGHT)


def told(judge: Judge, reason: str) -> dict[str, str]:
    """Return the severity, by punch, of what stands for this reason."""
    return {
        scored.finding.subject.punch_id: scored.finding.severity
        for scored in judge.standing.values()
        if scored.finding.reason == reason
    }


def assert_as_all_at_once(judge: Judge) -> None:
    everything = load_everything(judge.cursor, ACME, FIRST - 5 * DAY, NIGHT, NIGHT)
    expected = standing(detect(everything))
    assert sorted(judge.standing) == sorted(expected)
    for key, scored in expected.items():
        assert judge.standing[key] == scored


class Mornings:
    """Weeks of a few people, some of whom check out seldom, decided by one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.shifts: list[Shift] = []
        self.punches: list[Punch] = []
        usual = self.chance.choice((0.1, 0.4, 0.5, 0.6))
        for person in PEOPLE:
            often = self.chance.choice((0.0, usual, usual, 1.0))
            # Some have come only now and then.
            days = self.chance.sample(range(18), self.chance.choice((1, 2, 3, 4, 18)))
            for day in {*days, self.chance.choice((17, 16))}:
                self._come(person, FIRST + day * DAY, often)
        self.chance.shuffle(self.punches)

    def _come(self, person: int, morning: datetime, often: float) -> None:
        chance = self.chance
        site = chance.choice((1, 1, 1, 1, 2))
        at = morning + timedelta(minutes=chance.choice((0, 0, 0, 1, 7)))
        device = chance.choice((None,) * 9 + ("phone",))
        self.punches.append(check_in(person, at, site, device_id=device))
        if chance.random() < 0.3:
            name = f"shift {person} {morning:%d}"
            self.shifts.append(Shift(name, person, site, morning, morning + 8 * HOUR))
        if chance.random() < often:
            hours = chance.choice((3, 9, 9, 9, 15, 16, 17, 23))
            self.punches.append(
                check_out(person, at + hours * HOUR, chance.choice((site,) * 7 + (2,)))
            )


@pytest.mark.parametrize("seed", range(40))
def test_in_any_order_and_batches_who_checks_out_ends_as_all_at_once(
    connection: psycopg.Connection, seed: int
) -> None:
    mornings = Mornings(seed)
    chance = mornings.chance
    whole = begin(connection, mornings.shifts)
    left = list(mornings.punches)
    changes = [_device_shared, _works_less, _roams]
    while left:
        some = [left.pop() for _ in range(min(len(left), chance.choice((1, 1, 5, 30))))]
        moved = [add_punch(connection, punch) for punch in some]
        if chance.random() < 0.1:
            moved.append(void_punch(connection, some[0]))
        if chance.random() < 0.2:
            moved += _correct(connection, chance.choice(some), chance)
        whole.look(Touched(punches=tuple(moved)), NIGHT)
        if changes and chance.random() < 0.1:
            changes.pop()(connection)
            whole.take_changes(NIGHT)
    assert_as_all_at_once(whole)


def _correct(connection: psycopg.Connection, punch: Any, chance: random.Random) -> list[Any]:
    """Move a punch to another person, site or time, as its correction does."""
    other = chance.choice(
        (
            punch._replace(person_id=punch.person_id % 7 + 1),
            punch._replace(site_id=3 - punch.site_id),
            punch._replace(occurred_at=punch.occurred_at - 2 * DAY),
            punch._replace(is_check_in=not punch.is_check_in),
        )
    )
    connection.execute(
        "DELETE FROM punch WHERE tenant_id = %s AND punch_id = %s", [ACME, punch.punch_id]
    )
    touched = add_punch(connection, other)
    return [
        touched,
        touched._replace(
            person_id=punch.person_id, site_id=punch.site_id, occurred_at=punch.occurred_at
        ),
    ]


def _device_shared(connection: psycopg.Connection) -> None:
    at = FIRST + 8 * DAY
    set_device(connection, "phone", [(None, at, PHONE), (at, None, Device("phone", True))])
    note_change(connection, "device", "phone", at)


def _works_less(connection: psycopg.Connection) -> None:
    since, until = FIRST + 4 * DAY, FIRST + 9 * DAY
    less = {"max_work_hours": 4}
    versions = [(None, since, KIOSK, {}), (since, until, KIOSK, less), (until, None, KIOSK, {})]
    set_site(connection, 1, versions)
    note_change(connection, "site", 1, since, until)


def _roams(connection: psycopg.Connection) -> None:
    add_roster(connection, devices=[Device("stray", False)])
    note_change(connection, "device", "stray")


def days_of(person: int, days: Iterable[int], closed: Iterable[int] = ()) -> list[Punch]:
    """Return a check-in at the kiosk on each of these mornings, with a check-out on some."""
    return [
        punch
        for day in days
        for punch in (
            check_in(person, FIRST + day * DAY),
            *([check_out(person, FIRST + day * DAY + 9 * HOUR)] if day in closed else []),
        )
    ]


LATE = f"in 1 {LAST:%d %H:%M}"


def test_a_late_check_out_of_the_third_day_before_turns_the_answer(
    connection: psycopg.Connection,
) -> None:
    """Two of four, half of them, is enough."""
    anna = begin(connection)
    judge(anna, connection, days_of(1, (11, 12, 13, 14, 17), closed=(12,)))
    assert told(anna, "still_working") == {}
    judge(anna, connection, [check_out(1, FIRST + 14 * DAY + 9 * HOUR)])
    assert told(anna, "still_working") == {LATE: "HIGH"}
    assert_as_all_at_once(anna)


def test_a_void_turns_it_back(connection: psycopg.Connection) -> None:
    anna = begin(connection)
    late = check_out(1, FIRST + 14 * DAY + 9 * HOUR)
    judge(anna, connection, [*days_of(1, (11, 12, 13, 14, 17), closed=(12,)), late])
    assert told(anna, "still_working") == {LATE: "HIGH"}
    anna.look(Touched(punches=(void_punch(connection, late),)), NIGHT)
    assert told(anna, "still_working") == {}


def test_another_persons_spell_turns_the_answer_of_who_has_few(
    connection: psycopg.Connection,
) -> None:
    """The tenth spell at the site tells that its people do not check out."""
    anna = begin(connection)
    ben = days_of(2, range(5, 14), closed=(5, 6))
    judge(anna, connection, [*ben, *days_of(1, (17,))])
    assert told(anna, "still_working") == {LATE: "LOW"}
    anna.subjects.clear()
    judge(anna, connection, days_of(2, (14,)))
    assert told(anna, "still_working") == {}
    assert_as_all_at_once(anna)


def test_one_spell_more_that_makes_no_difference_judges_nobody_else(
    connection: psycopg.Connection,
) -> None:
    anna = begin(connection)
    ben = days_of(2, range(4, 15), closed=(5, 6))
    judge(anna, connection, [*ben, *days_of(1, (17,))])
    anna.subjects.clear()
    judge(anna, connection, days_of(3, (15,), closed=(15,)))
    assert {subject.punch_id.split()[1] for subject in anna.subjects} == {"3"}
    assert_as_all_at_once(anna)


def _long_day(device: str | None = None) -> list[Punch]:
    """Return 16 hours at the kiosk without a shift, and seven at the office two hours later."""
    morning = FIRST + 15 * DAY
    return [
        check_in(1, morning, device_id=device),
        check_out(1, morning + 16 * HOUR),
        check_in(1, morning + 18 * HOUR, site=2),
        check_out(1, morning + 25 * HOUR, site=2),
    ]


AT_OFFICE = f"in 1 {FIRST + 15 * DAY + 18 * HOUR:%d %H:%M}"


def test_a_pair_that_is_work_again_counts_for_what_follows_elsewhere(
    connection: psycopg.Connection,
) -> None:
    anna = begin(connection)
    judge(anna, connection, [*days_of(1, (4, 5, 6, 7), closed=(5,)), *_long_day()])
    assert told(anna, "worked_too_long") == {}
    judge(anna, connection, [check_out(1, FIRST + 4 * DAY + 9 * HOUR)])
    assert told(anna, "worked_too_long") == {AT_OFFICE: "HIGH"}
    assert_as_all_at_once(anna)


def test_a_phone_that_was_shared_then_makes_a_pair_on_it_no_work_for_what_follows(
    connection: psycopg.Connection,
) -> None:
    anna = begin(connection)
    judge(anna, connection, [*days_of(1, (4, 5, 6, 7), closed=(5,)), *_long_day("phone")])
    assert told(anna, "worked_too_long") == {AT_OFFICE: "HIGH"}
    set_device(connection, "phone", [(None, None, Device("phone", True))])
    note_change(connection, "device", "phone", FIRST + 15 * DAY, FIRST + 16 * DAY)
    anna.take_changes(NIGHT)
    assert told(anna, "worked_too_long") == {}
    assert_as_all_at_once(anna)
