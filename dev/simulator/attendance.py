"""Simulates how people come and go: arrivals, breaks with the team, overtime, and the small slips
of every day.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dev.simulator.places import kilometres
from dev.simulator.rows import Punch, Visit

if TYPE_CHECKING:
    from dev.simulator.day import Day

_HURRIED_KMH = 35.0  # door to door in a city


def attend(day: Day, visit: Visit) -> list[Punch]:
    """The punches of a person who works the visit's shifts, by the person's habits and the day's
    slips.
    """
    arrives, leaves = _arrival(day, visit), _departure(day, visit)
    times = [("check_in", arrives), *_breaks(day, visit, arrives, leaves), ("check_out", leaves)]
    if len(times) > 2 and day.rng.random() < day.honest.forgets_check_in:
        del times[0]
    if day.rng.random() < day.honest.forgets_check_out:
        del times[-1]
    punches = [day.punch(visit.person, visit.site, kind, at) for kind, at in times]
    if visit.person.phone and day.rng.random() < day.honest.offline:
        _submit_late(day, punches)
    return punches


def tap_twice(day: Day) -> None:
    """Have somebody now and then tap again, not sure that the first punch was taken."""
    for visit in day.visits:
        for index in reversed(range(len(visit.punches))):
            if day.rng.random() < day.honest.double_tap:
                first = visit.punches[index]
                delay = timedelta(seconds=day.rng.randint(2, 20))
                second = replace(
                    first,
                    punch_id=f"{first.punch_id}b",
                    at=first.at + delay,
                    arrives=first.arrives + delay,
                )
                visit.punches.insert(index + 1, second)


def _arrival(day: Day, visit: Visit) -> datetime:
    luck = day.rng.random()
    minutes = min(max(day.rng.gauss(-7, 5), -50), 13)
    if luck < day.honest.late:
        minutes = 10 + min(day.rng.expovariate(1 / 15), 50)
    elif luck < day.honest.late + day.honest.very_early:
        minutes = -day.rng.uniform(62, 130)
    return max(visit.starts_at + timedelta(minutes=minutes), _earliest(day, visit))


def _earliest(day: Day, visit: Visit) -> datetime:
    """The earliest arrival at an honest speed, from where the person's visit before was."""
    earlier_visits = [
        earlier
        for earlier in day.visits
        if earlier.person == visit.person and earlier.site != visit.site and earlier.punches
    ]
    if not earlier_visits:
        return visit.starts_at - timedelta(days=1)
    last = earlier_visits[-1]
    way_km = kilometres(last.site.place, visit.site.place)
    return last.punches[-1].at + timedelta(minutes=5, hours=way_km / _HURRIED_KMH)


def _departure(day: Day, visit: Visit) -> datetime:
    """When the person leaves. Rovers have to be on their way; others stay on or leave early now and
    then.
    """
    minutes, luck = abs(day.rng.gauss(4, 5)), day.rng.random()
    if visit.person.role != "rover" and luck < day.honest.stays_on and len(visit.shifts) == 1:
        minutes = day.rng.uniform(20, 100)
    elif luck > 1 - day.honest.leaves_early:
        minutes = -day.rng.uniform(20, 60 if visit.person.role == "rover" else 90)
    return visit.ends_at + timedelta(minutes=minutes)


def _breaks(
    day: Day, visit: Visit, arrives: datetime, leaves: datetime
) -> list[tuple[str, datetime]]:
    """Two punches for each break, as (kind, instant): about the time at which the team takes it, 20
    to 45 minutes long.
    """
    is_double = len(visit.shifts) > 1
    if not (visit.person.punches_breaks or is_double):
        return []
    times = []
    for shift in visit.shifts:
        for planned in _team_breaks(day, visit, shift.starts_at, shift.ends_at):
            out = planned + timedelta(minutes=day.rng.gauss(0, 2))
            back = out + timedelta(minutes=day.rng.uniform(20, 45))
            if arrives + timedelta(minutes=30) < out and back + timedelta(minutes=30) < leaves:
                times += [("check_out", out), ("check_in", back)]
    return times


def _team_breaks(day: Day, visit: Visit, starts_at: datetime, ends_at: datetime) -> list[datetime]:
    """One break for each four hours and a half of a shift, the same for all who work it."""
    key = visit.site.site_id, starts_at
    if key not in day.team_breaks:
        hours = (ends_at - starts_at) / timedelta(hours=1)
        count = int(hours // 4.5)
        day.team_breaks[key] = [
            starts_at + timedelta(hours=hours * (n + 1) / (count + 1) + day.rng.uniform(-0.4, 0.4))
            for n in range(count)
        ]
    return day.team_breaks[key]


def _submit_late(day: Day, punches: list[Punch]) -> None:
    delay = timedelta(hours=day.rng.uniform(1, 5))
    for punch in punches:
        punch.arrives += delay
