"""Punches from outside the fence, and the two excuses there are."""

import math
from datetime import timedelta

from dev.simulator.company import Site
from dev.simulator.day import Day
from dev.simulator.frauds.victims import by_phone, whole
from dev.simulator.places import kilometres, moved
from dev.simulator.rows import Expected, Fix, Visit

TYPE = "GEOFENCE_VIOLATION"


def outside_fence(day: Day) -> list[Expected]:
    """A check-in from the café down the street: some hundred metres beyond the fence, and the phone
    is sure of it.
    """
    visit = day.pick(whole, by_phone)
    if not visit:
        return []
    visit.check_in.fix = _outside(
        day, visit.site, day.rng.uniform(150, 600), day.rng.uniform(6, 25)
    )
    return [Expected(TYPE, "outside_fence", visit.check_in.punch_id)]


def coarse_fix_outside(day: Day) -> list[Expected]:
    """A network location some streets off that claims no better."""
    visit = day.pick(whole, by_phone)
    if not visit:
        return []
    visit.check_in.fix = _outside(
        day, visit.site, day.rng.uniform(400, 900), day.rng.uniform(700, 1_000)
    )
    return [Expected(TYPE, "coarse_fix_outside", visit.check_in.punch_id)]


def cached_fix_outside(day: Day) -> list[Expected]:
    """A rover comes from another site within the half hour, and the phone still reports that site's
    fix.
    """

    def from_nearby(visit: Visit) -> bool:
        before = _before(day, visit)
        return bool(
            before
            and before.punches
            and before.punches[-1].fix
            and kilometres(before.site.place, visit.site.place) < 9
        )

    visit = day.pick(
        lambda visit: visit.person.role == "rover",
        from_nearby,
        lambda visit: visit.check_in.kind == "check_in",
    )
    before = _before(day, visit) if visit else None
    if not visit or not before:
        return []
    left = before.punches[-1]
    if left.fix is None or left.fix.accuracy_m is None or left.fix.accuracy_m > 100:
        return []
    came = day.punch(visit.person, visit.site, "check_in", left.at + timedelta(minutes=20))
    came.fix = left.fix
    gone = day.punch(visit.person, visit.site, "check_out", came.at + timedelta(minutes=8))
    visit.punches[:0] = [came, gone]
    return [Expected(TYPE, "cached_fix_outside", came.punch_id)]


def _outside(day: Day, site: Site, metres: float, accuracy: float) -> Fix:
    bearing, distance = day.rng.uniform(0, 2 * math.pi), site.extent_m + metres
    return Fix(
        *moved(*site.place, distance * math.sin(bearing), distance * math.cos(bearing)),
        round(accuracy, 1),
    )


def _before(day: Day, visit: Visit) -> Visit | None:
    """The same person's visit right before this one, at another site."""
    visits = [some for some in day.visits if some.person == visit.person and some.punches]
    index = visits.index(visit)
    return visits[index - 1] if index else None
