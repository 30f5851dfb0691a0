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
    """Two people check in on a tablet that the roster does not name and hardly anybody uses."""
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
    phones = {
        colleague.person_id: colleague.phone
        for colleague in day.company.staff_of(visit.site.site_id)
        if colleague.phone
        and colleague.person_id not in day.busy
        and is_free(visit.site, colleague, day.date)
    }
    if not phones:
        return []
    owner_id, phone = next(iter(phones.items()))
    day.busy.add(owner_id)
    visit.check_in.device_id = phone.device_id
    return [Expected(TYPE, "anothers_device", visit.check_in.punch_id)]


def two_places_at_once(day: Day) -> list[Expected]:
    """One face, two sites of a city, two minutes apart."""
    visit = day.pick(
        whole, with_scores, lambda visit: bool(day.company.neighbours(visit.site.site_id))
    )
    if not visit:
        return []
    at = visit.check_in.at + timedelta(minutes=2)
    neighbour = day.rng.choice(day.company.neighbours(visit.site.site_id))
    stay = day.stay(
        visit.person, neighbour, [("check_in", at), ("check_out", at + timedelta(minutes=3))]
    )
    for punch in stay.punches:
        punch.biometric = {**(visit.check_in.biometric or {}), "method": "face"}
    visit.check_in.biometric = {**(visit.check_in.biometric or {}), "method": "face"}
    return [
        Expected(TYPE, "two_places_at_once", punch.punch_id)
        for punch in (visit.check_in, stay.check_in)
    ]


def _pair(day: Day, *conditions: Callable[[Visit], bool]) -> tuple[Visit | None, Visit | None]:
    """Pick two visits of one site whose shifts start together; the conditions are of the first."""
    first = day.pick(
        whole, *conditions, lambda visit: any(_fits(visit, second) for second in day.visits)
    )
    second = day.pick(lambda visit: bool(first) and _fits(first, visit)) if first else None
    return first, second


def _fits(first: Visit, second: Visit) -> bool:
    apart = first.person != second.person and not second.touched and whole(second)
    return apart and first.site == second.site and first.starts_at == second.starts_at


def _together(first: Visit, second: Visit, reason: str) -> list[Expected]:
    """Have the second check in 40 seconds after the first, and neither with a face, which could
    clear them.
    """
    for visit in (first, second):
        visit.check_in.biometric = None
    move(second.check_in, first.check_in.at + timedelta(seconds=40))
    second.check_in.fix = first.check_in.fix
    return [Expected(TYPE, reason, visit.check_in.punch_id) for visit in (first, second)]
