"""Runs a simulated company through the real pipeline, as time goes by: rosters, punches as they
arrive, judgements, sweeps.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Engine

from dev.simulator.company import Company
from dev.simulator.day import Day
from dev.simulator.rows import Expected, Punch
from models import intake
from models.database import transaction
from models.feed import Message
from models.ids import Id
from tests.end_to_end.simulated_clock import SimulatedClock
from worker.judging.judge import judge
from worker.judging.sweep import judge_moments, tenants_unswept

_AHEAD = timedelta(days=2)  # a day's shifts are synced so long before
_AFTERWARDS = timedelta(days=2)  # the clock goes on so long after the last punch


_STANDING = """
SELECT punch_id, shift_id, anomaly_type, reason, evidence
FROM anomaly
WHERE tenant_id = %s AND standing
"""


class Subject(NamedTuple):
    """A punch or a shift; the id of the other is ''."""

    punch_id: str
    shift_id: str


class Statement(NamedTuple):
    """The part of a message that is compared: what it says of its subject."""

    anomaly_type: str
    severity: str
    reasons: frozenset[str]


class Run(NamedTuple):
    """How many punches were submitted, and all that was ever said of each subject."""

    punches: int
    said: dict[Subject, set[Statement]]

    def above_low(self) -> dict[Subject, set[Statement]]:
        """All that was ever said with a severity above LOW, by subject."""
        above_low = {
            subject: {message for message in messages if message.severity != "LOW"}
            for subject, messages in self.said.items()
        }
        return {subject: messages for subject, messages in above_low.items() if messages}

    def was_said(self, expected: Expected) -> bool:
        messages = self.said.get(Subject(expected.punch_id, expected.shift_id), set())
        return any(
            message.anomaly_type == expected.anomaly_type and expected.reason in message.reasons
            for message in messages
        )


def work(
    engine: Engine, clock: SimulatedClock, company: Company, days: Sequence[Day], step: timedelta
) -> Run:
    """Work the days through the pipeline, judging after each `step` of the simulated clock."""
    start = datetime.combine(days[0].date, time(), UTC) - timedelta(days=1)
    run = Run(0, defaultdict(set))
    clock.set(start)
    intake.sync_roster(engine, company.roster())
    with transaction(engine) as cursor:  # the column's default is the real moment
        cursor.execute("UPDATE tenant SET swept_at = %s", (start,))
        cursor.execute("UPDATE due SET at = %s", (start,))

    def hear(_tenant_id: Id, _epoch: str, _base: int, messages: list[Message]) -> None:
        for message in messages:
            _note(run, json.loads(message.body))

    punches = sorted(
        (punch for day in days for punch in day.punches), key=lambda punch: punch.arrives
    )
    rosters, sent, now = list(days), 0, start
    while sent < len(punches) or now < punches[-1].arrives + _AFTERWARDS:
        now += step
        clock.set(now)
        while rosters and datetime.combine(rosters[0].date, time(), UTC) - _AHEAD <= now:
            intake.sync_roster(engine, _shifts(company, rosters.pop(0)))
        arrived = _arrived(punches, sent, now)
        if arrived:
            outcomes = intake.submit(
                engine, [punch.contract(company.tenant_id) for punch in arrived]
            )
            assert all(outcome.status == "accepted" for outcome in outcomes)
        sent += len(arrived)
        judge(engine, company.tenant_id, hear)
        with transaction(engine) as cursor:
            due = tenants_unswept(cursor, timedelta(0))
        if company.tenant_id in due:
            judge_moments(engine, company.tenant_id, hear)
    return run._replace(punches=sent)


def standing(engine: Engine, company: Company) -> dict[Subject, set[tuple[str, str]]]:
    """(type, reason) of each anomaly that stands, by subject, for every reason that it has."""
    reasons_by_subject: dict[Subject, set[tuple[str, str]]] = defaultdict(set)
    with transaction(engine) as cursor:
        for punch_id, shift_id, anomaly_type, reason, evidence in cursor.execute(
            _STANDING, (company.tenant_id,)
        ):
            reasons_by_subject[Subject(punch_id, shift_id)] |= {
                (anomaly_type, each_reason) for each_reason in _reasons(reason, evidence)
            }
    return reasons_by_subject


def _arrived(punches: list[Punch], sent: int, now: datetime) -> list[Punch]:
    """The punches that have arrived by now, of those after the first `sent`."""
    end = sent
    while end < len(punches) and punches[end].arrives <= now:
        end += 1
    return punches[sent:end]


def _shifts(company: Company, day: Day) -> dict[str, Any]:
    return {
        "tenant": {"tenant_id": company.tenant_id},
        "shifts": [shift.contract() for shift in day.shifts],
        "absences": [absence.contract() for absence in day.absences],
    }


def _note(run: Run, body: dict[str, Any]) -> None:
    if body["type"] in ("anomaly_detected", "anomaly_updated"):
        subject = Subject(body["punch_id"] or "", body["shift_id"] or "")
        reasons = frozenset(_reasons(body["reason"], body["evidence"]))
        run.said[subject].add(Statement(body["anomaly_type"], body["severity"], reasons))


def _reasons(reason: str, evidence: dict[str, Any]) -> list[str]:
    return [reason, *(finding["reason"] for finding in evidence.get("also", []))]
