"""Hundreds of alerts take as many statements as one: to open, bump, correlate, move, escalate."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine

from models import intake
from models.alerts.move import WantedMove, make_moves
from models.alerts.quiet_rows import add_quiet
from models.database import transaction
from tests.models.alerts.cast import HOSTILE, OPERATOR, followed, recurring
from tests.models.intake.statements import counted
from tests.worker.cast import NOON, imposter, rows
from tests.worker.conftest import Heard
from worker.alerts.escalation import keep_alerts
from worker.judging.judge import judge

FEW, MANY = range(1, 2), range(2, 402)


@pytest.fixture(autouse=True)
def _company(engine: Engine, heard: Heard) -> None:
    """Roster all of the people at the site, and leave nothing of that to judge."""
    people = [{"person_id": 1_000 + number, "name": f"Person {number}"} for number in (*FEW, *MANY)]
    assignments = [{"person_id": person["person_id"], "site_id": 15} for person in people]
    intake.sync_roster(
        engine, {"tenant": {"tenant_id": 1}, "people": people, "assignments": assignments}
    )
    judge(engine, 1, heard)


def judged(engine: Engine, heard: Heard, people: range, day: int) -> int:
    """Return how many statements it takes to follow an anomaly of each of these people.

    Those that load a window are left out: without anything to find they ask for nothing.
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


def alert_ids(engine: Engine, people: range) -> list[UUID]:
    sql = "SELECT alert_id FROM alert WHERE person_id = ANY(%s)"
    found = rows(engine, sql, [1_000 + number for number in people])
    return [alert_id for (alert_id,) in found]


def test_opening_and_bumping_alerts(engine: Engine, heard: Heard) -> None:
    opened = [judged(engine, heard, people, day=1) for people in (FEW, MANY)]
    bumped = [judged(engine, heard, people, day=2) for people in (FEW, MANY)]
    assert rows(
        engine,
        "SELECT count, count(*) FROM alert WHERE anomaly_type = 'WRONG_PERSON' GROUP BY count",
    ) == [(2, 401)]
    assert opened[0] == opened[1] > 0
    assert bumped[0] == bumped[1] > 0


def test_windows_that_recur_take_no_statement_more_and_no_rule_is_followed(
    engine: Engine, heard: Heard
) -> None:
    without = judged(engine, heard, FEW, day=1)
    for number in range(60):
        window = recurring(HOSTILE, "2000-01-01T00:00:00", 30, people=[5_000 + number])
        add_quiet(engine, 1, OPERATOR, window)
    with followed() as rules:
        assert judged(engine, heard, MANY, day=1) == without
    assert rules == []


def moved(engine: Engine, people: range) -> int:
    moves = [WantedMove(alert_id, "acknowledge") for alert_id in alert_ids(engine, people)]
    with counted() as statements:
        outcomes, _ = make_moves(engine, 1, OPERATOR, moves)
    assert not any(outcome.refused for outcome in outcomes)
    return len(statements)


def escalated(engine: Engine, people: range) -> int:
    with transaction(engine) as cursor:
        cursor.execute("UPDATE alert SET escalates_at = NULL WHERE status = 'NEW'")
        cursor.execute(
            "UPDATE alert SET escalates_at = now() WHERE alert_id = ANY(%s)",
            (alert_ids(engine, people),),
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
