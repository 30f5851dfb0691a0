"""Alerts cost as many SQL statements by the hundred as one by one: opened, bumped, made one
company, moved, escalated.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from models import intake
from models.alerts.move import Wanted, make_moves
from models.database import transaction
from tests.models.alerts.cast import OPERATOR
from tests.models.intake.statements import counted
from tests.worker.cast import NOON, imposter, rows
from tests.worker.conftest import Heard
from worker.alerts.escalation import keep_alerts
from worker.judging.judge import judge

FEW, MANY = range(1, 2), range(2, 402)


@pytest.fixture(autouse=True)
def _company(engine: Engine, heard: Heard) -> None:
    """All of them known and at their own site, and nothing left to judge of that."""
    people = [{"person_id": 1_000 + number, "name": f"Person {number}"} for number in (*FEW, *MANY)]
    assignments = [{"person_id": person["person_id"], "site_id": 15} for person in people]
    intake.sync_roster(
        engine, {"tenant": {"tenant_id": 1}, "people": people, "assignments": assignments}
    )
    judge(engine, 1, heard)


def judged(engine: Engine, heard: Heard, people: range, day: int) -> int:
    """What it takes to follow an anomaly of each of these people; loading asks for nothing where
    there is nothing to find.
    """
    at = (NOON - timedelta(days=day)).isoformat()
    intake.submit(
        engine,
        [
            imposter(f"p{person_id}-{day}", person_id=1_000 + person_id, occurred_at=at)
            for person_id in people
        ],
    )
    with counted() as statements:
        judge(engine, 1, heard)
    return len([sql for sql in statements if "alert" in sql or "quiet" in sql])


def ids(engine: Engine, people: range) -> list:
    return [
        row[0]
        for row in rows(
            engine,
            "SELECT alert_id FROM alert WHERE person_id = ANY(%s)",
            [1_000 + each for each in people],
        )
    ]


def test_opening_and_bumping_alerts(engine: Engine, heard: Heard) -> None:
    opened = [judged(engine, heard, people, day=1) for people in (FEW, MANY)]
    bumped = [judged(engine, heard, people, day=2) for people in (FEW, MANY)]
    assert rows(
        engine,
        "SELECT count, count(*) FROM alert WHERE anomaly_type = 'WRONG_PERSON' GROUP BY count",
    ) == [(2, 401)]
    assert opened[0] == opened[1] > 0
    assert bumped[0] == bumped[1] > 0


def moved(engine: Engine, people: range) -> int:
    wanted = [Wanted(alert_id, "acknowledge") for alert_id in ids(engine, people)]
    with counted() as statements:
        outcomes, _ = make_moves(engine, 1, OPERATOR, wanted)
    assert not any(each.refused for each in outcomes)
    return len(statements)


def escalated(engine: Engine, people: range) -> int:
    with transaction(engine) as cursor:
        cursor.execute("UPDATE alert SET escalates_at = NULL WHERE status = 'NEW'")
        cursor.execute(
            "UPDATE alert SET escalates_at = now() WHERE alert_id = ANY(%s)", (ids(engine, people),)
        )
    with counted() as statements:
        keep_alerts(engine, 1, Heard())
    return len(statements)


@pytest.mark.parametrize("change", [moved, escalated])
def test_moving_and_escalating_alerts(
    engine: Engine, heard: Heard, change: Callable[[Engine, range], int]
) -> None:
    judged(engine, heard, range(1, 402), day=1)
    assert change(engine, FEW) == change(engine, MANY)
