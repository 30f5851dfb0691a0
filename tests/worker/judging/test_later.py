"""What a judgement judges beside its own punches is bounded, and ends as if it were not."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

import worker.judging.judge
import worker.judging.later
import worker.judging.pace
from models import intake
from models.intake import Submitter
from tests.worker.cast import NOON, punch, rows, waiting
from tests.worker.conftest import Heard
from worker.judging.detect import detect
from worker.judging.judge import judge
from worker.rules.window import Window

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


TRAIL = """
SELECT anomaly.punch_id, anomaly.anomaly_type, anomaly.person_id, cause,
    withdrawal_trail.punch_id, content_hash IS NULL, withdrawal_trail.other_sites, submitted_by
FROM withdrawal_trail JOIN anomaly USING (tenant_id, anomaly_id)
WHERE tenant_id = %s ORDER BY 1, 2, 3, 4, 5
"""
KIOSK = Submitter("POST /api/v1/punches", "kiosk-3")


def intruders(tenant_id: int) -> list[dict[str, Any]]:
    """Return a pile of one person on the phone, and punches of two others: most of it is near to
    both of them, its beginning to the first only, its end to the second.
    """
    among = [
        punch(
            f"intruder-{person_id}",
            tenant_id=tenant_id,
            person_id=person_id,
            device_id=STRANGE_PHONE,
            occurred_at=(NOON + timedelta(seconds=seconds)).isoformat(),
        )
        for person_id, seconds in ((8, -100), (9, 380))
    ]
    return [*({**each, "person_id": 1} for each in pile(tenant_id)), *among]


def accused(engine: Engine, tenant_id: int) -> list[tuple[Any, ...]]:
    return [row for row in standing(engine, tenant_id) if row[1] == "BUDDY_PUNCHING"]


def take_back_both(engine: Engine, tenant_id: int, heard: Heard, *, apart: bool) -> None:
    """Void one of the intruders, and say that the other used another phone."""
    _, another = intruders(tenant_id)[-2:]
    intake.void(engine, tenant_id, "intruder-8", "a slip", Submitter("attendance.void", "payroll"))
    if apart:
        judge(engine, tenant_id, heard, seconds=0)
    intake.submit(engine, [{**another, "device_id": "another"}], by=KIOSK)


@pytest.mark.usefixtures("phone")
@pytest.mark.parametrize("apart", [False, True])
def test_what_was_withdrawn_bit_by_bit_names_what_it_would_at_once(
    engine: Engine, heard: Heard, monkeypatch: pytest.MonkeyPatch, *, apart: bool
) -> None:
    """Both are judged together, or while all that the one has left still waits."""
    for tenant_id in (1, 2):
        intake.submit(engine, intruders(tenant_id))
        judge_all(engine, tenant_id, heard)
        assert len(accused(engine, tenant_id)) == 42
    take_back_both(engine, 1, heard, apart=apart)
    judge_all(engine, 1, heard)
    at_once = rows(engine, TRAIL, 1)
    of_pile = [row[3] for row in at_once if row[2] == 1]
    assert len(of_pile) == 40 and min(of_pile.count(what) for what in ("void", "correction")) >= 9
    monkeypatch.setattr(worker.judging.later, "MOST_ALONG", 2)
    take_back_both(engine, 2, heard, apart=apart)
    judge(engine, 2, heard, seconds=0)
    assert waiting(engine, 2) >= 30
    judge_all(engine, 2, heard)
    assert accused(engine, 2) == accused(engine, 1) == []
    assert rows(engine, TRAIL, 2) == at_once


@pytest.mark.usefixtures("phone", "narrow")
def test_what_a_void_left_names_it_whoever_judges_it_first(engine: Engine, heard: Heard) -> None:
    """What the void left waits behind the roster, whose change has some of it judged along."""
    intake.submit(engine, intruders(1))
    judge_all(engine, 1, heard)
    for person_id in (8, 9):
        intake.void(engine, 1, f"intruder-{person_id}", "a slip")
    judge(engine, 1, heard, seconds=0)
    assert waiting(engine) >= 30
    intake.submit(engine, [{**each, "note": "mended"} for each in intruders(1)[:12]])
    judge_all(engine, 1, heard)
    named = {row[4] for row in rows(engine, TRAIL, 1)}
    assert accused(engine, 1) == []
    assert {"intruder-8", "intruder-9"} <= named


@pytest.mark.usefixtures("phone", "narrow")
def test_a_void_in_a_pile_judges_no_more_than_any_other_change(
    engine: Engine, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake.submit(engine, intruders(1))
    judge_all(engine, 1, heard)
    sizes: list[int] = []

    def watched(window: Window) -> Any:
        sizes.append(len([subject for subject in window.subjects if subject.punch_id]))
        return detect(window)

    monkeypatch.setattr(worker.judging.judge, "detect", watched)
    intake.void(engine, 1, "intruder-9", "a slip")
    judge(engine, 1, heard, seconds=0)
    assert sizes == [1 + 2]
    assert waiting(engine) >= 20


@pytest.mark.usefixtures("phone", "narrow")
def test_a_row_that_was_left_without_a_cause_is_judged_too(engine: Engine, heard: Heard) -> None:
    """Rows of the release before are such."""
    intake.submit(engine, intruders(1))
    judge_all(engine, 1, heard)
    intake.void(engine, 1, "intruder-9", "a slip")
    judge(engine, 1, heard, seconds=0)
    rows(engine, "UPDATE pending SET cause = '{\"again\": true}' RETURNING 1")
    judge_all(engine, 1, heard)
    assert {row[2] for row in accused(engine, 1)} == {1, 8}


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
