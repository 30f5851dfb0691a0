"""Judging bit by bit, in any order, ends in what judging everything at once finds."""

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from models.database import psycopg_url
from models.schemas.roster import LONGEST_SHIFT
from tests.worker.load.everything import load_everything
from tests.worker.load.world import ACME, GLOBEX, add_punch, add_roster, add_tenant, void_punch
from worker.judging.detect import detect
from worker.load import load, load_subjects
from worker.load.ranges import Range, document
from worker.load.shifts import _OWN_SHIFTS
from worker.load.tenant import read_tenant
from worker.load.touched import Touched
from worker.rules.finding import ScoredFinding, Subject
from worker.rules.window import Assignment, Device, Punch, Shift, Site

Standing = dict[tuple[Subject, str], ScoredFinding]
START = datetime(2026, 3, 28, tzinfo=UTC)
MOST_STATEMENTS = 24  # each kind of look-up once or twice; fewer where there is nothing to look for


@pytest.fixture
def connection(postgres_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(psycopg_url(postgres_url).replace("+psycopg", "")) as connection:
        yield connection


class Company:
    """A few days of a few people who do all that the definitions name, decided by one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.sites = [
            Site(1, "Main Office", "Europe/Berlin", 52.52, 13.405, 150),
            Site(2, "Depot", "Europe/Berlin", 52.60, 13.50),
            Site(3, "Far Away", "America/New_York", 40.7, -74.0, 300),
        ]
        self.people = {person: f"Person {person}" for person in range(1, 8)}
        self.devices = [Device("kiosk", True), Device("phone", False, 1), Device("clock", False)]
        self.assignments = [
            Assignment(person, site, None, None)
            for person in self.people
            for site in (1, 2, 3)
            if self.chance.random() < 0.7
        ]
        self.shifts = [self.shift(number) for number in range(self.chance.randint(4, 14))]
        # These come after the punches.
        self.late_shifts, self.shifts = self.shifts[:3], self.shifts[3:]
        self.late_assignments, self.assignments = self.assignments[:2], self.assignments[2:]
        self.late_devices, self.devices = self.devices[2:], self.devices[:2]
        self.site_policies: dict[int, dict[str, Any]] = {
            2: {"max_work_hours": 9, "early_window_minutes": 30},
            3: {"repeat_minutes": 30, "grace_minutes": 0},
        }
        if seed % 2:  # the sites differ in all that is measured by each site's own policy
            self.site_policies = {
                1: {"max_spell_hours": 10, "coarse_fix_cap_m": 300, "early_window_minutes": 150},
                2: {"max_work_hours": 5, "repeat_minutes": 90, "wrong_person": "shadow"},
                3: {"max_spell_hours": 60, "early_window_minutes": 400, "grace_minutes": 0},
            }

    def at(self) -> datetime:
        return START + timedelta(minutes=5 * self.chance.randint(0, 12 * 24 * 4))

    def shift(self, number: int) -> Shift:
        starts_at = START + timedelta(hours=4 * self.chance.randint(0, 22))
        everybody = list(self.people)
        sampled = tuple(self.chance.sample(everybody, self.chance.choice((0, 0, 1, 3))))
        person = self.chance.choice(everybody)
        length = timedelta(hours=self.chance.choice((4, 8, 8, 12)))
        substitutes = tuple(other for other in sampled if other != person)
        return Shift(
            f"s{number}",
            person,
            self.chance.choice((1, 1, 2)),
            starts_at,
            starts_at + length,
            substitutes,
        )

    def punches(self) -> list[Punch]:
        alone = [self.punch(number) for number in range(self.chance.randint(10, 40))]
        return [
            *alone,
            *(self.echo(punch) for punch in alone if self.chance.random() < 0.3),
            *self.series(),
        ]

    def echo(self, punch: Punch) -> Punch:
        """Return a punch within minutes of another that shares something with it."""
        chance = self.chance
        return punch._replace(
            punch_id=f"{punch.punch_id}+",
            person_id=chance.choice((punch.person_id, chance.choice(list(self.people)))),
            site_id=chance.choice((punch.site_id, 1, 2)),
            is_check_in=chance.random() < 0.5,
            occurred_at=punch.occurred_at + timedelta(minutes=chance.choice((0, 1, 5, 6))),
        )

    def series(self) -> list[Punch]:
        """Return scores of one person day by day, so that there is a baseline to fall below."""
        scores = [0.95] * 11 + [self.chance.choice((0.80, 0.95))]
        return [
            Punch(
                f"b{n}",
                2,
                1,
                n % 2 == 0,
                START + timedelta(hours=11 * n),
                biometric_method="face",
                biometric_score=score,
            )
            for n, score in enumerate(scores)
        ]

    def punch(self, number: int) -> Punch:
        roll = self.chance.random
        person, site = (
            self.chance.choice((1, 2, 3, 4, 5, 6, 7, 7, 9)),
            self.chance.choice((1, 1, 1, 2, 2, 3)),
        )
        occurred_at = self.at()
        if roll() < 0.7:
            shift = self.chance.choice([*self.shifts, *self.late_shifts])
            person = self.chance.choice((*shift.entitled, person))
            site = shift.site_id if roll() < 0.9 else site
            around = self.chance.choice(
                (shift.starts_at, shift.ends_at, shift.starts_at + timedelta(hours=3))
            )
            occurred_at = around + timedelta(
                minutes=self.chance.choice((-70, -20, -5, 0, 3, 8, 14, 16, 40, 100))
            )
        place = self.sites[site - 1]
        fix = roll() < 0.6
        body = roll() < 0.4
        return Punch(
            punch_id=f"p{number}",
            person_id=person,
            site_id=site,
            is_check_in=roll() < 0.55,
            occurred_at=occurred_at,
            latitude=(place.latitude or 0) + self.chance.choice((0, 0, 0.001, 0.01, 3))
            if fix
            else None,
            longitude=place.longitude if fix else None,
            accuracy_m=self.chance.choice((None, 5, 60, 500, 5000)) if fix else None,
            device_id=self.chance.choice((None, "kiosk", "phone", "clock", "unknown", "stray")),
            biometric_method=self.chance.choice(("face", "iris", "card")) if body else None,
            biometric_score=self.chance.choice((0.6, 0.75, 0.95, 0.99)) if body else None,
            biometric_liveness=self.chance.choice((None, 0.4, 0.9)) if body else None,
            biometric_person_id=self.chance.choice((None, person, 3)) if body else None,
        )


def standing(scored_findings: list[ScoredFinding]) -> Standing:
    return {
        (scored.finding.subject, scored.finding.anomaly_type): scored for scored in scored_findings
    }


class Judge:
    """A judge that judges bit by bit, and keeps what stands as the record does."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.cursor = connection.cursor()
        self.standing: Standing = {}

    def look(self, touched: Touched, as_of: datetime) -> None:
        window = load(self.cursor, ACME, touched, as_of)
        kept = {
            key: scored for key, scored in self.standing.items() if key[0] not in window.subjects
        }
        self.standing = kept | standing(detect(window))
        assert not window.crashed


def sync_later(connection: psycopg.Connection, company: Company) -> Iterator[Touched]:
    """Write the rows of the roster that come after the punches, one by one, and yield each time
    what the judge has to look at again.
    """
    since = START - timedelta(days=30)
    for shift in company.late_shifts:
        add_roster(connection, shifts=[shift])
        yield Touched(shifts=frozenset((shift.shift_id,)), since=since)
    for row in company.late_assignments:
        add_roster(connection, assignments=[row])
        yield Touched(people=frozenset((row.person_id,)), since=since)
    for device in company.late_devices:
        add_roster(connection, devices=[device])
        yield Touched(devices=frozenset((device.device_id,)), since=since)


@pytest.mark.parametrize("seed", range(24))
def test_one_by_one_in_any_order_ends_as_all_at_once(
    connection: psycopg.Connection, seed: int
) -> None:
    company = Company(seed)
    add_tenant(connection)
    add_roster(
        connection,
        sites=company.sites,
        people=company.people,
        assignments=company.assignments,
        shifts=company.shifts,
        devices=company.devices,
        site_policies=company.site_policies,
    )
    punches = company.punches()
    company.chance.shuffle(punches)
    later = sync_later(connection, company)
    judge, as_of, end = Judge(connection), START, START + timedelta(days=6)
    while punches:
        batch = [
            punches.pop() for _ in range(min(len(punches), company.chance.choice((1, 1, 1, 5))))
        ]
        moved = [add_punch(connection, punch) for punch in batch]
        if company.chance.random() < 0.2:
            moved.append(void_punch(connection, batch[0]))
        swept, as_of = as_of, as_of + timedelta(minutes=company.chance.randint(1, 300))
        judge.look(Touched(punches=tuple(moved)), as_of)
        judge.look(Touched(swept=(swept, as_of)), as_of)
        if company.chance.random() < 0.2 and (change := next(later, None)):
            judge.look(change, as_of)
    for change in later:
        judge.look(change, as_of)
    judge.look(Touched(swept=(as_of, end)), end)
    everything = load_everything(judge.cursor, ACME, START - timedelta(days=5), end, end)
    expected = standing(detect(everything))
    assert sorted(judge.standing) == sorted(expected)
    for key, scored in expected.items():
        assert judge.standing[key] == scored


def test_a_shift_alone_is_judged_by_who_else_may_attend_it(connection: psycopg.Connection) -> None:
    """Anna may attend either shift. Ben, who only substitutes, takes the first, so she is at the
    second: only his punches show that.
    """
    anna, ben, hours = 1, 2, timedelta(hours=8)
    first, second = (
        Shift("s1", anna, 1, START, START + hours, (ben,)),
        Shift("s2", anna, 1, START, START + hours),
    )
    add_tenant(connection)
    add_roster(
        connection,
        sites=[Site(1, "Main Office", "UTC")],
        people={anna: "Anna", ben: "Ben"},
        shifts=[first, second],
    )
    for person_id, at in ((3, START - hours), (anna, START), (ben, START)):
        add_punch(connection, Punch(f"p{person_id}", person_id, 1, True, at))
    with connection.cursor() as cursor:
        for shift_id in ("s1", "s2"):
            window = load_subjects(
                cursor, ACME, frozenset((Subject("", shift_id),)), START + hours / 2
            )
            assert detect(window) == []


def test_the_number_of_statements_has_a_bound_whatever_the_batch(
    connection: psycopg.Connection,
) -> None:
    company = Company(3)
    add_tenant(connection)
    add_roster(
        connection,
        sites=company.sites,
        people=company.people,
        shifts=company.shifts,
        devices=company.devices,
    )
    punches = [company.punch(number) for number in range(60)]
    moved = tuple(add_punch(connection, punch) for punch in punches)
    end = START + timedelta(days=6)
    counts = {_statements(connection, Touched(punches=moved[:size]), end) for size in (1, 7, 60)}
    counts.add(_statements(connection, Touched(swept=(START, end)), end))
    assert max(counts) <= MOST_STATEMENTS


def _statements(connection: psycopg.Connection, touched: Touched, as_of: datetime) -> int:
    return len(_plans(connection, touched, as_of))


def _plans(connection: psycopg.Connection, touched: Touched, as_of: datetime) -> list[str]:
    """Load a window, and return the plan of each statement that it took."""
    plans: list[str] = []

    class Explaining(psycopg.Cursor):
        """A cursor of the connection: the statements of a judgement have one each."""

        def execute(self, query: Any, *arguments: Any, **more: Any) -> "Explaining":
            super().execute(f"EXPLAIN {query}", *arguments, **more)
            plans.append("\n".join(row[0] for row in self.fetchall()))
            return super().execute(query, *arguments, **more)

    usual, connection.cursor_factory = connection.cursor_factory, Explaining
    with connection.cursor() as cursor:
        load(cursor, ACME, touched, as_of)
    connection.cursor_factory = usual
    return plans


def test_no_statement_reads_the_whole_history(connection: psycopg.Connection) -> None:
    company = Company(3)
    add_tenant(connection)
    add_roster(
        connection,
        sites=company.sites,
        people=company.people,
        shifts=company.shifts,
        devices=company.devices,
    )
    moved = tuple(add_punch(connection, company.punch(number)) for number in range(60))
    connection.execute("ANALYZE")
    end = START + timedelta(days=6)
    plans = _plans(connection, Touched(punches=moved), end)
    plans += _plans(connection, Touched(swept=(START, end)), end)
    assert any("ix_punch" in plan for plan in plans)
    for plan in plans:
        assert not re.search(r"Seq Scan on (punch|shift|substitute)|(Hash|Merge) .*Join", plan), (
            plan
        )


@pytest.mark.parametrize("analyzed", [False, True])
def test_a_persons_shifts_are_found_without_reading_everybodys(
    connection: psycopg.Connection, analyzed: bool
) -> None:
    """Also where all begin at one instant, in a table of which the planner knows nothing yet."""
    add_tenant(connection)
    times = (START, START + timedelta(hours=8))
    connection.execute(
        """
        INSERT INTO shift (
            tenant_id, shift_id, person_id, site_id, starts_at, ends_at, substitutes
        ) SELECT 1, 's' || n, n, 1, %s, %s, ARRAY[n + 1] FROM generate_series(1, 3000) AS n
        """,
        times,
    )
    connection.execute(
        """
        INSERT INTO substitute (tenant_id, person_id, starts_at, shift_id)
        SELECT 1, n + 1, %s, 's' || n FROM generate_series(1, 3000) AS n
        """,
        times[:1],
    )
    if analyzed:
        connection.execute("ANALYZE")
    with connection.cursor() as cursor:
        read_tenant(cursor, ACME, by_index=True)
        values = {
            "tenant_id": ACME,
            "longest": LONGEST_SHIFT,
            "ranges": document(tuple(Range(n, *times) for n in range(1, 41))),
        }
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {_OWN_SHIFTS}", values)
        ((((plan,),),),) = (cursor.fetchall(),)
    scans = [node for node in _nodes(plan["Plan"]) if node.get("Relation Name") == "shift"]
    assert len(scans) == 2
    for scan in scans:
        passed = scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)
        assert passed <= 2, scan  # each time, of 3,000


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def test_another_tenants_punches_are_never_loaded(connection: psycopg.Connection) -> None:
    company = Company(3)
    add_tenant(connection)
    add_tenant(connection, GLOBEX)
    for tenant_id in (ACME, GLOBEX):
        add_roster(
            connection,
            sites=company.sites,
            people=company.people,
            shifts=company.shifts,
            tenant_id=tenant_id,
        )
    alone = company.punch(0)
    moved = add_punch(connection, alone)
    for number in range(1, 40):
        add_punch(connection, company.punch(number), GLOBEX)
    with connection.cursor() as cursor:
        window = load(cursor, ACME, Touched(punches=(moved,)), START + timedelta(days=6))
    assert [punch.punch_id for punch in window.punches()] == [alone.punch_id]


def test_an_unknown_tenant_says_so(connection: psycopg.Connection) -> None:
    with connection.cursor() as cursor, pytest.raises(LookupError, match="tenant 1 is unknown"):
        load(cursor, ACME, Touched(), START)


def test_a_voided_punch_and_a_cancelled_shift_stay_subjects(connection: psycopg.Connection) -> None:
    company = Company(3)
    add_tenant(connection)
    add_roster(connection, sites=company.sites, shifts=company.shifts[:1])
    punch = company.punch(0)
    add_punch(connection, punch)
    moved = void_punch(connection, punch)
    connection.execute("UPDATE shift SET cancelled = true")
    shift_id = company.shifts[0].shift_id
    with connection.cursor() as cursor:
        touched = Touched(punches=(moved,), shifts=frozenset((shift_id,)), since=START)
        window = load(cursor, ACME, touched, START + timedelta(days=6))
    assert {Subject(punch.punch_id, ""), Subject("", shift_id)} <= window.subjects
    assert detect(window) == []
