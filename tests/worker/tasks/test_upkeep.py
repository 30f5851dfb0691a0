"""The tasks of upkeep, called in this process: none keeps another from its work."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine

import worker.judging.due_shifts
import worker.tasks.upkeep
from models import intake
from tests.worker.cast import imposter, punch, roster, rows, waiting
from tests.worker.conftest import Heard
from worker.judging.judge import judge
from worker.tasks.upkeep import _judge_moments, prune_old


class CannotExtendError(Exception):
    """What a calendar failed with."""


@pytest.fixture(autouse=True)
def process(engine: Engine, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SimpleNamespace(feed_retention_days=30)
    parts = SimpleNamespace(engine=engine, settings=settings)
    monkeypatch.setattr(worker.tasks.upkeep, "this_process", lambda: parts)
    judge(engine, 1, heard)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which each tenant is added of which a turn is asked for."""
    tenants: list[int] = []

    def ask(wanted: Collection[int], **_options: Any) -> None:
        tenants.extend(wanted)

    monkeypatch.setattr(worker.tasks.upkeep, "ask_for_turns", ask)
    return tenants


def test_pruning_runs_whatever_calendars_do(monkeypatch: pytest.MonkeyPatch) -> None:
    pruned = []

    def fail(_engine: Engine) -> None:
        raise CannotExtendError

    monkeypatch.setattr(worker.tasks.upkeep, "extend_due", fail)
    monkeypatch.setattr(worker.tasks.upkeep, "prune", lambda *arguments: pruned.append(arguments))
    with pytest.raises(CannotExtendError):
        prune_old.run()
    assert len(pruned) == 1


def test_what_an_old_worker_wrote_into_a_roster_is_taken_before_pruning(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO person (tenant_id, person_id, name) VALUES (1, 70, 'Old')"
        )
    prune_old.run()
    known = "SELECT name FROM person_version WHERE person_id = 70"
    assert rows(engine, known) == [("Old",)]
    assert rows(engine, "SELECT FROM roster_change WHERE kind = 'person' AND key = '70'")


def test_what_came_while_a_sweep_held_the_lock_gets_a_turn(
    engine: Engine, heard: Heard, asked: list[int]
) -> None:
    assert not _judge_moments(engine, 1, heard)
    assert asked == []
    intake.submit(engine, [imposter("p1")])
    assert not _judge_moments(engine, 1, heard)
    assert asked == [1]


def test_what_a_sweep_leaves_gets_a_turn(
    engine: Engine, heard: Heard, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.judging.due_shifts, "MOST_SHIFTS", 1)
    now = datetime.now(UTC)
    times = {
        "starts_at": (now + timedelta(minutes=1)).isoformat(),
        "ends_at": (now + timedelta(hours=8)).isoformat(),
    }
    shifts: list[dict[str, Any]] = [
        {"shift_id": f"s{n}", "person_id": n, "site_id": 15, "substitutes": [], **times}
        for n in (1, 2, 3)
    ]
    intake.sync_roster(engine, {"tenant": roster(1)["tenant"], "shifts": shifts})
    intake.submit(engine, [punch("p", occurred_at=(now - timedelta(days=3)).isoformat())])
    judge(engine, 1, heard)
    rows(engine, "UPDATE shift SET starts_at = starts_at - interval '1 hour' RETURNING 1")
    rows(engine, "UPDATE tenant SET swept_at = swept_at - interval '1 hour' RETURNING 1")
    assert not _judge_moments(engine, 1, heard)
    assert (waiting(engine), asked) == (2, [1])
