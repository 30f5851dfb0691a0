"""Simulates a working day of the company: who was planned, who came, what the clocks reported.

`honest_day` is a function of the company, the date and the rates: days can be made alone, in any
order, and again. A night that starts on a day belongs to it.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from dev.simulator.attendance import attend, tap_twice
from dev.simulator.clocks import LastFix, biometric_read, position, queue_up
from dev.simulator.company import Company, Person, Site
from dev.simulator.rates import HONEST, Rates
from dev.simulator.rota import Slot, bounds, is_free, slot, stops
from dev.simulator.rows import Absence, Expected, Fix, Punch, Shift, Visit


@dataclass
class Day:
    company: Company
    date: date
    honest: Rates
    rng: random.Random
    # Days the company has been reporting for: some planters need people with a history.
    history_days: int = 0
    shifts: list[Shift] = field(default_factory=list)
    absences: list[Absence] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    expected: list[Expected] = field(default_factory=list)
    busy: set[int] = field(default_factory=set)
    team_breaks: dict[tuple[int, datetime], list[datetime]] = field(default_factory=dict)
    _counts: Counter[int] = field(default_factory=Counter)
    _last_fixes: dict[int, LastFix] = field(default_factory=dict)

    @property
    def punches(self) -> list[Punch]:
        return sorted(
            (punch for visit in self.visits for punch in visit.punches),
            key=lambda punch: (punch.at, punch.punch_id),
        )

    def punch(self, person: Person, site: Site, kind: str, at: datetime) -> Punch:
        """Make a punch by the person's own clock: the phone, else the site's kiosk."""
        at = at.replace(microsecond=0)
        self._counts[person.person_id] += 1
        punch = Punch(
            punch_id=f"{self.date:%y%m%d}-{person.person_id}-{self._counts[person.person_id]}",
            person_id=person.person_id,
            person_name=person.name,
            site_id=site.site_id,
            kind=kind,
            at=at,
            arrives=at + timedelta(seconds=self.rng.uniform(1, 20)),
        )
        if person.phone:
            self._add_phone(punch, person, site)
        else:
            punch.device_id = self.rng.choice(site.kiosks)
            punch.fix = Fix(site.latitude, site.longitude, None) if site.kiosk_tells_place else None
            punch.biometric = biometric_read(self.rng, person, site.kiosk_method, self.honest)
        return punch

    def shift(self, person_id: int, site: Site, starts_at: datetime, ends_at: datetime) -> Shift:
        """Plan a shift."""
        shift = Shift(
            f"{self.date:%y%m%d}-{site.site_id}-{person_id}-{starts_at:%H%M}",
            person_id,
            site.site_id,
            starts_at,
            ends_at,
        )
        self.shifts.append(shift)
        return shift

    def visit(self, person: Person, site: Site, shifts: list[Shift]) -> Visit:
        """Have the person come and work the shifts; if there are several, on end."""
        self.busy.add(person.person_id)
        visit = Visit(person, site, shifts)
        visit.punches = attend(self, visit)
        self.visits.append(visit)
        return visit

    def stay(self, person: Person, site: Site, times: list[tuple[str, datetime]]) -> Visit:
        """Add a visit that nobody planned, with just these punches, marked as touched. `times` are
        (kind, instant).
        """
        visit = Visit(
            person,
            site,
            [],
            [self.punch(person, site, kind, at) for kind, at in times],
            touched=True,
        )
        self.busy.add(person.person_id)
        self.visits.append(visit)
        return visit

    def rests_after(self, visit: Visit, ends_at: datetime, hours: float = 11) -> bool:
        """Whether the person has so many hours from `ends_at` to the next day's slot."""
        tomorrow = self.date + timedelta(days=1)
        planned = slot(visit.site, visit.person, tomorrow)
        if planned is None:
            return True
        starts_at, _ = bounds(planned, tomorrow, visit.site.zone)
        return starts_at - ends_at >= timedelta(hours=hours)

    def pick(self, *conditions: Callable[[Visit], bool]) -> Visit | None:
        """Choose a visit on which nothing was planted yet, and for which all conditions are true;
        mark it as touched. None where there is none.
        """
        fitting = [
            visit
            for visit in self.visits
            if visit.punches
            and not visit.touched
            and all(condition(visit) for condition in conditions)
        ]
        if not fitting:
            return None
        picked = self.rng.choice(fitting)
        picked.touched = True
        return picked

    def free(self, site: Site) -> Person | None:
        """Choose somebody of the site's staff who is off and rested, and mark them as busy. None
        where there is nobody.
        """
        off = [
            person
            for person in self.company.staff_of(site.site_id)
            if person.person_id not in self.busy and is_free(site, person, self.date)
        ]
        if not off:
            return None
        person = self.rng.choice(off)
        self.busy.add(person.person_id)
        return person

    def _add_phone(self, punch: Punch, person: Person, site: Site) -> None:
        """Add what the person's phone reports."""
        assert person.phone
        last = self._last_fixes.get(person.person_id)
        punch.device_id = person.phone.device_id
        punch.fix = position(self.rng, person.phone, site, last, punch.at, self.honest)
        self._last_fixes[person.person_id] = LastFix(punch.fix, site.site_id, punch.at)
        punch.is_mock_location = False
        punch.biometric = (
            biometric_read(self.rng, person, "face", self.honest)
            if person.phone_reads_faces
            else None
        )


def honest_day(
    company: Company, day: date, honest: Rates = HONEST, *, history_days: int = 0
) -> Day:
    """Simulate the day, with nothing planted."""
    rng = random.Random(f"{company.seed}/{company.tenant_id}/{day}")
    simulated = Day(company, day, honest, rng, history_days)
    for site in company.sites.values():
        for person in company.staff_of(site.site_id):
            planned = slot(site, person, day)
            if planned:
                simulated.busy.add(person.person_id)
                _work_slot(simulated, site, person, planned)
    for rover in (person for person in company.people.values() if person.role == "rover"):
        for site_id, stop in stops(rover, day):
            site = company.sites[site_id]
            shift = simulated.shift(rover.person_id, site, *bounds(stop, day, site.zone))
            simulated.visit(rover, site, [shift])
    tap_twice(simulated)
    kiosks = {kiosk for site in company.sites.values() for kiosk in site.kiosks}
    punches = [punch for visit in simulated.visits for punch in visit.punches]
    queue_up(rng, punches, kiosks, honest)
    return simulated


def _work_slot(day: Day, site: Site, person: Person, planned: Slot) -> None:
    """Plan the person's shift, and have it worked by the person, a colleague, or who covers it."""
    shift = day.shift(person.person_id, site, *bounds(planned, day.date, site.zone))
    if day.rng.random() < day.honest.absent:
        _cover(day, site, shift, planned)
    elif (
        day.rng.random() < day.honest.unrostered_swap
        and not planned.crosses_midnight
        and (colleague := day.free(site))
    ):
        day.visit(colleague, site, [shift])
    else:
        day.visit(person, site, [shift])


def _cover(day: Day, site: Site, shift: Shift, planned: Slot) -> None:
    """Cover a shift whose person is absent, and known to be: by a relief guard, by a colleague's
    double, or by nobody.
    """
    cancels = day.rng.random() < day.honest.absence_cancelled
    relief = _relief(day, site)
    before = _visit_before(day, shift)
    if relief and not cancels and not planned.crosses_midnight:
        shift.substitutes = (relief.person_id,)
        day.visit(relief, site, [shift])
    elif before and not cancels:
        shift.person_id = before.person.person_id
        before.shifts.append(shift)
        before.punches = attend(day, before)
    else:
        shift.cancelled = True


def _relief(day: Day, site: Site) -> Person | None:
    """A relief guard who is free. Each works every other day at most, so that nights and long ways
    are rested.
    """
    turn = day.date.toordinal()
    fitting = (
        person
        for person in day.company.staff_of(site.site_id, "relief")
        if person.person_id not in day.busy and (turn + person.person_id) % 2
    )
    return next(fitting, None)


def _visit_before(day: Day, shift: Shift) -> Visit | None:
    """The first half of a double: a visit of eight hours that ends at the site as the shift starts,
    by somebody who does not start early tomorrow.
    """
    if shift.ends_at - shift.starts_at > timedelta(hours=9):
        return None
    fitting = (
        visit
        for visit in day.visits
        if visit.site.site_id == shift.site_id
        and visit.ends_at == shift.starts_at
        and len(visit.shifts) == 1
        and visit.person.role == "staff"
        and day.rests_after(visit, shift.ends_at)
    )
    return next(fitting, None)
