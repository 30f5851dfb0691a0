"""A simulated day as parcels: each visit's punches are handed in together, well after the visit is
over and evenly paced.

Clocks that upload at the end of a visit are common, and here they are needed: Rollcall judges by
the real moment, days after the simulated one, when half a visit looks like a check-out that never
came. And as shifts end together, parcels sent at once would come in heaps with nothing in between.
"""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from dev.simulator.company import Company
from dev.simulator.day import Day, honest_day
from dev.simulator.frauds import PLANTERS, plant
from dev.simulator.rates import HONEST
from dev.simulator.rows import Visit

# Those two wait for the real moment: see desks.py.
_REASONS = sorted(PLANTERS.keys() - {"no_show", "still_working"})
_SHARE_PLANTED = 0.9  # tries per visit; the screen of an honest company would stay empty
_WITHOUT_SHIFT = timedelta(hours=10)
# A day's parcels are handed in over 24 hours, from this long after its midnight by UTC, when the
# last of its visits is over.
_HANDED_IN_AFTER = timedelta(hours=48)
_RATES = HONEST._replace(punches_breaks=1.0)


class Parcel(NamedTuple):
    """Punches that one app hands in together at a simulated moment."""

    release: datetime
    tenant_id: int
    punches: list[dict[str, Any]]


class Delivery(NamedTuple):
    """A day's shifts, to be synced before, and its parcels in the order of their release."""

    roster: dict[str, Any]
    parcels: list[Parcel]


def delivery(company: Company, day: date) -> Delivery:
    """A function of the company and the date: handed in again, it changes nothing."""
    made = honest_day(company, day, _RATES, history_days=14)
    planted = _plant(made)
    roster = {
        "tenant": {"tenant_id": company.tenant_id},
        "shifts": [shift.contract() for shift in made.shifts],
    }
    honest = [
        [visit]
        for visit in made.visits
        if visit.punches and not any(visit in group for group in planted)
    ]
    return Delivery(
        roster,
        sorted(_paced(made, planted) + _paced(made, honest), key=lambda parcel: parcel.release),
    )


def _plant(day: Day) -> list[list[Visit]]:
    """Every reason in turn, in another order each day. The visits of each plant, which only
    together tell of it.
    """
    reasons = day.rng.sample(_REASONS, len(_REASONS))
    planted = []
    for reason in itertools.islice(itertools.cycle(reasons), int(len(day.visits) * _SHARE_PLANTED)):
        sought = {expected.punch_id for expected in plant(day, reason)}
        group = [
            visit
            for visit in day.visits
            if any(punch.punch_id in sought for punch in visit.punches)
        ]
        planted += [group] if group else []
    return planted


def _paced(day: Day, groups: list[list[Visit]]) -> list[Parcel]:
    """In the order in which the visits ended, evenly over 24 hours."""
    start = datetime.combine(day.date, time(), UTC) + _HANDED_IN_AFTER
    step = timedelta(days=1) / max(len(groups), 1)
    ordered = sorted(groups, key=lambda group: max(map(_over, group)))
    return [
        _parcel(day, visit, start + (number + 0.3) * step)
        for number, group in enumerate(ordered)
        for visit in group
    ]


def _over(visit: Visit) -> datetime:
    """A stay without a shift comes last: whether somebody else's shift was left unattended must be
    known by then.
    """
    last = max(punch.at for punch in visit.punches)
    return last if visit.shifts else last + _WITHOUT_SHIFT


def _parcel(day: Day, visit: Visit, release: datetime) -> Parcel:
    tenant_id = day.company.tenant_id
    return Parcel(release, tenant_id, [punch.contract(tenant_id) for punch in visit.punches])
