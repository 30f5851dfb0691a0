"""A simulated company worked through the real pipeline, as time goes by: rosters, punches as they
arrive, judgements, sweeps.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import Engine

from dev.simulator.company import Company
from dev.simulator.day import Day
from dev.simulator.rows import Expected, Punch
from models import intake
from models.database import transaction
from models.feed import Message
from tests.end_to_end.simulated_clock import SimulatedClock
from worker.judging.judge import judge
from worker.judging.sweep import judge_moments

_AHEAD = timedelta(days=2)  # the week's shifts are known before
_AFTERWARDS = timedelta(days=2)


class Subject(NamedTuple):
    punch_id: str
    shift_id: str


class Run(NamedTuple):
    """`said` holds all that viewers were ever told of each subject: (type, severity, reasons)."""

    punches: int
    said: dict[Subject, set[tuple[str, str, frozenset[str]]]]

    def above_low(self) -> dict[Subject, set[tuple[str, str, frozenset[str]]]]:
        loud = {
            subject: {what for what in told if what[1] != "LOW"}
            for subject, told in self.said.items()
        }
        return {subject: told for subject, told in loud.items() if told}

    def was_said(self, expected: Expected) -> bool:
        told = self.said.get(Subject(expected.punch_id, expected.shift_id), set())
        return any(
            kind == expected.anomaly_type and expected.reason in reasons
            for kind, _, reasons in told
        )


def work(
    engine: Engine, clock: SimulatedClock, company: Company, days: Sequence[Day], step: timedelta
) -> Run:
    start = datetime.combine(days[0].date, time(), UTC) - timedelta(days=1)
    run = Run(0, defaultdict(set))
    clock.set(start)
    intake.sync_roster(engine, company.roster())
    with transaction(engine) as cursor:  # the column's default is the real moment
        cursor.execute("UPDATE tenant SET swept_at = %s", (start,))

    def hear(_tenant_id: int, _epoch: str, _base: int, messages: list[Message]) -> None:
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
        judge_moments(engine, company.tenant_id, hear)
    return run._replace(punches=sent)


def standing(engine: Engine, company: Company) -> dict[Subject, set[tuple[str, str]]]:
    """(type, reason) of each anomaly that stands, leading or not."""
    found: dict[Subject, set[tuple[str, str]]] = defaultdict(set)
    with transaction(engine) as cursor:
        sql = "SELECT punch_id, shift_id, anomaly_type, reason, evidence FROM anomaly WHERE tenant_id = %s AND standing"
        for punch_id, shift_id, anomaly_type, reason, evidence in cursor.execute(
            sql, (company.tenant_id,)
        ):
            found[Subject(punch_id, shift_id)] |= {
                (anomaly_type, why) for why in _reasons(reason, evidence)
            }
    return found


def _arrived(punches: list[Punch], sent: int, now: datetime) -> list[Punch]:
    upto = sent
    while upto < len(punches) and punches[upto].arrives <= now:
        upto += 1
    return punches[sent:upto]


def _shifts(company: Company, day: Day) -> dict:
    return {
        "tenant": {"tenant_id": company.tenant_id},
        "shifts": [shift.contract() for shift in day.shifts],
    }


def _note(run: Run, body: dict) -> None:
    if body["type"] in ("anomaly_detected", "anomaly_updated"):
        subject = Subject(body["punch_id"] or "", body["shift_id"] or "")
        reasons = frozenset(_reasons(body["reason"], body["evidence"]))
        run.said[subject].add((body["anomaly_type"], body["severity"], reasons))


def _reasons(reason: str, evidence: dict) -> list[str]:
    return [reason, *(other["reason"] for other in evidence.get("also", []))]
