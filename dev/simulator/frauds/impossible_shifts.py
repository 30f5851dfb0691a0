"""Check-ins at two sites, with no way from the one to the other in time."""

from datetime import timedelta

from dev.simulator.company import Site
from dev.simulator.day import Day
from dev.simulator.frauds.victims import whole
from dev.simulator.places import kilometres
from dev.simulator.rows import Expected

TYPE = "IMPOSSIBLE_SHIFTS"


def too_far_too_soon(day: Day) -> list[Expected]:
    """The person's badge checks in in another city a quarter of an hour after work."""
    visit = day.pick(whole)
    elsewhere = _nearest_in_another_city(day, visit.site) if visit else None
    if not visit or not elsewhere:
        return []
    left = visit.punches[-1].at
    stay = day.stay(
        visit.person,
        elsewhere,
        [("check_in", left + timedelta(minutes=15)), ("check_out", left + timedelta(minutes=75))],
    )
    for punch in stay.punches:  # by badge: a phone might still tell where it was before
        punch.device_id, punch.fix, punch.is_mock_location, punch.biometric = (
            elsewhere.kiosks[0],
            None,
            None,
            {"method": "card"},
        )
    return [Expected(TYPE, "too_far_too_soon", stay.check_in.punch_id)]


def overlapping(day: Day) -> list[Expected]:
    """While checked in at one site the person is also at another of the same city, for an hour or
    two in the middle.
    """
    visit = day.pick(whole, lambda visit: bool(day.company.neighbours(visit.site.site_id)))
    if not visit:
        return []
    visit.punches = [visit.punches[0], visit.punches[-1]]
    start = visit.check_in.at + timedelta(minutes=day.rng.randint(100, 160))
    neighbour = day.rng.choice(day.company.neighbours(visit.site.site_id))
    stay = day.stay(
        visit.person,
        neighbour,
        [("check_in", start), ("check_out", start + timedelta(minutes=day.rng.randint(60, 120)))],
    )
    return [Expected(TYPE, "overlapping", stay.check_in.punch_id)]


def _nearest_in_another_city(day: Day, site: Site) -> Site | None:
    elsewhere = [far for far in day.company.sites.values() if far.city != site.city]
    return min(elsewhere, key=lambda far: kilometres(site.place, far.place), default=None)
