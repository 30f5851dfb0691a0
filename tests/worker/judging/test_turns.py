"""Tenants are judged in turn, and of each what is live comes before a backfill."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from psycopg import Cursor
from sqlalchemy import Engine
from structlog.testing import capture_logs

import worker.judging.judge
import worker.judging.pace
from models import intake
from models.database import pipelined, transaction
from tests.worker.cast import NOON, anomalies, imposter, roster, rows, waiting
from tests.worker.conftest import Heard
from tests.worker.judging.test_judge import imposters
from tests.worker.judging.test_sweep import age
from tests.worker.live import running_worker, until
from worker.judging import turns
from worker.judging.judge import JUDGED, judge
from worker.judging.pace import pace_of
from worker.judging.sweep import tenants_left, without_turn


@pytest.fixture(autouse=True)
def judged_roster(engine: Engine, heard: Heard) -> None:
    for tenant_id in (1, 2):
        judge(engine, tenant_id, heard)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no judgement seem slow, however busy the machine is."""
    monkeypatch.setattr(worker.judging.pace, "BATCH_SECONDS", 1_000.0)


def grow_old(engine: Engine) -> None:
    rows(engine, "UPDATE turn SET asked_at = asked_at - interval '1 minute' RETURNING 1")


def unattended(engine: Engine) -> list[int]:
    with transaction(engine) as cursor:
        return without_turn(cursor, tenants_left(cursor))


def test_a_tenant_has_one_turn_however_many_ask_for_it(engine: Engine) -> None:
    first = turns.ask(engine, [2, 1])
    assert [turn.tenant_id for turn in first] == [1, 2]
    assert turns.ask(engine, [1, 2]) == []
    assert turns.begin(engine, first[0]) is False
    assert turns.begin(engine, first[0]) is None, "the same task came twice"
    (second,) = turns.ask(engine, [1, 2])
    turns.end(engine, first[0])
    assert turns.ask(engine, [1]) == [], "the second is asked for still"
    assert turns.begin(engine, second) is False
    turns.end(engine, second)
    assert len(turns.ask(engine, [1])) == 1


def test_a_turn_whose_task_was_lost_is_asked_for_again_and_begins_once(engine: Engine) -> None:
    (lost,) = turns.ask(engine, [1])
    grow_old(engine)
    assert turns.ask(engine, [1]) == [lost]
    assert [turns.begin(engine, lost), turns.begin(engine, lost)] == [False, None]


def test_what_was_stored_while_a_turn_is_asked_for_waits_for_it(
    engine: Engine, heard: Heard
) -> None:
    (turn,) = turns.ask(engine, [1])
    intake.submit(engine, [imposter("p1"), imposter("p1", tenant_id=2)])
    for tenant_id in (1, 2):
        judge(engine, tenant_id, heard, unless_asked=True)
    assert (waiting(engine, 1), waiting(engine, 2)) == (1, 0)
    turns.begin(engine, turn)
    judge(engine, 1, heard, unless_asked=True)
    assert waiting(engine) == 0


def test_whoever_leaves_a_tenant_to_its_turn_does_not_hold_it_meanwhile(
    engine: Engine, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The turn would find it taken, and end, if it began just then."""
    held: list[Any] = []

    @contextmanager
    def watched(engine: Engine) -> Iterator[Cursor]:
        with pipelined(engine) as cursor:
            yield cursor
            held.extend(rows(engine, "SELECT objid FROM pg_locks WHERE locktype = 'advisory'"))

    monkeypatch.setattr(worker.judging.judge, "pipelined", watched)
    turns.ask(engine, [1])
    assert judge(engine, 1, heard, unless_asked=True) is None
    assert held == []
    judge(engine, 1, heard)
    assert len(held) == 1


def test_history_and_the_roster_are_not_put_off_to_be_judged_with_what_comes(
    engine: Engine, heard: Heard
) -> None:
    asked: list[int] = []

    def put_off() -> bool:
        asked.append(1)
        return True

    intake.submit(engine, imposters(10), backfill=True)
    intake.sync_roster(
        engine, {"tenant": {"tenant_id": 1}, "people": [{"person_id": 77, "name": "New"}]}
    )
    intake.submit(engine, [imposter("live")])
    judge(engine, 1, heard, put_off)
    assert (waiting(engine), asked) == (0, [])


def test_a_sweep_leaves_alone_who_has_a_turn_but_for_what_a_judge_died_of(engine: Engine) -> None:
    intake.submit(engine, [imposter("p1"), imposter("p1", tenant_id=2)])
    age(engine)
    assert sorted(unattended(engine)) == [1, 2]
    (turn,) = turns.ask(engine, [1])
    assert unattended(engine) == [2]
    turns.begin(engine, turn)
    assert unattended(engine) == [2]
    rows(engine, "UPDATE pending SET attempts = 1 WHERE tenant_id = 1 RETURNING 1")
    assert sorted(unattended(engine)) == [1, 2]
    rows(engine, "UPDATE pending SET attempts = 0 WHERE tenant_id = 1 RETURNING 1")
    grow_old(engine)
    assert sorted(unattended(engine)) == [1, 2], "whoever began it died"


def test_the_turn_that_a_sweep_asks_for_begins_with_what_was_left(engine: Engine) -> None:
    (turn,) = turns.ask(engine, [1])
    assert turns.ask(engine, [1], of_sweep=True) == []
    assert turns.begin(engine, turn) is True
    (turn,) = turns.ask(engine, [1])
    assert turns.begin(engine, turn) is False


def test_a_judge_whose_time_is_up_says_that_more_waits(
    engine: Engine, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.judging.pace, "BATCH_SECONDS", 0.25)
    pace_of(engine).note(1, "pending", 100, 1_000.0)
    intake.submit(engine, imposters(40))
    assert judge(engine, 1, heard, seconds=0) is True
    assert waiting(engine) == 20
    assert judge(engine, 1, heard, seconds=0) is False
    assert waiting(engine) == 0


def test_a_live_punch_waits_for_one_batch_of_its_tenants_history_at_most(
    engine: Engine, heard: Heard
) -> None:
    intake.submit(engine, pile(2_500), backfill=True)
    assert judge(engine, 1, heard, seconds=0)
    tomorrow = (NOON + timedelta(days=1)).isoformat()  # near to none of the others
    intake.submit(engine, [imposter("live", occurred_at=tomorrow)])
    assert judge(engine, 1, heard, seconds=0)
    assert "live" in {row[0] for row in anomalies(engine)}
    assert waiting(engine) >= 1_500


def test_a_live_correction_and_a_void_of_backfilled_punches_are_live_too(
    engine: Engine, heard: Heard
) -> None:
    intake.submit(engine, pile(1_500), backfill=True)
    assert judge(engine, 1, heard, seconds=0)
    standing = {row[0] for row in anomalies(engine)}
    corrected, voided = sorted(standing)[:2]
    intake.submit(engine, [imposter(corrected, biometric=None)])
    intake.void(engine, 1, voided, "by mistake")
    assert judge(engine, 1, heard, seconds=0)
    assert waiting(engine) >= 500
    assert {row[0] for row in anomalies(engine) if not row[-1]} == {corrected, voided}


def test_a_change_of_the_roster_comes_before_a_backfill(engine: Engine, heard: Heard) -> None:
    intake.submit(engine, pile(1_500), backfill=True)
    judge(engine, 1, heard, seconds=0)
    intake.sync_roster(
        engine, {"tenant": {"tenant_id": 1}, "people": [{"person_id": 77, "name": "New"}]}
    )
    judge(engine, 1, heard, seconds=0)
    assert rows(engine, "SELECT count(*) FROM roster_change WHERE kind = 'named'") == [(0,)]
    assert waiting(engine) >= 500


@pytest.mark.usefixtures("unhurried")
def test_a_first_roster_is_judged_in_batches_as_large_as_those_of_punches(
    engine: Engine, heard: Heard
) -> None:
    people = [{"person_id": 1_000 + number, "name": "New"} for number in range(3_000)]
    intake.sync_roster(engine, {"tenant": roster(1)["tenant"], "people": people})
    with capture_logs() as logs:
        judge(engine, 1, heard, seconds=1_000)
    judgements = [line["rows"] for line in logs if line["event"] == JUDGED]
    assert waiting(engine) == 0
    assert len(judgements) <= 12, judgements


def test_what_was_judged_of_a_backfill_is_noted_and_nothing_else(
    engine: Engine, heard: Heard
) -> None:
    intake.submit(engine, [imposter("live")])
    judge(engine, 1, heard)
    assert rows(engine, "SELECT * FROM backfill_pace") == []
    for start in (0, 30):
        intake.submit(engine, imposters(30, start), backfill=True)
        judge(engine, 1, heard)
    noted = "SELECT DISTINCT tenant_id, sum(rows) OVER () FROM backfill_pace"
    assert rows(engine, noted) == [(1, 60)]


def pile(number: int) -> list[dict[str, Any]]:
    """Return punches of 20 people, each a day apart, so that none is judged with another."""
    return [
        imposter(
            f"p{index}",
            person_id=index % 20 + 1,
            occurred_at=(NOON - timedelta(days=index // 20)).isoformat(),
            biometric={"method": "face", "matched_person_id": 1_000},
        )
        for index in range(number)
    ]


def moments(engine: Engine, tenant_id: int) -> list[Any]:
    """Return when the tenant's judgements began that found something."""
    sql = "SELECT DISTINCT detected_at FROM anomaly WHERE tenant_id = %s ORDER BY 1"
    return [moment for (moment,) in rows(engine, sql, tenant_id)]


@pytest.mark.process
def test_with_a_pile_in_as_many_tenants_as_there_are_processes_another_has_its_turn(
    settings_env: dict[str, str], log: Path, engine: Engine
) -> None:
    """One process, one pile. No beat runs here: nothing is left to the sweep."""
    intake.submit(engine, pile(2_500))
    intake.submit(engine, [imposter("p1", tenant_id=2)])
    with Celery(broker=settings_env["CELERY_BROKER_URL"], set_as_current=False) as app:
        for tenant_id in (1, 2):
            app.send_task("upkeep.judge", kwargs={"tenant_id": tenant_id}, queue="upkeep")
        with running_worker(settings_env, log, "--pool", "solo"):
            until(lambda: not waiting(engine, 1) and not waiting(engine, 2), 120)
    (lone,) = moments(engine, 2)
    judged = moments(engine, 1)
    before = [moment for moment in judged if moment < lone]
    assert 1 <= len(before) <= 2 < len(judged)
    assert rows(engine, "SELECT * FROM turn") == []
