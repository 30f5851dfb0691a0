"""Punches that come one by one are judged together while the queue is busy, else at once."""

import threading
from collections.abc import Collection
from pathlib import Path

import pytest
from celery import Celery
from sqlalchemy import Engine

from models.ids import Id
from tests.worker.cast import anomalies, imposter
from tests.worker.live import running_worker, runs, until
from worker.broker import backlog
from worker.broker.backlog import Backlog
from worker.judging import gathering
from worker.judging.gathering import Gathering


def with_backlog(tasks: int) -> Gathering:
    return Gathering(lambda: tasks)


def test_the_more_tasks_wait_the_longer_punches_are_left() -> None:
    seconds = [with_backlog(tasks).seconds_to_wait() for tasks in (0, 9, 10, 50, 100_000)]
    assert seconds == [0, 0, 0.02, 0.1, 0.5]


def test_an_answer_of_the_broker_is_good_for_a_moment() -> None:
    answers = iter([50, 0])
    busy = Gathering(lambda: next(answers))
    assert [busy.seconds_to_wait() for _ in range(3)] == [0.1, 0.1, 0.1]
    busy._asked_at -= gathering._ANSWER_SECONDS
    assert busy.seconds_to_wait() == 0


def test_while_punches_are_left_the_broker_is_not_asked_again() -> None:
    answers = iter([50, 0])
    busy = Gathering(lambda: next(answers))
    busy.leave([1], busy.seconds_to_wait() + 60, lambda _: None)
    busy._asked_at -= gathering._ANSWER_SECONDS
    assert busy.seconds_to_wait() == 0.1
    busy.take()
    assert busy.seconds_to_wait() == 0


def test_a_broker_that_is_away_has_no_backlog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "current_app", Celery(broker="redis://127.0.0.1:1/0"))
    assert Backlog()() == 0


def test_the_backlog_is_what_waits_in_the_queue(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Celery(broker=redis_url)
    monkeypatch.setattr(backlog, "current_app", app)
    asked = Backlog()
    assert asked() == 0
    for _ in range(3):
        app.send_task("any", queue=backlog.QUEUE)
    assert asked() == 3


def test_what_is_left_is_judged_together_and_what_comes_after_as_well() -> None:
    judged: list[set[Id]] = []
    done = threading.Event()
    left = Gathering(lambda: 0)

    def judge(tenants: Collection[Id]) -> None:
        judged.append(set(tenants))
        done.set()

    for tenants in ([1, 2, 1], [3]):
        done.clear()
        for tenant_id in tenants:
            left.leave([tenant_id], 0.05, judge)
        assert done.wait(10)
    assert judged == [{1, 2}, {3}]


def test_where_nothing_was_stored_nothing_is_judged() -> None:
    left = Gathering(lambda: 0)
    left.leave([], 0.01, lambda _: None)
    assert left.take() == set()


def test_a_process_that_ends_takes_what_it_has_left() -> None:
    left = Gathering(lambda: 0)
    left.leave([1], 60, lambda _: None)
    assert (left.take(), left.take()) == ({1}, set())


def queue_punches(broker_url: str, count: int) -> None:
    """Send punches before there is a worker, by Celery's own producer, which declares the queue."""
    app = Celery(broker=broker_url, set_as_current=False)
    for number in range(count):
        app.send_task(
            "attendance.submit", kwargs={"punch": imposter(f"p{number}")}, queue=backlog.QUEUE
        )
    app.close()


@pytest.mark.process
def test_what_comes_singly_while_it_is_busy_is_judged_together(
    settings_env: dict[str, str], tmp_path: Path, engine: Engine
) -> None:
    """No beat runs here: nothing is left to the sweep."""
    queue_punches(settings_env["CELERY_BROKER_URL"], 60)
    with running_worker(settings_env, tmp_path / "worker.log"):
        until(lambda: len(anomalies(engine)) == 60)


@pytest.mark.process
@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_what_a_worker_that_is_told_to_stop_has_left_is_judged_by_it_or_the_next(
    settings_env: dict[str, str], tmp_path: Path, engine: Engine, pool: str
) -> None:
    """No beat runs here either."""
    if not runs(settings_env["CELERY_BROKER_URL"], pool):
        return
    queue_punches(settings_env["CELERY_BROKER_URL"], 40)
    for _ in range(2):
        with running_worker(settings_env, tmp_path / "worker.log", "--pool", pool) as process:
            process.terminate()
            assert process.wait(30) == 0
    with running_worker(settings_env, tmp_path / "worker.log"):
        until(lambda: len(anomalies(engine)) == 40)
