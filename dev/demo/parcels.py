"""A simulated day as parcels: each visit's punches are submitted together, well after the visit is
over, and evenly paced.

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
_FRAUDS_A_VISIT = 0.9  # that are tried; the screen of an honest company would stay empty
_WAIT_WITHOUT_SHIFT = timedelta(hours=10)
# A day's parcels are submitted over 24 hours, from this long after its midnight by UTC, when the
# last of its visits is over.
_FIRST_RELEASE = timedelta(hours=48)
_RATES = HONEST._replace(punches_breaks=1.0)


class Parcel(NamedTuple):
    """Punches that one app submits together at a simulated moment."""

    release: datetime
    tenant_id: int
    punches: list[dict[str, Any]]


class Delivery(NamedTuple):
    """A day's shifts and absences, to be synced before, and its parcels as they are released."""

    roster: dict[str, Any]
    parcels: list[Parcel]


def delivery(company: Company, day: date) -> Delivery:
    """The company's delivery of a date. It is a function of these alone: submitted again, it
    changes nothing.
    """
    simulated = honest_day(company, day, _RATES, history_days=14)
    dishonest = _plant(simulated)
    roster = {
        "tenant": {"tenant_id": company.tenant_id},
        "shifts": [shift.contract() for shift in simulated.shifts],
        "absences": [absence.contract() for absence in simulated.absences],
    }
    honest = [
        [visit]
        for visit in simulated.visits
        if visit.punches and not any(visit in group for group in dishonest)
    ]
    parcels = _paced(simulated, dishonest) + _paced(simulated, honest)
    return Delivery(roster, sorted(parcels, key=lambda parcel: parcel.release))


def _plant(day: Day) -> list[list[Visit]]:
    """Plant every reason in turn, in another order each day. Return the visits of each fraud, which
    only together show it.
    """
    reasons = day.rng.sample(_REASONS, len(_REASONS))
    tries = int(len(day.visits) * _FRAUDS_A_VISIT)
    groups = []
    for reason in itertools.islice(itertools.cycle(reasons), tries):
        punch_ids = {expected.punch_id for expected in plant(day, reason)}
        group = [
            visit
            for visit in day.visits
            if any(punch.punch_id in punch_ids for punch in visit.punches)
        ]
        groups += [group] if group else []
    return groups


def _paced(day: Day, groups: list[list[Visit]]) -> list[Parcel]:
    """A parcel for each visit, in the order in which the visits ended, evenly over 24 hours."""
    start = datetime.combine(day.date, time(), UTC) + _FIRST_RELEASE
    step = timedelta(days=1) / max(len(groups), 1)
    ordered = sorted(groups, key=lambda group: max(map(_complete_at, group)))
    return [
        _parcel(day, visit, start + (number + 0.3) * step)
        for number, group in enumerate(ordered)
        for visit in group
    ]


def _complete_at(visit: Visit) -> datetime:
    """The moment from which the visit may be submitted. A stay without a shift comes last: whether
    somebody else's shift was left unattended must be known by then.
    """
    last = max(punch.at for punch in visit.punches)
    return last if visit.shifts else last + _WAIT_WITHOUT_SHIFT


def _parcel(day: Day, visit: Visit, release: datetime) -> Parcel:
    tenant_id = day.company.tenant_id
    return Parcel(release, tenant_id, [punch.contract(tenant_id) for punch in visit.punches])
