"""Judging bit by bit, in any order, ends in what judging everything at once finds."""

import random
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from models.database import psycopg_url
from models.ids import Id
from models.intake.roster.changed_keys import Changes
from models.schemas.roster import LONGEST_SHIFT
from tests.worker.load.everything import load_everything
from tests.worker.load.world import (
    ACME,
    GLOBEX,
    START,
    Version,
    add_absence,
    add_punch,
    add_roster,
    add_tenant,
    leave,
    note_change,
    set_device,
    set_person,
    set_site,
    set_versions,
    void_punch,
)
from worker.judging.detect import detect
from worker.judging.record import record
from worker.judging.spells_kept import keep_spells
from worker.judging.spread import _SPREAD_TENANT
from worker.judging.work_queue import discard, take_changes, take_punches
from worker.load import load, load_subjects
from worker.load.ranges import FOREVER, Range, document
from worker.load.shifts import _OWN_SHIFTS
from worker.load.tenant import read_tenant
from worker.load.touched import Touched
from worker.rules.finding import ScoredFinding, Subject
from worker.rules.window import Absence, Assignment, Device, Punch, Shift, Site, Window

Standing = dict[tuple[Subject, str], ScoredFinding]
MOST_STATEMENTS = 45  # each kind of look-up once or twice; fewer where there is nothing to look for


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
            Assignment(person, site, None, None, roving=(person + site) % 4 == 0)
            for person in self.people
            for site in (1, 2, 3)
            if self.chance.random() < 0.7
        ]
        self.shifts = [self.shift(number) for number in range(self.chance.randint(4, 14))]
        # These come after the punches.
        self.late_shifts, self.shifts = self.shifts[:3], self.shifts[3:]
        self.late_assignments, self.assignments = self.assignments[:2], self.assignments[2:]
        self.late_devices, self.devices = self.devices[2:], self.devices[:2]
        self.absences = [self.absence(f"l{n}", random.Random(100 * seed + n)) for n in range(5)]
        self.taps = seed % 3 == 0
        self.site_policies: dict[int, dict[str, Any]] = {
            2: {"max_work_hours": 9, "early_window_minutes": 30, "silent_people": 2},
            3: {"repeat_minutes": 30, "grace_minutes": 0},
        }
        if seed % 2:  # the sites differ in all that is measured by each site's own policy
            self.site_policies = {
                1: {
                    "silent_people": 1,
                    "max_spell_hours": 10,
                    "coarse_fix_cap_m": 300,
                    "early_window_minutes": 150,
                },
                2: {
                    "max_work_hours": 5,
                    "repeat_minutes": 90,
                    "wrong_person": "shadow",
                    "tap_gap_hours": 3,
                    "clock_slack_seconds": 600,
                    "handover_minutes": 300,
                },
                3: {"max_spell_hours": 60, "early_window_minutes": 400, "grace_minutes": 0},
            }

    def absence(self, absence_id: str, chance: random.Random) -> Absence:
        """Return one of a person or a site, by the day or from a moment on."""
        person_id, site_id = chance.choice(
            (*[(p, None) for p in self.people], (None, 1), (None, 2))
        )
        since = START + timedelta(hours=4 * chance.randint(0, 22))
        until = since + timedelta(hours=chance.choice((0, 4, 24, 40)))
        dates = chance.random() < 0.5
        return Absence(
            absence_id,
            person_id,
            site_id,
            since.date() if dates else since,
            until.date() if dates else until,
            chance.choice((None, "leave")),
        )

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
            occurred_at=punch.occurred_at + timedelta(minutes=chance.choice((0, 1, 5, 6))),
            **self.kind(0.5),
        )

    def kind(self, check_ins: float) -> dict[str, Any]:
        """Return the fields of a check-in or check-out; some companies have clocks that tell no
        direction, too.
        """
        if self.taps and self.chance.random() < 0.4:
            return {"is_check_in": True, "is_tap": True}
        return {"is_check_in": self.chance.random() < check_ins, "is_tap": False}

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
        person: Any
        site: Any
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
            occurred_at=occurred_at,
            **self.kind(0.55),
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
        self.subjects: set[Subject] = set()

    def take_changes(self, as_of: datetime) -> None:
        """Judge what was noted of the roster, and whatever that is spread over."""
        while batch := take_changes(self.cursor, ACME, as_of):
            self.look(batch.touched, as_of)
            discard(self.cursor, ACME, batch)

    def look(self, touched: Touched, as_of: datetime) -> None:
        def keep(window: Window) -> None:
            keep_spells(self.cursor, window, touched)

        window = load(self.cursor, ACME, touched, as_of, keep=keep)
        kept = {
            key: scored for key, scored in self.standing.items() if key[0] not in window.subjects
        }
        found = detect(window)
        record(self.cursor, window, found, touched)  # further judgements look at what stands
        self.standing = kept | standing(found)
        self.subjects |= window.subjects
        assert not window.crashed
        if batch := take_punches(self.cursor, ACME, backfill=True):  # what was left to wait
            discard(self.cursor, ACME, batch)
            self.look(batch.touched, as_of)


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
        yield Touched(people=(Range(row.person_id, since, FOREVER),), since=since)
    for device in company.late_devices:
        add_roster(connection, devices=[device])
        yield Touched(devices=(Range(device.device_id, since, FOREVER),), since=since)


@pytest.mark.parametrize("seed", range(int(__import__("os").environ.get("SEEDS", "24"))))
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
        absences=company.absences,
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


class Upheaval:
    """What may change in a company from some moment on, or up to one: each is noted as a change."""

    def __init__(self, connection: psycopg.Connection, company: Company) -> None:
        self.connection, self.company, self.at = connection, company, company.at()
        self.until = self.at + timedelta(hours=company.chance.choice((1, 20)))

    def leaver(self) -> None:
        person_id = self.company.chance.choice((1, 2, 3))
        set_person(self.connection, person_id, [(None, self.at, f"Person {person_id}")])
        for shift_id in leave(self.connection, person_id, self.at):
            note_change(self.connection, "shift", shift_id, self.at)
        self._note_person(person_id, self.at, None)

    def joiner(self) -> None:
        set_person(self.connection, 4, [(self.at, None, "Person 4")])
        self._note_person(4, None, self.at)

    def other_name_for_a_while(self) -> None:
        versions = [
            (None, self.at, "Person 5"),
            (self.at, self.until, "Five"),
            (self.until, None, "Person 5"),
        ]
        set_person(self.connection, 5, versions)
        self._note_person(5, self.at, self.until)

    def device_handed_on(self) -> None:
        versions = [(None, self.at, Device("phone", False, 1)), (self.at, None, PHONE_OF_4)]
        set_device(self.connection, "phone", versions)
        note_change(self.connection, "device", "phone", self.at)

    def device_shared_for_a_while(self) -> None:
        clock, shared = Device("clock", False), Device("clock", True)
        versions = [
            (None, self.at, clock),
            (self.at, self.until, shared),
            (self.until, None, clock),
        ]
        set_device(self.connection, "clock", versions)
        note_change(self.connection, "device", "clock", self.at, self.until)

    def device_declared_in_time(self) -> None:
        set_device(self.connection, "stray", [(self.at, None, Device("stray", True))])
        note_change(self.connection, "device", "stray", self.at)

    def site_moved(self) -> None:
        there = self.company.sites[0]
        here = there._replace(name="New Office", latitude=53.4)
        set_site(self.connection, 1, [(None, self.at, there, {}), (self.at, None, here, {})])
        note_change(self.connection, "site", 1, self.at)

    def site_stricter_for_a_while(self) -> None:
        depot, usual = self.company.sites[1], self.company.site_policies[2]
        versions: list[tuple[datetime | None, datetime | None, Site, dict[str, Any]]] = [
            (None, self.at, depot, usual),
            (self.at, self.until, depot, STRICT),
            (self.until, None, depot, usual),
        ]
        set_site(self.connection, 2, versions)
        note_change(self.connection, "site", 2, self.at, self.until)

    def tenant_stricter(self) -> None:
        policies: list[Version] = [
            (None, self.at, {"policy": {}}),
            (self.at, None, {"policy": STRICT}),
        ]
        set_versions(self.connection, "tenant", {}, policies)
        note_change(self.connection, "tenant", "", self.at)

    def roves_for_a_while(self) -> None:
        for person_id, site_id in ((1, 1), (2, 1), (3, 2)):
            row = Assignment(person_id, site_id, self.at, self.until, roving=True)
            add_roster(self.connection, assignments=[row])
            note_change(self.connection, "person", person_id, self.at, self.until)

    def roves_no_more(self) -> None:
        roving = self.connection.execute(
            "UPDATE assignment SET roving = false WHERE roving AND valid_from IS NULL"
            " RETURNING person_id"
        )
        for (person_id,) in roving.fetchall():
            note_change(self.connection, "person", person_id)

    def absent_after_all(self) -> None:
        for absence in self.company.absences[3:]:
            self._note_absence(absence)

    def absent_at_other_times(self) -> None:
        for absence, chance in zip(self.company.absences, (self.company.chance,) * 3, strict=False):
            other = self.company.absence(absence.absence_id, chance)
            kept = chance.choice((("since",), ("until",), ()))
            whose = {name: getattr(absence, name) for name in ("person_id", "site_id", *kept)}
            moved = other._replace(**whose)
            if type(moved.since) is type(moved.until) and moved.since <= moved.until:
                self._note_absence(moved)

    def absence_of_another(self) -> None:
        other = self.company.absence("l0", self.company.chance)
        self._note_absence(other)

    def no_absence(self) -> None:
        for absence in self.company.absences[:2]:
            self._note_absence(absence, standing=False)

    def _note_absence(self, absence: Absence, *, standing: bool = True) -> None:
        changes = Changes()
        changes.note_absence(*add_absence(self.connection, absence, standing=standing))
        for change in changes:
            note_change(self.connection, *change)

    def _note_person(self, person_id: Id, since: datetime | None, until: datetime | None) -> None:
        for kind in ("person", "named"):
            note_change(self.connection, kind, person_id, since, until)


PHONE_OF_4 = Device("phone", False, 4)
STRICT = {
    "grace_minutes": 0,
    "early_window_minutes": 10,
    "kiosk_people": 2,
    "biometric_min_score": 0.97,
    "buddy_window_minutes": 1,
    "max_work_hours": 4,
    "late_severity": "HIGH",
    "no_show_after_minutes": 0,
    "geofence_violation": "shadow",
}
UPHEAVALS = (
    Upheaval.leaver,
    Upheaval.joiner,
    Upheaval.other_name_for_a_while,
    Upheaval.device_handed_on,
    Upheaval.device_shared_for_a_while,
    Upheaval.device_declared_in_time,
    Upheaval.site_moved,
    Upheaval.site_stricter_for_a_while,
    Upheaval.tenant_stricter,
    Upheaval.roves_for_a_while,
    Upheaval.roves_no_more,
    Upheaval.absent_after_all,
    Upheaval.absent_at_other_times,
    Upheaval.absence_of_another,
    Upheaval.no_absence,
)


@pytest.mark.parametrize("seed", range(int(__import__("os").environ.get("SEEDS", "24"))))
def test_a_roster_that_changes_in_time_ends_as_all_at_once(
    connection: psycopg.Connection, seed: int
) -> None:
    """Only the time for which something changed is judged again: the rest was right before."""
    company = Company(seed)
    add_tenant(connection)
    add_roster(
        connection,
        sites=company.sites,
        people=company.people,
        assignments=company.assignments + company.late_assignments,
        shifts=company.shifts + company.late_shifts,
        absences=company.absences[:3],
        devices=company.devices + company.late_devices,
        site_policies=company.site_policies,
    )
    punches, end = company.punches(), START + timedelta(days=6)
    company.chance.shuffle(punches)
    changes = company.chance.sample(UPHEAVALS, 4)
    judge = Judge(connection)
    while punches or changes:
        if changes and company.chance.random() < 0.2:
            changes.pop()(Upheaval(connection, company))
            judge.take_changes(end)
        moved = tuple(add_punch(connection, punch) for punch in punches[:3])
        del punches[:3]
        judge.look(Touched(punches=moved), end)
    everything = load_everything(judge.cursor, ACME, START - timedelta(days=5), end, end)
    expected = standing(detect(everything))
    assert sorted(judge.standing) == sorted(expected)
    for key, scored in expected.items():
        assert judge.standing[key] == scored


def test_what_lies_far_from_the_time_of_a_change_is_not_judged_again(
    connection: psycopg.Connection,
) -> None:
    add_tenant(connection)
    add_roster(connection, sites=[Site(1, "Main Office", "UTC")], people={1: "Anna"})
    punches = [Punch(f"p{day}", 1, 1, True, START + timedelta(days=day)) for day in range(30)]
    touched = tuple(add_punch(connection, punch) for punch in punches)
    judge = Judge(connection)
    judge.look(Touched(punches=touched), START + timedelta(days=30))
    judge.take_changes(START + timedelta(days=30))
    judge.subjects.clear()
    note_change(connection, "site", 1, START + timedelta(days=10), START + timedelta(days=11))
    judge.take_changes(START + timedelta(days=30))
    days = {int(subject.punch_id[1:]) for subject in judge.subjects}
    assert {9, 10, 11, 12} <= days
    assert min(days) >= 7
    assert max(days) <= 20


HOUR = timedelta(hours=1)


def _in(name: str, person_id: Id, hours: float, site_id: Id = 1, **fields: Any) -> Punch:
    """Return a check-in so many hours after the start."""
    return Punch(name, person_id, site_id, True, START + hours * HOUR, **fields)


def _out(name: str, person_id: Id, hours: float, site_id: Id = 1) -> Punch:
    return _in(name, person_id, hours, site_id)._replace(is_check_in=False)


def _shift(person_id: Id, starts: float, *substitutes: int) -> Shift:
    times = START + starts * HOUR, START + (starts + 6) * HOUR
    return Shift("s", person_id, 1, *times, substitutes)


def _begin(
    connection: psycopg.Connection,
    punches: Iterable[Punch],
    shifts: Iterable[Shift] = (),
    policy: dict[str, Any] | None = None,
) -> Judge:
    """Have a small company whose punches were judged, long after them."""
    add_tenant(connection, policy=policy)
    add_roster(
        connection,
        sites=[MAIN, DEPOT],
        people={1: "Anna", 2: "Ben"},
        assignments=[Assignment(person, site, None, None) for person in (1, 2) for site in (1, 2)],
        shifts=shifts,
        site_policies={2: {"repeat_minutes": 90}},
    )
    judge = Judge(connection)
    judge.look(Touched(punches=tuple(add_punch(connection, punch) for punch in punches)), LATER)
    judge.look(Touched(swept=(START - 99 * HOUR, LATER)), LATER)
    return judge


def _reasons(judge: Judge) -> set[tuple[str, str]]:
    """Return the id of each punch or shift, and the reason that stands on it."""
    return {
        ("".join(scored.finding.subject), scored.finding.reason)
        for scored in judge.standing.values()
    }


MAIN, DEPOT = Site(1, "Main Office", "UTC", 52.5, 13.4), Site(2, "Depot", "UTC", 52.6, 13.4)
LATER = START + timedelta(days=9)


def test_a_stay_that_began_long_before_is_one_where_the_person_roved_then(
    connection: psycopg.Connection,
) -> None:
    """The assignment is of the other site, and of one instant, 35 hours before the subject."""
    punches = [_in("a", 1, 0), _in("b", 1, 35, site_id=2), _out("y", 1, 36)]
    punches += [_out("z", 1, 37)._replace(site_id=2)]
    judge = _begin(connection, punches)
    assert ("b", "overlapping") in _reasons(judge)
    roving = Assignment(1, 1, START, START, roving=True)
    add_roster(connection, assignments=[roving])
    note_change(connection, "person", 1, START, START)
    judge.take_changes(LATER)
    assert ("b", "overlapping") not in _reasons(judge)
    window = load_subjects(judge.cursor, ACME, frozenset([Subject("b", "")]), LATER)
    assert roving in window.assignments[1, 1]


@pytest.mark.parametrize("entitled", ["Anna", "Anna as Ben's substitute"])
@pytest.mark.parametrize("whose", ["site", "tenant"])
def test_whoever_came_at_the_time_of_a_change_may_have_stayed_for_a_later_shift(
    connection: psycopg.Connection, whose: str, entitled: str
) -> None:
    shift = _shift(1, 28) if entitled == "Anna" else _shift(2, 28, 1)
    punches = [_in("first", 2, -90), _in("in", 1, -1 / 60), _out("out", 1, 30, 2)]
    judge = _begin(connection, punches, [shift])
    assert ("s", "no_show") not in _reasons(judge)
    short, since = {"max_spell_hours": 12}, START - HOUR
    if whose == "site":
        versions = [(None, since, MAIN, {}), (since, START, MAIN, short), (START, None, MAIN, {})]
        set_site(connection, 1, versions)
        note_change(connection, "site", 1, since, START)
    else:
        policies = [(None, since, {}), (since, START, short), (START, None, {})]
        rows = [(since, until, {"policy": policy}) for since, until, policy in policies]
        set_versions(connection, "tenant", {}, rows)
        note_change(connection, "tenant", "", since, START)
    judge.take_changes(LATER)
    assert ("s", "no_show") in _reasons(judge)


def test_a_tenants_change_reaches_whoever_is_compared_with_a_punch_of_its_time(
    connection: psycopg.Connection,
) -> None:
    """Anna's coarse fix, if it tells where she was, leaves time for the way from Ben's punch to
    hers, which was made with his face.
    """
    usual = {"buddy_window_minutes": 15, "max_travel_speed_kmh": 30, "min_travel_km": 2}
    face: dict[str, Any] = {"biometric_method": "face", "biometric_score": 0.95}
    fix = {"latitude": MAIN.latitude, "longitude": MAIN.longitude, "accuracy_m": 1_500.0}
    anna = _in("anna", 1, 5 / 60, 2, biometric_person_id=2, **face, **fix)
    judge = _begin(connection, [_out("ben", 2, -5 / 60)._replace(**face), anna], policy=usual)
    assert ("ben", "two_places_at_once") in _reasons(judge)
    policies: list[Version] = [
        (None, START, {"policy": usual}),
        (START, None, {"policy": usual | {"coarse_fix_cap_m": 5_000}}),
    ]
    set_versions(connection, "tenant", {}, policies)
    note_change(connection, "tenant", "", START)
    judge.take_changes(LATER)
    assert ("ben", "two_places_at_once") not in _reasons(judge)


def test_a_check_out_ends_what_the_last_of_several_check_ins_would_have_shown(
    connection: psycopg.Connection,
) -> None:
    """The last would only repeat the first by the policy of another site."""
    policy = {"early_window_minutes": 0, "repeat_minutes": 0}
    judge = _begin(
        connection,
        [_in("before", 2, -90), _in("first", 1, 0), _in("last", 1, 1)],
        [_shift(1, 16.5)],
        policy,
    )
    assert ("s", "no_show") not in _reasons(judge)
    judge.look(Touched(punches=(add_punch(connection, _out("out", 1, 8)),)), LATER)
    assert ("s", "no_show") in _reasons(judge)


def test_a_check_in_before_another_makes_its_check_out_too_late(
    connection: psycopg.Connection,
) -> None:
    policy = {"early_window_minutes": 0, "repeat_minutes": 90}
    judge = _begin(
        connection,
        [_in("before", 2, -90), _in("in", 1, 1), _out("out", 1, 36.75, 2)],
        [_shift(1, 36.6)],
        policy,
    )
    assert ("s", "no_show") not in _reasons(judge)
    judge.look(Touched(punches=(add_punch(connection, _in("earlier", 1, 0.5)),)), LATER)
    assert ("s", "no_show") in _reasons(judge)


@pytest.mark.parametrize("changed", ["shift", "person"])
def test_a_change_of_the_roster_judges_nothing_from_before_it_reaches_back(
    connection: psycopg.Connection, changed: str
) -> None:
    """Neither check-ins for a shift that began later, nor shifts that were over by then."""
    over = _shift(1, -7)._replace(shift_id="over", ends_at=START - HOUR / 60)
    punches = [_in("own", 1, -0.5), _in("substitute", 2, -0.5), _in("stranger", 3, -0.5)]
    after = [
        punch._replace(punch_id=f"{punch.punch_id} after", occurred_at=START + HOUR)
        for punch in punches
    ]
    judge = _begin(connection, [*punches, *after], [_shift(1, 0.25, 2), over])
    judge.subjects.clear()
    touched = Touched(since=START)
    if changed == "shift":
        judge.look(touched._replace(shifts=frozenset(("s",))), LATER)
    else:
        judge.look(touched._replace(people=(Range(1, START, FOREVER),)), LATER)
    assert judge.subjects == {Subject("", "s"), *(Subject(punch.punch_id, "") for punch in after)}


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
        absences=company.absences,
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
    """Load a window, keep its spells, and return the plan of each statement that it took."""
    plans: list[str] = []

    class Explaining(psycopg.Cursor):
        """A cursor of the connection: the statements of a judgement have one each."""

        def execute(self, query: Any, *arguments: Any, **more: Any) -> "Explaining":
            super().execute(f"EXPLAIN {query}", *arguments, **more)
            plans.append("\n".join(row[0] for row in self.fetchall()))
            return super().execute(query, *arguments, **more)

    usual, connection.cursor_factory = connection.cursor_factory, Explaining
    with connection.cursor() as cursor:

        def keep(window: Window) -> None:
            keep_spells(cursor, window, touched)

        load(cursor, ACME, touched, as_of, keep=keep)
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
    connection.execute("DELETE FROM spell WHERE punch_id = 'p1'")
    plans += _plans(connection, Touched(punches=moved), end)
    assert {"ix_punch", "ix_spell"} <= set(re.findall(r"ix_(?:punch|spell)", "".join(plans)))
    for plan in plans:
        assert not re.search(
            r"Seq Scan on (punch|shift|substitute|spell|absence)|(Hash|Merge) .*Join", plan
        ), plan


def test_a_change_of_the_tenant_is_spread_without_reading_the_whole_history(
    connection: psycopg.Connection,
) -> None:
    add_tenant(connection)
    sites = [Site(site_id, f"Site {site_id}", "UTC") for site_id in range(1, 21)]
    shifts = [_shift(1, 24 * day)._replace(shift_id=f"s{day}") for day in range(400)]
    add_roster(connection, sites=sites, shifts=shifts)
    for number in range(4_000):
        add_punch(connection, _in(f"p{number}", number % 90, 6 * number, number % 20 + 1))
    connection.execute("ANALYZE")
    values = {
        "tenant_id": ACME,
        "as_of": LATER,
        "from": START,
        "to": START + HOUR,
        "forever": FOREVER,
        "longest": LONGEST_SHIFT,
        "presence": 96 * HOUR,
    }
    with connection.cursor() as cursor:
        read_tenant(cursor, ACME, by_index=True)
        cursor.execute(f"EXPLAIN {_SPREAD_TENANT}", values)
        plan = "\n".join(row for (row,) in cursor.fetchall())
    # by site and time: all of the tenant's would be read by either alone
    assert re.search(r"ix_punch_site_occurred.*\n *Index Cond: .*site_id.*occurred_at", plan), plan
    assert not re.search(r"Seq Scan on (punch|shift)", plan), plan


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
    connection.execute("UPDATE shift SET cancelled = true, standing = false")
    shift_id = company.shifts[0].shift_id
    with connection.cursor() as cursor:
        touched = Touched(punches=(moved,), shifts=frozenset((shift_id,)), since=START)
        window = load(cursor, ACME, touched, START + timedelta(days=6))
    assert {Subject(punch.punch_id, ""), Subject("", shift_id)} <= window.subjects
    assert detect(window) == []
