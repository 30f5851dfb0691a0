"""Punching for somebody else: with a phone that is not theirs, or in two places with one face."""

from collections.abc import Callable
from datetime import timedelta

from dev.simulator.clocks import move
from dev.simulator.day import Day
from dev.simulator.frauds.victims import by_phone, whole, with_scores
from dev.simulator.rota import is_free
from dev.simulator.rows import Expected, Visit

TYPE = "BUDDY_PUNCHING"


def same_device(day: Day) -> list[Expected]:
    """One phone checks in two people, forty seconds apart."""
    owner, buddy = _pair(day, by_phone)
    if not owner or not buddy:
        return []
    buddy.check_in.device_id = owner.check_in.device_id
    return _together(owner, buddy, "same_device")


def same_undeclared_device(day: Day) -> list[Expected]:
    """Likewise on a tablet the roster does not name, and that hardly anybody uses."""
    first, second = _pair(day)
    if not first or not second:
        return []
    for visit in (first, second):
        visit.check_in.device_id = f"tablet-{first.check_in.punch_id}"
    return _together(first, second, "same_undeclared_device")


def anothers_device(day: Day) -> list[Expected]:
    """A check-in by the phone of a colleague who is off."""
    visit = day.pick(whole)
    if not visit:
        return []
    colleagues = day.company.staff_of(visit.site.site_id)
    off = [
        p
        for p in colleagues
        if p.phone and p.person_id not in day.busy and is_free(visit.site, p, day.date)
    ]
    if not off or not off[0].phone:
        return []
    day.busy.add(off[0].person_id)
    visit.check_in.device_id = off[0].phone.device_id
    return [Expected(TYPE, "anothers_device", visit.check_in.punch_id)]


def two_places_at_once(day: Day) -> list[Expected]:
    """One face, two sites of a city, two minutes apart."""
    visit = day.pick(
        whole, with_scores, lambda visit: bool(day.company.neighbours(visit.site.site_id))
    )
    if not visit:
        return []
    at = visit.check_in.at + timedelta(minutes=2)
    other = day.rng.choice(day.company.neighbours(visit.site.site_id))
    stay = day.stay(
        visit.person, other, [("check_in", at), ("check_out", at + timedelta(minutes=3))]
    )
    for punch in stay.punches:
        punch.biometric = {**(visit.check_in.biometric or {}), "method": "face"}
    visit.check_in.biometric = {**(visit.check_in.biometric or {}), "method": "face"}
    return [
        Expected(TYPE, "two_places_at_once", punch.punch_id)
        for punch in (visit.check_in, stay.check_in)
    ]


def _pair(day: Day, *wanted: Callable[[Visit], bool]) -> tuple[Visit | None, Visit | None]:
    """Two visits of one site whose shifts start together."""
    first = day.pick(whole, *wanted, lambda visit: any(_fits(visit, other) for other in day.visits))
    second = day.pick(lambda visit: bool(first) and _fits(first, visit)) if first else None
    return first, second


def _fits(first: Visit, second: Visit) -> bool:
    apart = first.person != second.person and not second.touched and whole(second)
    return apart and first.site == second.site and first.starts_at == second.starts_at


def _together(first: Visit, second: Visit, reason: str) -> list[Expected]:
    """The second follows at once, without a face that could clear them."""
    for visit in (first, second):
        visit.check_in.biometric = None
    move(second.check_in, first.check_in.at + timedelta(seconds=40))
    second.check_in.fix = first.check_in.fix
    return [Expected(TYPE, reason, visit.check_in.punch_id) for visit in (first, second)]
