"""Companies in which much happens at once, made from a seed, and what the product says of them.

A few people work at a few sites by clocks that record minutes. Shifts follow and overlap each
other, people forget, repeat and mistake what they tap, and come to the wrong site.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pprint import pformat
from random import Random
from typing import Any, TypeVar

from models.ids import Id
from tests.properties.reference import Company, Told
from tests.properties.reference_types import standing
from tests.worker.windows import DAY, build
from worker.judging.detect import detect
from worker.rules.window import Absence, Assignment, Device, Merge, Punch, Shift, Site, Window

Kind = tuple[str, str, str]  # a type, a reason, and on which side it stands

T = TypeVar("T")

PEOPLE = (1, 2, 3, 4)
MINUTE = timedelta(minutes=1)
_DEGREE_M = 111_300.0  # of latitude
# How far the second and the third site are from the first.
_WAYS_KM = (0.5, 1.0, 2.0, 4.0, 6.0, 12.0, 60.0, 300.0)
_KEYS: dict[str, tuple[Any, ...]] = {
    "clock_slack_seconds": (0.0, 30.0, 600.0),
    "repeat_minutes": (0.0, 3.0, 60.0),
    "handover_minutes": (0.0, 10.0, 120.0),
    "holdover_minutes": (0.0, 30.0, 600.0),
    "max_break_minutes": (0.0, 30.0, 600.0),
    "max_spell_hours": (4.0, 12.0, 24.0),
    "max_work_hours": (2.0, 8.0, 12.0),
    "missing_check_out_after_hours": (0.0, 1.0, 12.0),
    "early_window_minutes": (0.0, 15.0, 240.0),
    "early_limit_hours": (0.0, 1.0, 12.0),
    "grace_minutes": (0.0, 5.0, 60.0),
    "no_show_after_minutes": (0.0, 120.0),
    "silent_people": (1, 2),
    "post_empty_minutes": (0.0, 30.0, 240.0),
    "buddy_window_minutes": (0.0, 1.0, 30.0),
    "gps_accuracy_cap_m": (0.0, 20.0, 500.0),
    "coarse_fix_cap_m": (50.0, 5_000.0),
    "cached_fix_minutes": (0.0, 240.0),
    "min_travel_km": (0.0, 5.0),
    "max_travel_speed_kmh": (30.0, 1_000.0),
    "teleport_min_km": (0.1, 50.0),
    "teleport_speed_kmh": (100.0,),
    "biometric_z": (1.0,),
    "wrong_person": ("off", "shadow"),
    "unauthorized_site": ("off", "shadow"),
    "schedule_mismatch": ("off", "shadow"),
}


_WITHOUT_FIX: dict[str, Any] = dict.fromkeys(
    ("latitude", "longitude", "accuracy_m", "is_mock_location")
)
_WITHOUT_BODY: dict[str, Any] = dict.fromkeys(
    name for name in Punch._fields if name.startswith("biometric_")
)


def crowded(seed: int) -> Company:
    """Return the company of a seed."""
    return _Making(Random(seed)).company()


class _Making:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.punches: list[Punch] = []

    def company(self) -> Company:
        self.sites = self._sites()
        self.is_to_the_minute = self.random.random() < 0.8
        shifts = self._shifts()
        for shift in shifts:
            if self.random.random() < 0.85:
                self._work(shift)
        moments = [shift.starts_at for shift in shifts] + [shift.ends_at for shift in shifts]
        for _ in range(self.random.choice((0, 2, 5))):
            moments += [punch.occurred_at for punch in self.punches]
            moment = self.random.choice([*moments, DAY + timedelta(hours=8)])
            self._punch(
                self.random.choice(PEOPLE),
                self._any_site(),
                self.random.random() < 0.5,
                moment + timedelta(minutes=self._any((0, 0, 0, 1, 2, -1, 5, 20, -20, 60, 200))),
            )
        if self.random.random() < 0.2:
            self._history()
        self.punches = self.punches[-22:]
        self.is_quiet = bool(shifts) and self.random.random() < 0.25
        if self.is_quiet:
            self._silence(self._any(shifts))
        as_of = self._as_of(shifts)
        self.punches = [punch for punch in self.punches if punch.occurred_at <= as_of]
        merges = self._merges()
        if merges:
            self.punches = [_counted(punch, merges) for punch in self.punches]
            shifts = [_counted_shift(shift, merges) for shift in shifts]
        return replace(self._company(shifts, as_of), merges=merges)

    def _silence(self, shift: Shift) -> None:
        """Let nothing come of a shift's site, or of one device, for hours about its start."""
        since = shift.starts_at - timedelta(minutes=self._any((0, 15, 61, 300)))
        until = shift.starts_at + timedelta(minutes=self._any((0, 1, 20, 119, 121, 1_000)))
        device_id = self._any((None, "kiosk"))
        before = [
            Punch(f"q{who}", who, shift.site_id, False, since - who * MINUTE, device_id="kiosk")
            for who in PEOPLE
        ]
        self.punches = before + [
            punch
            for punch in self.punches
            if not since <= punch.occurred_at <= until
            or (punch.device_id != "kiosk" if device_id else punch.site_id != shift.site_id)
        ]

    def _as_of(self, shifts: list[Shift]) -> datetime:
        """Return a moment after all that happened or, now and then, in the midst of it."""
        if shifts and self.random.random() < 0.3:
            shift = self._any(shifts)
            at: datetime = self._any((shift.starts_at, shift.ends_at))
            return at + timedelta(minutes=self._any((0, 1, 31, 91, 151, -1, -31, -91)))
        ends = [punch.occurred_at for punch in self.punches] or [DAY]
        return max(ends) + timedelta(hours=self._any((0, 1, 3, 9, 17, 20, 30, 100)))

    def _company(self, shifts: list[Shift], as_of: datetime) -> Company:
        policy = self._policy()
        site_policies: dict[Id, dict[str, Any]] = {}
        if self.random.random() < 0.2:
            site_policies = {self._any_site(): self._policy()}
        return Company(
            punches=self.punches,
            shifts=shifts,
            people=frozenset(self._any((PEOPLE, PEOPLE, PEOPLE, (1, 2, 3), (1, 2), ()))),
            sites=self.sites,
            assignments=self._assignments(),
            absences=self._absences(),
            devices=self._devices(),
            policy=policy,
            site_policies=site_policies,
            roster_complete=self.random.random() < 0.95,
            as_of=as_of,
        )

    def _any(self, values: Sequence[Any]) -> Any:
        return self.random.choice(values)

    def _any_site(self) -> Id:
        site: Site = self._any((self.sites[0], *self.sites))
        return site.site_id

    def _sites(self) -> list[Site]:
        north = [0.0, *(self._any(_WAYS_KM) for _ in range(self._any((1, 1, 2))))]
        sites = []
        for number, way_km in enumerate(north, start=1):
            latitude = 52.0 + way_km * 1000 / _DEGREE_M * (-1) ** number
            is_known = self.random.random() < 0.9
            place = (latitude, 13.0) if is_known else (None, None)
            radius = self._any((200.0, 200.0, None, 50.0))
            zone = self._any(("UTC", "UTC", "Asia/Tokyo", "America/New_York"))
            sites.append(Site(number, f"Site {number}", zone, place[0], place[1], radius))
        return sites

    def _shifts(self) -> list[Shift]:
        shifts: list[Shift] = []
        for number in range(self._any((0, 1, 2, 2, 3, 4, 5))):
            starts_at = DAY + timedelta(
                hours=self._any((6, 8, 8, 8, 14, 22, 30, 32)), minutes=self._any((0, 0, 0, 30))
            )
            person_id, site_id = self._any(PEOPLE), self._any_site()
            hours = self._any((1, 4, 8, 8, 8, 12, 16, 17))
            if shifts and self.random.random() < 0.5:  # a second half, or the same once more
                other = self._any(shifts)
                starts_at = self._any((other.ends_at, other.ends_at, other.starts_at))
                site_id = self._any((other.site_id, other.site_id, site_id))
                person_id = self._any((other.person_id, other.person_id, person_id))
            substitutes = tuple(sorted({*self._some_people()} - {person_id}))
            shifts.append(
                Shift(
                    f"s{number}",
                    person_id,
                    site_id,
                    starts_at,
                    starts_at + timedelta(hours=hours),
                    substitutes,
                    # One that has nobody else counts nowhere, and is not even loaded.
                    person_left=bool(substitutes) and self.random.random() < 0.1,
                )
            )
        return shifts

    def _some_people(self) -> list[Id]:
        return self.random.sample(PEOPLE, self._any((0, 0, 1, 1, 2)))

    def _work(self, shift: Shift) -> None:
        """Somebody comes for a shift, more or less."""
        who = self._any((*[shift.person_id] * 4, *shift.substitutes, *shift.substitutes))
        who = who if self.random.random() < 0.9 else self._any(PEOPLE)
        site_id = shift.site_id if self.random.random() < 0.9 else self._any_site()
        begins = shift.starts_at + timedelta(
            minutes=self._any((-200, -61, -60, -20, -5, -1, 0, 0, 1, 10, 15, 16, 29, 45, 120))
        )
        ends = shift.ends_at + timedelta(
            minutes=self._any((-180, -45, -31, -16, -15, -1, 0, 0, 1, 5, 20, 61, 119, 121, 400))
        )
        if self.random.random() < 0.9:
            self._tap(who, site_id, True, begins)
        if self.random.random() < 0.3:
            self._break(who, site_id, begins, ends)
        if self.random.random() < 0.85:
            closes_at = site_id if self.random.random() < 0.9 else self._any_site()
            self._tap(who, closes_at, False, ends)

    def _tap(self, who: int, site_id: Id, is_check_in: bool, moment: datetime) -> None:
        """Tap once or more often, and now and then the wrong way."""
        wrong = self.random.random()
        if wrong < 0.07:
            self._punch(who, site_id, not is_check_in, moment + self._a_while())
        self._punch(who, site_id, is_check_in if wrong < 0.93 else not is_check_in, moment)
        for _ in range(self._any((0, 0, 0, 0, 0, 0, 1, 1, 2))):
            moment += self._a_while()
            self._punch(who, site_id, is_check_in, moment)

    def _a_while(self) -> timedelta:
        return timedelta(minutes=self._any((0, 1, 2, 5, 9, 10, 11, 25, 30, 31)))

    def _break(self, who: int, site_id: Id, begins: datetime, ends: datetime) -> None:
        """Go away in between, to nowhere or to another site."""
        out = begins + (ends - begins) * self.random.random()
        out = max(out.replace(second=0, microsecond=0), begins)
        back = out + timedelta(minutes=self._any((0, 1, 20, 45, 90, 91, 180)))
        self._tap(who, site_id, False, out)
        if self.random.random() < 0.4:
            there = self._any_site()
            self._tap(who, there, True, out + timedelta(minutes=self._any((-2, -1, 0, 1, 5, 30))))
            self._tap(who, there, False, back - timedelta(minutes=self._any((0, 1, 5))))
        self._tap(who, site_id, True, back)

    def _punch(self, who: int, site_id: Id, is_check_in: bool, moment: datetime) -> None:
        if not self.is_to_the_minute:
            moment += timedelta(seconds=self._any((0, 0, 1, 30, 59)))
        number = len(self.punches)
        punch_id = f"{self._any(('a', 'b', 'c'))}{number}"
        punch = Punch(punch_id, who, site_id, is_check_in, moment)
        self.punches.append(punch._replace(**self._fix(site_id), **self._how(who)))

    def _fix(self, site_id: Id) -> dict[str, Any]:
        chance = self.random.random()
        if chance < 0.4:
            return {}
        if chance < 0.43:
            return {"latitude": self._any((0.0, 91.0, 0.001)), "longitude": 0.0}
        if chance < 0.5 and self.punches:
            last = self.punches[-1]
            return {name: getattr(last, name) for name in ("latitude", "longitude", "accuracy_m")}
        where = self._any((site_id, site_id, site_id, site_id, 1))
        site = next(site for site in self.sites if site.site_id == where)
        north = self._any((0, 0, 0, 100, 211, 250, 420, 900, 2_100, 9_000)) / _DEGREE_M
        return {
            "latitude": (52.0 if site.latitude is None else site.latitude) + north,
            "longitude": 13.0,
            "accuracy_m": self._any((None, 5.0, 5.0, 30.0, 150.0, 800.0, 1_000.0, 3_000.0)),
            "is_mock_location": self._any((None, False, *(None,) * 20, True)),
        }

    def _how(self, who: int) -> dict[str, Any]:
        device_id = self._any((None, None, "kiosk", "phone", f"phone {who}", "stray"))
        if self.random.random() < 0.6:
            return {"device_id": device_id}
        return {
            "device_id": device_id,
            "biometric_method": self._any(("face", "face", "face", "iris", "card")),
            "biometric_score": self._any((None, 0.6, 0.9, 0.97, 0.97)),
            "biometric_liveness": self._any((None, 0.4, 0.5, 0.9, 0.9)),
            "biometric_person_id": self._any((None, None, None, who, *PEOPLE)),
        }

    def _history(self) -> None:
        """Somebody's face was recognised well at ten taps of the days before."""
        for number in range(self._any((9, 10, 11))):
            days, is_check_in = divmod(number, 2)
            self.punches.insert(
                0,
                Punch(
                    f"h{number}",
                    1,
                    1,
                    not is_check_in,
                    DAY + timedelta(days=days - 30, hours=8 + 8 * is_check_in),
                    biometric_method="face",
                    biometric_score=self._any((0.96, 0.97, 0.99)),
                    biometric_liveness=0.9,
                ),
            )

    def _assignments(self) -> list[Assignment]:
        chance = self.random.random()
        if chance < 0.1:
            return []
        rows = [Assignment(4, 1)]  # so that there is one at any moment
        for person_id in PEOPLE:
            for site in self.sites:
                if self.random.random() < 0.6:
                    until = self._any((None, None, None, DAY + timedelta(hours=12)))
                    roving = self.random.random() < 0.25
                    rows.append(Assignment(person_id, site.site_id, None, until, roving))
        return rows

    def _absences(self) -> list[Absence]:
        """People are on leave and sites on holiday, by the day or from a moment on."""
        rows = []
        for number in range(self._any((0, 0, 0, 1, 2, 3))):
            person_id, site_id = self._any(
                (*[(who, None) for who in PEOPLE] * 2, (None, self._any_site()))
            )
            if self.random.random() < 0.5:
                since: date = DAY.date() + timedelta(days=self._any((-1, 0, 0, 1)))
                until: date = since + timedelta(days=self._any((0, 0, 1)))
            else:
                since = DAY + timedelta(hours=self._any((0, 6, 8, 14, 15, 22)))
                until = since + timedelta(hours=self._any((0, 1, 8, 24)))
            rows.append(Absence(f"l{number}", person_id, site_id, since, until))
        return rows

    def _merges(self) -> list[Merge]:
        """Now and then two of them are one person, from some moment on."""
        if self.random.random() < 0.8:
            return []
        person_id, into_id = self.random.sample(PEOPLE, 2)
        moments = [None, DAY + timedelta(hours=8), *(punch.occurred_at for punch in self.punches)]
        return [Merge(person_id, self._any(moments), None, into_id)]

    def _devices(self) -> list[Device]:
        devices = [Device("kiosk", True), Device("phone", False, self._any((None, 1)))]
        devices += [Device(f"phone {who}", False, who) for who in PEOPLE]
        return [device for device in devices if self.random.random() < 0.9]

    def _policy(self) -> dict[str, Any]:
        names = self.random.sample(sorted(_KEYS), self._any((0, 0, 1, 2, 4)))
        if self.is_quiet:
            names.append("silent_people")
        return {name: self._any(_KEYS[name]) for name in names}


def _counts_as(person_id: Id, at: datetime, merges: Sequence[Merge]) -> Id:
    (merge,) = merges
    return merge.into_id if merge.person_id == person_id and merge.holds(at) else person_id


def _counted(punch: Punch, merges: Sequence[Merge]) -> Punch:
    body, at = punch.biometric_person_id, punch.occurred_at
    return punch._replace(
        person_id=_counts_as(punch.person_id, at, merges),
        biometric_person_id=None if body is None else _counts_as(body, at, merges),
    )


def _counted_shift(shift: Shift, merges: Sequence[Merge]) -> Shift:
    return shift._replace(
        person_id=_counts_as(shift.person_id, shift.starts_at, merges),
        substitutes=tuple(_counts_as(one, shift.starts_at, merges) for one in shift.substitutes),
    )


def window_of(company: Company) -> Window:
    return build(
        company.punches,
        company.shifts,
        as_of=f"0:{(company.as_of - DAY).total_seconds() / 60}",
        policy=company.policy,
        site_policies=company.site_policies,
        sites=company.sites,
        people={person_id: f"Person {person_id}" for person_id in sorted(company.people)},
        assignments=company.assignments,
        absences=company.absences,
        merges=company.merges,
        devices=company.devices,
        roster_complete=company.roster_complete,
        first_punch_at={
            site.site_id: min(moments)
            for site in company.sites
            if (moments := [p.occurred_at for p in company.punches if p.site_id == site.site_id])
        },
    )


def said_of(company: Company) -> set[Told]:
    """Return what the product says stands."""
    window = window_of(company)
    scored_findings = detect(window)
    assert not window.crashed, window.crashed
    return {
        Told(
            scored.finding.subject.punch_id or scored.finding.subject.shift_id,
            scored.finding.anomaly_type,
            reason["reason"],
            reason["severity"],
            reason["confidence"],
        )
        for scored in scored_findings
        for reason in (scored.finding._asdict(), *scored.finding.evidence["also"])
    }


def follow_each_other_otherwise(company: Company) -> list[tuple[list[str], list[str]]]:
    """Return the ids of each person's punches in order, by the text and by the product, where these
    differ.
    """
    by_product = {
        stretch.person_id: [punch.punch_id for punch in stretch.punches]
        for stretch in window_of(company).stretches
    }
    return [
        (ids, by_product[person_id])
        for person_id, turn in company.turns.items()
        if (ids := [punch.punch_id for punch in turn]) != by_product[person_id]
    ]


def differences(company: Company) -> dict[Kind, list[Told]]:
    """Return what stands on one side only, by its kind."""
    by_text, by_product = standing(company), said_of(company)
    kinds: dict[Kind, list[Told]] = {}
    for side, told in (("text only", by_text - by_product), ("product only", by_product - by_text)):
        for one in sorted(told):
            kinds.setdefault((one.anomaly_type, one.reason, side), []).append(one)
    return kinds


def shrunk(company: Company, kind: Kind) -> Company:
    """Return the company with all left out without which a difference of this kind remains."""
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for smaller in _smaller(company):
            if kind in differences(smaller):
                company, is_smaller = smaller, True
                break
    return company


def _smaller(company: Company) -> Iterator[Company]:
    """Give the company with one thing less, in all ways."""
    for rows in _fewer(company.punches):
        yield replace(company, punches=rows)
    for shifts in _fewer(company.shifts):
        yield replace(company, shifts=shifts)
    # The first assignment is there so that there is one at any moment.
    for assignments in ([], *(rows for rows in _fewer(company.assignments) if rows[:1])):
        if assignments != company.assignments and assignments[:1] in ([], company.assignments[:1]):
            yield replace(company, assignments=assignments)
    if company.merges:
        yield replace(company, merges=[])
    for absences in _fewer(company.absences):
        yield replace(company, absences=absences)
    for devices in _fewer(company.devices):
        yield replace(company, devices=devices)
    for site in company.sites:
        used = {punch.site_id for punch in company.punches}
        if site.site_id not in used.union(shift.site_id for shift in company.shifts):
            yield replace(company, sites=[other for other in company.sites if other != site])
    for key in company.policy:
        rest = {other: value for other, value in company.policy.items() if other != key}
        yield replace(company, policy=rest)
    if company.site_policies:
        yield replace(company, site_policies={})
    for bare in (_WITHOUT_FIX, {"device_id": None}, _WITHOUT_BODY, {"biometric_person_id": None}):
        for index, punch in enumerate(company.punches):
            if (other := punch._replace(**bare)) != punch:
                yield replace(company, punches=_with(company.punches, index, other))
    for index, shift in enumerate(company.shifts):
        for substitutes in _fewer(shift.substitutes):
            if substitutes or not shift.person_left:
                fewer = shift._replace(substitutes=tuple(substitutes))
                yield replace(company, shifts=_with(company.shifts, index, fewer))


def _fewer(rows: Sequence[T]) -> Iterator[list[T]]:
    for index in range(len(rows)):
        yield [*rows[:index], *rows[index + 1 :]]


def _with(rows: Sequence[T], index: int, row: T) -> list[T]:
    return [*rows[:index], row, *rows[index + 1 :]]


def described(company: Company) -> str:
    """Return a company as text, its punches in order and without what they do not say."""
    lines = [f"as of {_text(company.as_of)}, policy {company.policy} {company.site_policies}"]
    lines.append(f"people {sorted(company.people)}, complete {company.roster_complete}")
    lines += [
        f"site {site.site_id} at {site.latitude}, radius {site.radius_m}, {site.timezone}"
        for site in company.sites
    ]
    for shift in sorted(company.shifts, key=lambda shift: shift.starts_at):
        left = " who left" if shift.person_left else ""
        lines.append(
            f"shift {shift.shift_id} of {shift.person_id}{left} or {shift.substitutes} at"
            f" {shift.site_id}, {_text(shift.starts_at)} to {_text(shift.ends_at)}"
        )
    rows = (*company.assignments, *company.absences, *company.merges, *company.devices)
    lines += [str(row) for row in rows]
    for punch in sorted(company.punches, key=lambda punch: punch.occurred_at):
        more = {
            name: value
            for name, value in punch._asdict().items()
            if value not in (None, False)
            and name not in ("punch_id", "person_id", "site_id", "is_check_in", "occurred_at")
        }
        way = "in" if punch.is_check_in else "out"
        lines.append(
            f"{_text(punch.occurred_at)} {punch.person_id} {way} at {punch.site_id}"
            f" ({punch.punch_id}) {pformat(more, width=1000) if more else ''}"
        )
    return "\n".join(lines)


def _text(moment: datetime) -> str:
    return f"{(moment - DAY).days:+d} {moment:%H:%M:%S}"
