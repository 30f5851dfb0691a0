"""Conditions for `Day.pick`: what a visit must be like for a fraud to be planted on it."""

from collections.abc import Callable
from datetime import timedelta

from dev.simulator.day import Day
from dev.simulator.rota import slot
from dev.simulator.rows import Visit


def whole(visit: Visit) -> bool:
    """Whether a member of staff worked one shift of their own, from a check-in about on time to a
    check-out, without a slip.
    """
    kinds = [punch.kind for punch in visit.punches]
    tidy = kinds == ["check_in", "check_out"] * (len(kinds) // 2)
    own = len(visit.shifts) == 1 and visit.shifts[0].person_id == visit.person.person_id
    return tidy and own and visit.person.role == "staff" and in_time(visit)


def in_time(visit: Visit) -> bool:
    return -timedelta(minutes=55) < visit.check_in.at - visit.starts_at < timedelta(minutes=15)


def rested(day: Day) -> Callable[[Visit], bool]:
    """The condition that the person did not work twelve hours the day before: had they forgotten to
    check out, they would count as still there when the visit starts.
    """

    def is_rested(visit: Visit) -> bool:
        return (
            visit.site.rota != "twelve_hours"
            or slot(visit.site, visit.person, day.date - timedelta(days=1)) is None
        )

    return is_rested


def by_phone(visit: Visit) -> bool:
    """Whether the person punched by phone, and its first fix is a good one."""
    fix = visit.check_in.fix
    return (
        visit.person.phone is not None
        and fix is not None
        and fix.accuracy_m is not None
        and fix.accuracy_m < 100
    )


def with_scores(visit: Visit) -> bool:
    """Whether the check-in has a biometric score."""
    return visit.check_in.biometric is not None and "score" in visit.check_in.biometric


def on_day_shift(visit: Visit) -> bool:
    """Whether the visit starts and ends on one day by the site's clock, so that somebody off duty
    could work in its place.
    """
    zone = visit.site.zone
    return visit.starts_at.astimezone(zone).date() == visit.ends_at.astimezone(zone).date()
