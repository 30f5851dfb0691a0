"""What a judgement judges beside its own punches is bounded, and ends as if it were not."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

import worker.judging.later
import worker.judging.pace
from models import intake
from tests.worker.cast import NOON, punch, rows, waiting
from tests.worker.conftest import Heard
from worker.judging.judge import judge

STANDING = """
SELECT punch_id, anomaly_type, person_id, site_id, severity, reason, explanation, fraud_score
FROM anomaly WHERE tenant_id = %s AND standing ORDER BY 1, 2
"""
STRANGE_PHONE = "phone"


def pile(tenant_id: int) -> list[dict[str, Any]]:
    """Return 40 punches of three people on one phone, latest first, seconds apart."""
    return [
        punch(
            f"p{number}",
            tenant_id=tenant_id,
            person_id=number % 3 + 1,
            kind="check_in" if number % 4 else "check_out",
            device_id=STRANGE_PHONE,
            occurred_at=(NOON + timedelta(seconds=7 * (40 - number))).isoformat(),
        )
        for number in range(40)
    ]


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge six punches at a time, and two beside them."""
    monkeypatch.setattr(worker.judging.pace, "LEAST_A_BATCH", 6)
    monkeypatch.setattr(worker.judging.pace, "MOST_A_BATCH", 6)
    monkeypatch.setitem(worker.judging.pace._FIRST, "pending", 6)
    monkeypatch.setattr(worker.judging.later, "MOST_ALONG", 2)


def standing(engine: Engine, tenant_id: int) -> list[tuple[Any, ...]]:
    return rows(engine, STANDING, tenant_id)


def judge_all(engine: Engine, tenant_id: int, heard: Heard) -> None:
    while waiting(engine, tenant_id):
        judge(engine, tenant_id, heard)


@pytest.fixture
def phone(engine: Engine) -> None:
    for tenant_id in (1, 2):
        intake.sync_roster(
            engine,
            {
                "tenant": {"tenant_id": tenant_id},
                "devices": [{"device_id": STRANGE_PHONE, "shared": False}],
            },
        )


@pytest.mark.usefixtures("phone")
def test_a_pile_judged_bit_by_bit_ends_as_judged_at_once(
    engine: Engine, heard: Heard, request: pytest.FixtureRequest
) -> None:
    intake.submit(engine, pile(1))
    judge_all(engine, 1, heard)
    request.getfixturevalue("narrow")
    for start in range(0, 40, 10):
        intake.submit(engine, pile(2)[start : start + 10])
        judge_all(engine, 2, heard)
    assert standing(engine, 2) == standing(engine, 1) != []


@pytest.mark.usefixtures("phone", "narrow")
def test_what_is_left_waits_once_and_is_committed_with_the_judgement(
    engine: Engine, heard: Heard
) -> None:
    intake.submit(engine, pile(1)[:30])
    judge_all(engine, 1, heard)
    intake.submit(engine, pile(1)[30:])
    judge(engine, 1, heard, lambda: True)
    waits = rows(engine, "SELECT punch_id, cause FROM pending WHERE tenant_id = 1")
    assert len({punch_id for punch_id, _ in waits}) == len(waits)


@pytest.mark.usefixtures("phone", "narrow")
def test_what_a_void_withdraws_names_it_however_much_it_is(engine: Engine, heard: Heard) -> None:
    intruder = punch(
        "intruder",
        person_id=9,
        device_id=STRANGE_PHONE,
        occurred_at=(NOON + timedelta(seconds=140)).isoformat(),
    )
    own = [{**each, "person_id": 1} for each in pile(1)]
    intake.submit(engine, [*own, intruder])
    judge_all(engine, 1, heard)
    accused = [row for row in standing(engine, 1) if row[1] == "BUDDY_PUNCHING"]
    assert len(accused) == 41
    intake.void(engine, 1, "intruder", "a slip")
    judge_all(engine, 1, heard)
    named = rows(engine, "SELECT punch_id FROM withdrawal_trail WHERE tenant_id = 1")
    assert [row for row in standing(engine, 1) if row[1] == "BUDDY_PUNCHING"] == []
    assert len(named) >= len(accused) and {punch_id for (punch_id,) in named} == {"intruder"}
