"""Shifts that are due together: a sweep judges some, and turns the others, as it would have."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

import worker.judging.due_shifts
from models import intake
from models.database import transaction
from tests.worker.cast import punch, roster, rows, waiting
from tests.worker.conftest import Heard
from worker.judging.judge import judge
from worker.judging.sweep import judge_left, judge_moments
from worker.judging.work_queue import take_changes

MINUTE = timedelta(minutes=1)
STANDING = """
SELECT shift_id, reason, explanation, evidence FROM anomaly
WHERE tenant_id = %s AND standing ORDER BY shift_id
"""
LEFT = "SELECT kind, key, alone FROM roster_change WHERE tenant_id = %s ORDER BY key"


def plan(engine: Engine, heard: Heard, tenant_id: int, started: timedelta, **more: Any) -> None:
    """Have ten people each expected at one instant, `started` ago, of which half came.

    They were judged then; nobody has swept since.
    """
    starts_at = datetime.now(UTC) - started
    shifts = [
        {
            "shift_id": f"s{person_id:02}",
            "person_id": person_id,
            "site_id": 15,
            "starts_at": starts_at.isoformat(),
            "ends_at": (starts_at + timedelta(hours=8)).isoformat(),
            "substitutes": [],
        }
        for person_id in range(1, 11)
    ]
    tenant = roster(tenant_id)["tenant"] | more
    intake.sync_roster(engine, {"tenant": tenant, "shifts": shifts})
    at = (starts_at - timedelta(days=3)).isoformat()
    punches = [punch("before", tenant_id=tenant_id, person_id=20, occurred_at=at)]
    punches += [
        punch(f"p{number}", tenant_id=tenant_id, person_id=number, occurred_at=at)
        for number in range(1, 11, 2)
        if (at := starts_at.isoformat())
    ]
    intake.submit(engine, punches)
    judge_all(engine, heard, tenant_id)
    with transaction(engine) as cursor:
        cursor.execute("DELETE FROM alert_anomaly WHERE tenant_id = %s", (tenant_id,))
        cursor.execute("DELETE FROM anomaly WHERE tenant_id = %s", (tenant_id,))
        swept_at = starts_at - MINUTE
        cursor.execute(
            "UPDATE tenant SET swept_at = %s WHERE tenant_id = %s", (swept_at, tenant_id)
        )


def judge_all(engine: Engine, heard: Heard, tenant_id: int) -> None:
    while waiting(engine, tenant_id):
        judge(engine, tenant_id, heard)


def sweep(engine: Engine, heard: Heard, tenant_id: int) -> None:
    while judge_moments(engine, tenant_id, heard):
        pass


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a step of a sweep judge two shifts."""
    monkeypatch.setattr(worker.judging.due_shifts, "MOST_SHIFTS", 2)


def swept_until(engine: Engine) -> datetime:
    ((swept_at,),) = rows(engine, "SELECT swept_at FROM tenant WHERE tenant_id = 1")
    assert isinstance(swept_at, datetime)
    return swept_at


@pytest.mark.parametrize(
    ("started", "more"),
    [
        (timedelta(hours=1), {}),
        # Longer ago than the roster's changes are looked at again.
        (timedelta(days=20), {"policy": {"rejudge_days": 7}}),
    ],
)
def test_what_a_sweep_leaves_ends_as_if_it_had_not(
    engine: Engine,
    heard: Heard,
    request: pytest.FixtureRequest,
    started: timedelta,
    more: dict[str, Any],
) -> None:
    for tenant_id in (1, 2):
        plan(engine, heard, tenant_id, started, **more)
    sweep(engine, heard, 2)
    request.getfixturevalue("few")
    sweep(engine, heard, 1)
    judge_all(engine, heard, 1)
    expected = [f"s{number:02}" for number in range(2, 11, 2)]
    found = rows(engine, STANDING, 1)
    missed = [shift_id for shift_id, reason, *_ in found if reason == "no_show"]
    assert missed == expected
    assert [row[:2] for row in found] == [row[:2] for row in rows(engine, STANDING, 2)]


@pytest.mark.usefixtures("few")
def test_what_a_sweep_leaves_waits_once_and_the_sweep_goes_on(engine: Engine, heard: Heard) -> None:
    plan(engine, heard, 1, timedelta(hours=1))
    before = swept_until(engine)
    sweep(engine, heard, 1)
    left = rows(engine, LEFT, 1)
    assert left == [("shift", f"s{number:02}", True) for number in range(3, 11)]
    swept_at = swept_until(engine)
    assert swept_at - before >= timedelta(hours=1)
    # A sweep of the same time again, as where it ended with the very moment, leaves nothing twice.
    rows(engine, "UPDATE tenant SET swept_at = %s WHERE tenant_id = 1 RETURNING 1", before)
    sweep(engine, heard, 1)
    assert rows(engine, LEFT, 1) == left
    judge_all(engine, heard, 1)
    sweep(engine, heard, 1)
    assert waiting(engine) == 0


@pytest.mark.usefixtures("few")
def test_what_a_sweep_leaves_touches_nobody_else(engine: Engine, heard: Heard) -> None:
    plan(engine, heard, 1, timedelta(hours=1))
    sweep(engine, heard, 1)
    with transaction(engine) as cursor:
        batch = take_changes(cursor, 1, datetime.now(UTC))
    assert batch
    assert not batch.touched.shifts and not batch.touched.people
    assert batch.touched.due_shifts == {f"s{number:02}" for number in range(3, 11)}
    # One that has changed as well is judged as changed, and by itself.
    rows(
        engine,
        """
        INSERT INTO roster_change (tenant_id, kind, key, at)
        VALUES (1, 'shift', 's03', now()) RETURNING 1
        """,
    )
    with transaction(engine) as cursor:
        batch = take_changes(cursor, 1, datetime.now(UTC))
    assert batch
    assert batch.units == len(batch.touched.due_shifts)
    assert batch.touched.shifts == {"s03"} < batch.touched.due_shifts


@pytest.mark.usefixtures("few")
def test_what_a_judge_of_them_died_of_is_swept_as_any_work(engine: Engine, heard: Heard) -> None:
    plan(engine, heard, 1, timedelta(hours=1))
    sweep(engine, heard, 1)
    rows(engine, "UPDATE roster_change SET attempts = 1, at = at - interval '2 s' RETURNING 1")
    judge(engine, 1, heard)
    assert waiting(engine) == 8
    judge_left(engine, 1, heard)
    assert waiting(engine) == 0
    assert len(rows(engine, STANDING, 1)) == 5
