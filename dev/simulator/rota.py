"""The rota: which slot of the day a person works on a date. It is a function of the calendar, so
that any day can be made alone.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dev.simulator.company import Person, Site


class Slot(NamedTuple):
    """A part of the day by the site's local clock. A slot that ends no later than it starts ends
    the next day.
    """

    starts: time
    ends: time

    @property
    def crosses_midnight(self) -> bool:
        return self.ends <= self.starts


_OFFICE, _OFFICE_LATER = Slot(time(8), time(17)), Slot(time(9), time(18))
_MORNING, _EVENING = Slot(time(8), time(16)), Slot(time(12), time(20))
_EARLY, _LATE, _NIGHT = Slot(time(6), time(14)), Slot(time(14), time(22)), Slot(time(22), time(6))
_DAY_12, _NIGHT_12 = Slot(time(7), time(19)), Slot(time(19), time(7))

# A cycle runs over consecutive days; crews start two days apart in it. The office's is the week,
# Monday first.
ROTAS: dict[str, tuple[Slot | None, ...]] = {
    "office": (_OFFICE,) * 5 + (None, None),
    "three_shifts": (_EARLY, _EARLY, _LATE, _LATE, _NIGHT, _NIGHT, None, None),
    "twelve_hours": (_DAY_12, _DAY_12, _NIGHT_12, _NIGHT_12, None, None, None, None),
    "two_shifts": (_MORNING, _MORNING, _MORNING, _EVENING, _EVENING, None, None),
}
ROVER_STOPS = (Slot(time(8), time(11)), Slot(time(12, 30), time(15)), Slot(time(16), time(18)))


def slot(site: Site, person: Person, day: date) -> Slot | None:
    """The slot that a person of the site's staff works on the day; None on a day off, and for
    people without a rota of their own.
    """
    if person.role != "staff":
        return None
    if site.rota == "office":
        planned = ROTAS["office"][day.weekday()]
        return _OFFICE_LATER if planned and person.crew % 2 else planned
    cycle = ROTAS[site.rota]
    return cycle[(day.toordinal() + 2 * person.crew + person.crew // 4) % len(cycle)]


def stops(person: Person, day: date) -> list[tuple[int, Slot]]:
    """A rover's sites on the day, in order; on weekdays, at two or three of the city's."""
    if person.role != "rover" or day.weekday() > 4:
        return []
    count = min(len(person.sites), 2 + (day.toordinal() + person.person_id) % 2)
    start = day.toordinal() + person.person_id
    return [(person.sites[(start + n) % len(person.sites)], ROVER_STOPS[n]) for n in range(count)]


def bounds(planned: Slot, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The slot's instants on the day, in UTC. A night that the clocks are changed in is an hour
    shorter or longer.
    """
    last = day + timedelta(days=1) if planned.crosses_midnight else day
    return (
        datetime.combine(day, planned.starts, zone).astimezone(UTC),
        datetime.combine(last, planned.ends, zone).astimezone(UTC),
    )


def is_free(site: Site, person: Person, day: date) -> bool:
    """Whether the person is off on the day, and no night of the day before ends on it."""
    before = slot(site, person, day - timedelta(days=1))
    return slot(site, person, day) is None and not (before and before.crosses_midnight)
