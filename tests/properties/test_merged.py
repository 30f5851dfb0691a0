"""Two records of one person end as one: companies in which people are merged at some time stand as
companies in which everything was said of the one person from the beginning.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby, pairwise
from random import Random
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from models import intake
from models.ids import Id
from tests.properties.company import Clock, Company, Standing
from tests.properties.conftest import DAYS
from tests.properties.crowded import crowded
from tests.properties.reference import Company as Planned
from tests.worker.windows import DAY
from worker.rules.window import Absence, Punch, Shift

LONG_AGO = DAY - timedelta(days=400)
EVER = (datetime(1900, 1, 1, tzinfo=DAY.tzinfo), datetime(2900, 1, 1, tzinfo=DAY.tzinfo))
Row = dict[str, Any]
Step = Callable[[], None]


class Merged(NamedTuple):
    """That a person is merged into another from a moment on, or since ever."""

    person_id: Id
    into_id: Id
    since: datetime | None

    def row(self) -> Row:
        row: Row = {"person_id": self.person_id, "merged_into": self.into_id}
        if self.since is None:
            return row | {"correction": True}
        return row | {"effective_from": self.since.isoformat()}


class Case:
    """A company of a seed, with the merges of its people."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        # No limit is passed in the half second after it, in which everything is judged.
        company = crowded(seed)
        self.company = replace(company, as_of=company.as_of + timedelta(milliseconds=500))
        self.people = sorted({*self.company.people, 1, 2, 3})
        chosen = self.random.sample(self.people, len(self.people))
        moments = [None, None, *(p.occurred_at for p in self.company.punches), DAY]
        pairs = self.random.choice(
            ([(0, 1)], [(0, 1)], [(0, 1), (2, 1)], [(0, 1), (1, 2)], [(1, 2), (0, 1)])
        )
        self.merges = [
            Merged(chosen[one], chosen[other], self.random.choice(moments)) for one, other in pairs
        ]

    def counts_as(self, person_id: Id, at: datetime) -> Id:
        """Return who a person is at a moment: one step after the other."""
        for merge in self.merges:
            if merge.person_id == person_id and (merge.since is None or merge.since <= at):
                return self.counts_as(merge.into_id, at)
        return person_id

    def spans(self, person_id: Id) -> Iterator[tuple[Id, datetime, datetime]]:
        """Yield who a person is, from when to when, that excluded."""
        moments = sorted({*EVER, *(merge.since for merge in self.merges if merge.since)})
        for whose, parts in groupby(
            pairwise(moments), key=lambda part: self.counts_as(person_id, part[0])
        ):
            in_turn = list(parts)
            yield whose, in_turn[0][0], in_turn[-1][1]

    def as_one(self) -> Planned:
        """Return the company in which everything is said of who it counts for."""
        punches = [self._punch(punch) for punch in self.company.punches]
        shifts = [self._shift(shift) for shift in self.company.shifts]
        return Planned(punches, shifts, self.company.people, self.company.sites, self.company.as_of)

    def _punch(self, punch: Punch) -> Punch:
        body, at = punch.biometric_person_id, punch.occurred_at
        return punch._replace(
            person_id=self.counts_as(punch.person_id, at),
            biometric_person_id=None if body is None else self.counts_as(body, at),
        )

    def _shift(self, shift: Shift) -> Shift:
        at = shift.starts_at
        return shift._replace(
            person_id=self.counts_as(shift.person_id, at),
            substitutes=tuple(self.counts_as(one, at) for one in shift.substitutes),
        )

    def common(self) -> Row:
        """Return the tenant and the sites, as the roster says them."""
        company = self.company
        sites = [
            {
                **{name: value for name, value in site._asdict().items() if name != "boundary"},
                "policy": company.site_policies.get(site.site_id, {}),
            }
            for site in company.sites
        ]
        people = [{"person_id": one, "name": f"Person {one}"} for one in self.people]
        policy = dict(company.policy) | {"rejudge_days": 60}
        tenant = {"name": "Acme", "roster_complete": company.roster_complete, "policy": policy}
        return {"tenant": tenant, "sites": sites, "people": people}

    def plan(self, shifts: Sequence[Shift], *, counted: bool) -> Row:
        """Return assignments, devices, absences and shifts, as they are said or as they count."""

        def whose(person_id: Id) -> list[tuple[Id, datetime, datetime]]:
            if not counted:
                return [(person_id, *EVER)]
            return [*self.spans(person_id)]

        assignments = [
            {
                "person_id": person_id,
                "site_id": row.site_id,
                # each has a key of its own, a little before anything happens
                "valid_from": (max(since, LONG_AGO) - timedelta(microseconds=number)).isoformat(),
                "valid_to": min(
                    until - timedelta(microseconds=1), row.valid_to or EVER[1]
                ).isoformat(),
                "roving": row.roving,
            }
            for number, row in enumerate(self.company.assignments)
            for person_id, since, until in whose(row.person_id)
            if max(since, LONG_AGO) - timedelta(microseconds=number)
            <= min(until - timedelta(microseconds=1), row.valid_to or EVER[1])
        ]
        absences = [
            {
                "absence_id": f"{row.absence_id}/{part}",
                "person_id": person_id,
                "site_id": row.site_id,
                "from": max(since, _instant(row.since)).isoformat(),
                "to": min(until - timedelta(microseconds=1), _instant(row.until)).isoformat(),
            }
            for row in self.company.absences
            for part, (person_id, since, until) in enumerate(_of_absence(row, whose))
            if max(since, _instant(row.since))
            <= min(until - timedelta(microseconds=1), _instant(row.until))
        ]
        planned = [
            {**shift._asdict(), "starts_at": shift.starts_at.isoformat()}
            | {"ends_at": shift.ends_at.isoformat(), "substitutes": [*shift.substitutes]}
            for shift in shifts
        ]
        for row in planned:
            del row["person_left"]
        return {"assignments": assignments, "absences": absences, "shifts": planned}

    def devices(self, *, counted: bool) -> list[list[Row]]:
        """Return what is said of devices, one roster after the other."""
        first: list[Row] = [
            {"device_id": one.device_id, "shared": one.shared, "person_id": one.person_id}
            for one in self.company.devices
        ]
        if not counted:
            return [first]
        said = [first]
        for one in self.company.devices:
            for person_id, since, _ in self.spans(one.person_id) if one.person_id else ():
                begins: Row = {"effective_from": since.isoformat()}
                if since == EVER[0]:
                    begins = {"correction": True}
                said.append([{"device_id": one.device_id, "person_id": person_id, **begins}])
        return said


def _of_absence(row: Absence, whose: Callable[[Id], list[Any]]) -> list[Any]:
    return [(None, *EVER)] if row.person_id is None else whose(row.person_id)


def _instant(moment: date) -> datetime:
    if isinstance(moment, datetime):
        return moment
    return datetime(moment.year, moment.month, moment.day, tzinfo=DAY.tzinfo)


def _content(punch: Punch) -> Row:
    """Return a punch as it is submitted."""
    biometric = {
        name: value
        for name in ("method", "score", "liveness")
        if (value := getattr(punch, f"biometric_{name}")) is not None
    }
    if punch.biometric_person_id is not None:
        biometric["matched_person_id"] = punch.biometric_person_id
    row = {
        "punch_id": punch.punch_id,
        "person_id": punch.person_id,
        "site_id": punch.site_id,
        "kind": "check_in" if punch.is_check_in else "check_out",
        "occurred_at": punch.occurred_at.isoformat(),
        "biometric": biometric if "method" in biometric else None,
        **{
            name: getattr(punch, name)
            for name in ("latitude", "longitude", "accuracy_m", "is_mock_location", "device_id")
        },
    }
    return {name: value for name, value in row.items() if value is not None}


def _is_sound(punch: Punch) -> bool:
    """Whether a punch with a match says how it was made, as it must."""
    return punch.biometric_method is not None or punch.biometric_person_id is None


def sync(company: Company, roster: Row) -> None:
    tenant = {**roster.get("tenant", {}), "tenant_id": company.tenant_id}
    outcome = intake.sync_roster(company.engine, {**roster, "tenant": tenant})
    assert outcome.refused == []


def submit(company: Company, punches: Sequence[Punch]) -> None:
    contents = [{**_content(punch), "tenant_id": company.tenant_id} for punch in punches]
    if contents:
        outcomes = intake.submit(company.engine, contents)
        assert {outcome.status for outcome in outcomes} == {"accepted"}


def told(company: Company) -> set[tuple[Any, ...]]:
    """Return what stands: on what, of whom, and why."""
    return {
        (
            *(*key, row["person_id"], row["reason"], row["severity"], row["confidence"]),
            *sorted(also["reason"] for also in row["evidence"]["also"]),
        )
        for key, row in company.standing().items()
    }


def judge(company: Company, clock: Clock) -> None:
    """Judge at a moment of its own, as any two judgements are at two."""
    clock.tick()
    company.judge()


def merged(case: Case, company: Company, clock: Clock) -> None:
    """Say and submit everything in any order, and judge now and then."""
    chance = case.random
    steps = [*_said(case, company), *_submitted(case, company, clock)]
    chance.shuffle(steps)
    sayings: list[Row] = [merge.row() for merge in case.merges]
    if chance.random() < 0.4:  # another one first, which is taken back
        wrong = {"person_id": case.merges[0].person_id, "correction": True}
        other = next(one for one in case.people if one != wrong["person_id"])
        sayings = [wrong | {"merged_into": other}, wrong | {"merged_into": None}, *sayings]
    places = sorted(chance.randrange(len(steps) + 1) for _ in sayings)
    for saying, place in reversed([*zip(sayings, places, strict=True)]):
        steps.insert(place, partial(sync, company, {"people": [saying]}))
    common = case.common()
    if chance.random() < 0.4:  # one of the two comes late
        late = chance.choice(case.merges[0][:2])
        named = {"person_id": late, "name": f"Person {late}", "correction": True}
        place = chance.randrange(len(steps) + 1)
        steps.insert(place, partial(sync, company, {"people": [named]}))
        common["people"] = [row for row in common["people"] if row["person_id"] != late]
    sync(company, common)
    for step in steps:
        step()
        if chance.random() < 0.5:
            judge(company, clock)
    judge(company, clock)


def _said(case: Case, company: Company) -> list[Step]:
    """Return the rosters of what is planned."""
    plan = case.plan(case.company.shifts, counted=False)
    rosters = [plan, *({"devices": rows} for rows in case.devices(counted=False))]
    if case.random.random() < 0.3:  # a part that comes again, or sooner
        rosters.append({"shifts": plan["shifts"][:1]})
    return [partial(sync, company, roster) for roster in rosters]


def _submitted(case: Case, company: Company, clock: Clock) -> list[Step]:
    """Return the submissions of all punches: some are corrected, and some voided, soon after."""
    chance = case.random
    punches = [punch for punch in case.company.punches if _is_sound(punch)]
    chance.shuffle(punches)
    steps: list[Step] = []
    while punches:
        some = [punches.pop() for _ in range(min(len(punches), chance.choice((1, 3, 9))))]
        wrong = some[0]._replace(
            person_id=chance.choice(case.people),
            occurred_at=some[0].occurred_at + timedelta(minutes=chance.choice((0, 0, 90, -600))),
        )
        before = [[wrong]] if chance.random() < 0.3 else []
        steps.append(partial(_submit_all, case, company, clock, [*before, some]))
        if chance.random() < 0.1:
            steps.append(partial(_submit_and_void, case, company, clock, wrong))
    return steps


def _submit_all(
    case: Case, company: Company, clock: Clock, batches: Sequence[Sequence[Punch]]
) -> None:
    for batch in batches:
        submit(company, batch)
        if case.random.random() < 0.5:
            judge(company, clock)


def _submit_and_void(case: Case, company: Company, clock: Clock, punch: Punch) -> None:
    voided = punch._replace(punch_id=f"{punch.punch_id} voided")
    _submit_all(case, company, clock, [[voided]])
    intake.void(company.engine, company.tenant_id, voided.punch_id, "a test")


def said_of_one(case: Case, company: Company, clock: Clock) -> None:
    one = case.as_one()
    sync(company, case.common())
    sync(company, case.plan(one.shifts, counted=True))
    for rows in case.devices(counted=True):
        sync(company, {"devices": rows})
    submit(company, [punch for punch in one.punches if _is_sound(punch)])
    judge(company, clock)


def _of_the_days(standing: Standing) -> Standing:
    """Return what stands but on the history, of which `everything` has a part."""
    return {key: row for key, row in standing.items() if not key[0].startswith("h")}


@settings(DAYS, max_examples=max(DAYS.max_examples // 6, 1))
@given(seed=st.integers(0, 1_000_000_000))
def test_merged_people_end_as_one(
    new_company: Callable[[], Company], clock: Clock, seed: int
) -> None:
    case = Case(seed)
    clock.moment = case.company.as_of
    company, expected = new_company(), new_company()
    merged(case, company, clock)
    said_of_one(case, expected, clock)
    assert company.waiting() == 0
    assert told(company) == told(expected), f"{seed}: {case.merges}"
    assert _of_the_days(company.standing()) == _of_the_days(company.everything(clock.moment)), seed
    company.check_feed()
