"""One working day of the company: who was planned, who came, and what the clocks reported.

`honest_day` is a function of the company, the date and the rates: days can be made alone, in any
order, and again. A night that starts on a day belongs to it.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from dev.simulator.attendance import attend, tap_twice
from dev.simulator.clocks import LastFix, position, queue_up, reading
from dev.simulator.company import Company, Person, Site
from dev.simulator.rates import HONEST, Rates
from dev.simulator.rota import Slot, bounds, is_free, slot, stops
from dev.simulator.rows import Expected, Fix, Punch, Shift, Visit


@dataclass
class Day:
    company: Company
    date: date
    honest: Rates
    rng: random.Random
    # Days the company has been reporting for: some planters need people with a history.
    history_days: int = 0
    shifts: list[Shift] = field(default_factory=list)
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
        """A new punch of the person's own clock: the phone, else the site's kiosk."""
        at = at.replace(microsecond=0)
        self._counts[person.person_id] += 1
        made = Punch(
            punch_id=f"{self.date:%y%m%d}-{person.person_id}-{self._counts[person.person_id]}",
            person_id=person.person_id,
            person_name=person.name,
            site_id=site.site_id,
            kind=kind,
            at=at,
            arrives=at + timedelta(seconds=self.rng.uniform(1, 20)),
        )
        if person.phone:
            self._by_phone(made, person, site)
        else:
            made.device_id = self.rng.choice(site.kiosks)
            made.fix = Fix(site.latitude, site.longitude, None) if site.kiosk_tells_place else None
            made.biometric = reading(self.rng, person, site.kiosk_method, self.honest)
        return made

    def shift(self, person_id: int, site: Site, starts_at: datetime, ends_at: datetime) -> Shift:
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
        """The person comes and works the shifts; of several, on end."""
        self.busy.add(person.person_id)
        visit = Visit(person, site, shifts)
        visit.punches = attend(self, visit)
        self.visits.append(visit)
        return visit

    def stay(self, person: Person, site: Site, times: list[tuple[str, datetime]]) -> Visit:
        """A stay nobody planned, with just these punches, marked as used. `times` are (kind,
        instant).
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
        return planned is None or bounds(planned, tomorrow, visit.site.zone)[
            0
        ] - ends_at >= timedelta(hours=hours)

    def pick(self, *wanted: Callable[[Visit], bool]) -> Visit | None:
        """A visit nothing was planted on yet that is as wanted, marked as used; None where there is
        none.
        """
        fitting = [
            visit
            for visit in self.visits
            if visit.punches and not visit.touched and all(is_so(visit) for is_so in wanted)
        ]
        if not fitting:
            return None
        picked = self.rng.choice(fitting)
        picked.touched = True
        return picked

    def free(self, site: Site) -> Person | None:
        """Somebody of the site's staff who is off and rested, now taken for the day."""
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

    def _by_phone(self, made: Punch, person: Person, site: Site) -> None:
        assert person.phone
        made.device_id = person.phone.device_id
        made.fix = position(
            self.rng,
            person.phone,
            site,
            self._last_fixes.get(person.person_id),
            made.at,
            self.honest,
        )
        self._last_fixes[person.person_id] = LastFix(made.fix, site.site_id, made.at)
        made.is_mock_location = False
        made.biometric = (
            reading(self.rng, person, "face", self.honest) if person.phone_reads_faces else None
        )


def honest_day(
    company: Company, day: date, honest: Rates = HONEST, *, history_days: int = 0
) -> Day:
    """The day with nothing planted."""
    made = Day(
        company,
        day,
        honest,
        random.Random(f"{company.seed}/{company.tenant_id}/{day}"),
        history_days,
    )
    for site in company.sites.values():
        for person in company.staff_of(site.site_id):
            planned = slot(site, person, day)
            if planned:
                made.busy.add(person.person_id)
                _planned(made, site, person, planned)
    for rover in (person for person in company.people.values() if person.role == "rover"):
        for site_id, stop in stops(rover, day):
            site = company.sites[site_id]
            made.visit(
                rover, site, [made.shift(rover.person_id, site, *bounds(stop, day, site.zone))]
            )
    tap_twice(made)
    kiosks = {kiosk for site in company.sites.values() for kiosk in site.kiosks}
    queue_up(made.rng, [punch for visit in made.visits for punch in visit.punches], kiosks, honest)
    return made


def _planned(day: Day, site: Site, person: Person, planned: Slot) -> None:
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
    """The person is absent and it is known: a relief guard, a colleague's double, or nobody."""
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
    """Relief works every other day at most, so that nights and long ways are rested."""
    turn = day.date.toordinal()
    fitting = (
        p
        for p in day.company.staff_of(site.site_id, "relief")
        if p.person_id not in day.busy and (turn + p.person_id) % 2
    )
    return next(fitting, None)


def _visit_before(day: Day, shift: Shift) -> Visit | None:
    """A double's first half: an eight-hour visit that ends here as the shift starts, by somebody
    who does not start early tomorrow.
    """
    if shift.ends_at - shift.starts_at > timedelta(hours=9):
        return None
    fitting = (
        v
        for v in day.visits
        if v.site.site_id == shift.site_id and v.ends_at == shift.starts_at and len(v.shifts) == 1
    )
    return next(
        (v for v in fitting if v.person.role == "staff" and day.rests_after(v, shift.ends_at)), None
    )
