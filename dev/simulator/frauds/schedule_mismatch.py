"""People who come or go at another time than planned, at another site, or not at all."""

from datetime import timedelta

from dev.simulator.clocks import move
from dev.simulator.day import Day
from dev.simulator.frauds.victims import on_day_shift, rested, whole
from dev.simulator.rows import Absence, Expected, Visit

TYPE = "SCHEDULE_MISMATCH"


def late(day: Day) -> list[Expected]:
    visit = day.pick(whole, rested(day))
    if not visit:
        return []
    move(visit.check_in, visit.starts_at + timedelta(minutes=day.rng.randint(18, 55)))
    return [Expected(TYPE, "late", visit.check_in.punch_id)]


def left_early(day: Day) -> list[Expected]:
    visit = day.pick(whole)
    if not visit:
        return []
    left = visit.ends_at - timedelta(minutes=day.rng.randint(25, 75))
    last = visit.punches.pop()
    visit.punches = [punch for punch in visit.punches if punch.at < left - timedelta(minutes=45)]
    if visit.punches[-1].kind == "check_out":
        visit.punches.pop()
    move(last, left)
    visit.punches.append(last)
    return [Expected(TYPE, "left_early", last.punch_id)]


def early(day: Day) -> list[Expected]:
    """A check-in hours before the shift, when nothing else of the person's is due."""
    visit = day.pick(whole)
    if not visit:
        return []
    move(visit.check_in, visit.starts_at - timedelta(minutes=day.rng.randint(75, 200)))
    return [Expected(TYPE, "early", visit.check_in.punch_id)]


def wrong_site(day: Day) -> list[Expected]:
    """The day is worked at another site of the city than the rostered one, which waits."""
    visit = day.pick(
        whole, rested(day), lambda visit: bool(day.company.neighbours(visit.site.site_id))
    )
    if not visit:
        return []
    neighbour = day.rng.choice(day.company.neighbours(visit.site.site_id))
    stay = day.stay(visit.person, neighbour, [(punch.kind, punch.at) for punch in visit.punches])
    visit.punches = []
    no_show = Expected(TYPE, "no_show", shift_id=visit.shifts[0].shift_id)
    return [Expected(TYPE, "wrong_site", stay.check_in.punch_id), no_show]


def unscheduled(day: Day) -> list[Expected]:
    """Somebody off duty comes to their own site for an hour, while all who should be there are."""
    visit = day.pick(whole, lambda visit: _all_came(day, visit))
    person = day.free(visit.site) if visit else None
    if not visit or not person:
        return []
    for present in day.visits:
        present.touched = present.touched or present.site == visit.site  # all who came must stay
    start = visit.starts_at + timedelta(minutes=day.rng.randint(80, 150))
    stay = day.stay(
        person, visit.site, [("check_in", start), ("check_out", start + timedelta(minutes=40))]
    )
    return [Expected(TYPE, "unscheduled", stay.check_in.punch_id)]


def no_show(day: Day) -> list[Expected]:
    visit = day.pick(whole, rested(day))
    if not visit:
        return []
    visit.punches = []
    return [Expected(TYPE, "no_show", shift_id=visit.shifts[0].shift_id)]


def on_leave(day: Day) -> list[Expected]:
    """Somebody is on leave that day, by the roster, and their punches are made all the same."""
    visit = day.pick(whole, on_day_shift)
    if not visit:
        return []
    local = visit.check_in.at.astimezone(visit.site.zone).date()
    person_id = visit.person.person_id
    day.absences.append(Absence(f"{day.date:%y%m%d}-{person_id}", person_id, local))
    return [Expected(TYPE, "on_leave", visit.check_in.punch_id)]


def missing_check_out(day: Day) -> list[Expected]:
    visit = day.pick(whole)
    if not visit:
        return []
    visit.punches.pop()
    return [Expected(TYPE, "missing_check_out", visit.punches[-1].punch_id)]


def _all_came(day: Day, visit: Visit) -> bool:
    """Whether every shift of the day at the visit's site is worked by whoever it is planned for."""
    shifts = [
        shift for shift in day.shifts if shift.site_id == visit.site.site_id and not shift.cancelled
    ]
    return all(
        any(
            shift in present.shifts and present.punches and whole(present) and _is_planned(present)
            for present in day.visits
        )
        for shift in shifts
    )


def _is_planned(visit: Visit) -> bool:
    return visit.person.person_id == visit.shifts[0].person_id
