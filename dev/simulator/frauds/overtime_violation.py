"""Hours beyond what anybody may work."""

from datetime import timedelta

from dev.simulator.day import Day
from dev.simulator.frauds.victims import whole
from dev.simulator.rows import Expected, Visit

TYPE = "OVERTIME_VIOLATION"


def worked_too_long(day: Day) -> list[Expected]:
    """A second shift follows the first after a short break: over seventeen hours of work, rostered
    as they were.
    """

    def rests(visit: Visit) -> bool:
        return day.rests_after(visit, visit.starts_at + timedelta(hours=18), hours=8)

    visit = day.pick(whole, rests)
    if not visit:
        return []
    start, turn, end = (
        visit.check_in.at,
        visit.ends_at,
        visit.starts_at + timedelta(hours=17, minutes=30),
    )
    visit.shifts.append(day.shift(visit.person.person_id, visit.site, turn, end))
    stays = [
        ("check_in", start),
        ("check_out", turn),
        ("check_in", turn + timedelta(minutes=15)),
        ("check_out", end),
    ]
    visit.punches = [
        visit.check_in,
        *(day.punch(visit.person, visit.site, kind, at) for kind, at in stays[1:]),
    ]
    return [Expected(TYPE, "worked_too_long", visit.punches[2].punch_id)]


def still_working(day: Day) -> list[Expected]:
    """Somebody checks out only eighteen hours and a half after the check-in; until then, the work
    goes on.
    """

    def rests(visit: Visit) -> bool:
        return day.rests_after(visit, visit.check_in.at + timedelta(hours=19), hours=4)

    visit = day.pick(whole, rests)
    if not visit:
        return []
    out = day.punch(
        visit.person, visit.site, "check_out", visit.check_in.at + timedelta(hours=18, minutes=30)
    )
    visit.punches = [visit.check_in, out]
    return [Expected(TYPE, "still_working", visit.check_in.punch_id, lasting=False)]
