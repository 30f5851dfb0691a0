"""Turns at judging are asked for, and not believed in where they could not be."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from kombu.exceptions import OperationalError
from sqlalchemy import Engine

import worker.tasks.after_storing
from models import intake
from models.broker import JUDGE_TASK
from models.database import transaction
from models.locks import tenant_lock_key
from tests.worker.cast import imposter, rows, waiting
from tests.worker.conftest import Heard
from worker.judging import turns
from worker.judging.gathering import Gathering
from worker.judging.judge import TURN_SECONDS
from worker.judging.turns import Turn
from worker.tasks.after_storing import ask_for_turns, judge_now, judge_stored, take_turn

TURNS = "SELECT tenant_id, began FROM turn ORDER BY 1"


class Queue:
    """A broker that takes so many tasks, and then goes away."""

    def __init__(self) -> None:
        self.takes = 1_000
        self.turns: list[Turn] = []

    def apply_async(self, *, kwargs: dict[str, Any], task_id: str) -> None:
        if len(self.turns) >= self.takes:
            raise OperationalError
        self.turns.append(Turn(kwargs["tenant_id"], task_id))


@pytest.fixture
def queue(engine: Engine, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> Queue:
    queue = Queue()
    process = SimpleNamespace(engine=engine, emit=heard, gathering=Gathering(lambda: 0))
    process_of: Callable[[], Any] = lambda: process  # noqa: E731 - typed
    monkeypatch.setattr(worker.tasks.after_storing, "this_process", process_of)
    app = SimpleNamespace(tasks={JUDGE_TASK: queue})
    monkeypatch.setattr(worker.tasks.after_storing, "current_app", app)
    return queue


def test_a_turn_that_could_not_be_sent_keeps_nobody_from_judging(
    engine: Engine, queue: Queue
) -> None:
    queue.takes = 1
    ask_for_turns([1, 2])
    assert rows(engine, TURNS) == [(1, False)]
    intake.submit(engine, [imposter("p1", tenant_id=2)])
    judge_now([2])
    assert waiting(engine, 2) == 0


def test_a_turn_that_finds_its_tenant_taken_is_asked_for_once_more(
    engine: Engine, queue: Queue
) -> None:
    """Whoever holds the tenant may be at something else, such as its moments."""
    intake.submit(engine, [imposter("p1")])
    ask_for_turns([1])
    with transaction(engine) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (tenant_lock_key(1),))
        take_turn(queue.turns[0])
        assert rows(engine, TURNS) == [(1, False)]
    take_turn(queue.turns[1])
    assert (waiting(engine), rows(engine, TURNS), len(queue.turns)) == (0, [], 2)


def test_a_tenant_that_stays_taken_is_left_to_the_sweep(engine: Engine, queue: Queue) -> None:
    turns_taken = 0
    ask_for_turns([1], of_sweep=True)
    with transaction(engine) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (tenant_lock_key(1),))
        while turns_taken < len(queue.turns) < 10:
            take_turn(queue.turns[turns_taken])
            turns_taken += 1
    assert (turns_taken, rows(engine, TURNS)) == (2, [])
    assert len(turns.ask(engine, [1])) == 1


def test_what_took_long_to_store_is_judged_in_a_turn_of_its_own(
    engine: Engine, queue: Queue
) -> None:
    """Its process has others to serve by then."""
    intake.submit(engine, [imposter("p1")])
    judge_stored([1], time.monotonic() - TURN_SECONDS)
    assert waiting(engine) > 0
    assert rows(engine, TURNS) == [(1, False)]
    take_turn(queue.turns[0])
    intake.submit(engine, [imposter("p2")])
    judge_stored([1], time.monotonic() + 60)
    assert (waiting(engine), len(queue.turns)) == (0, 1)
