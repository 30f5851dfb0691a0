"""The bases of all tasks, without a broker: what they show, and keep when they fail."""

from typing import Any

import psycopg
import pytest
import sqlalchemy.exc
from billiard.exceptions import SoftTimeLimitExceeded
from celery import Celery
from celery.app.task import Context, Task
from celery.exceptions import Reject, Retry
from kombu.exceptions import OperationalError
from sqlalchemy import Engine

import worker.tasks.base
from models.channel import Key
from models.channel_keys import SigningKeys
from models.emitter import FeedManager
from models.feed import Message
from models.settings import load_settings
from tests.worker.cast import punch, rows
from worker.broker.headers import deadline_in
from worker.broker.ids import ids_of
from worker.emit import Emitter
from worker.judging.gathering import Gathering
from worker.metrics import FAILED_EMITS
from worker.process import Process
from worker.tasks.base import DoorTask, TaskFailed


class Failing(DoorTask):
    """A task that fails with `error`, and remembers when it was to be tried again."""

    name = "attendance.submit"
    error: Exception
    broker_is_away = False
    too_deep = False

    def __init__(self) -> None:
        self.again: list[int] = []
        self.pauses: list[tuple[float, bool]] = []

    def run(self, **_: Any) -> None:
        raise self.error

    def signature_from_request(
        self, *_: Any, countdown: float = 0, retries: int = 0, **__: Any
    ) -> Any:
        assert countdown == 0
        task = self

        class Signature:
            def apply_async(self) -> None:
                if task.broker_is_away:
                    raise OperationalError
                if task.too_deep:
                    raise RecursionError
                task.again.append(retries)

        return Signature()


def register(task: Task) -> Any:
    """Return the task, of an app that has no other by this name.

    A shared task of the name belongs to every app, once any test has imported it.
    """
    app = Celery("test", set_as_current=False)
    app.tasks.pop(task.name, None)
    return app.register_task(task)


@pytest.fixture
def failing(
    engine: Engine, settings_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Failing:
    settings = load_settings(settings_env)
    process = Process(
        settings,
        engine,
        Emitter(FeedManager(settings.redis_url, settings.redis_channel, SigningKeys(engine))),
        Gathering(lambda: 0),
    )
    monkeypatch.setattr(worker.tasks.base, "this_process", lambda: process)
    task: Failing = register(Failing())
    monkeypatch.setattr(
        worker.tasks.base, "pause", lambda seconds, is_away: task.pauses.append((seconds, is_away))
    )
    return task


def call(task: Failing, retries: int, **kwargs: Any) -> None:
    task.push_request(retries=retries, id="t1")
    try:
        task(**kwargs)
    finally:
        task.pop_request()


def kept(engine: Engine) -> list[tuple[Any, ...]]:
    return rows(engine, "SELECT tenant_id, punch_id, reasons -> 0 ->> 'code' FROM rejected")


def test_a_task_that_keeps_failing_is_tried_three_times_and_then_kept(
    failing: Failing, engine: Engine
) -> None:
    failing.error = ZeroDivisionError("Ada Lovelace")
    for retries in range(3):
        with pytest.raises(Retry) as retry:
            call(failing, retries, punch=punch("p1"))
        assert "Ada" not in repr(retry.value)
    assert (failing.again, kept(engine)) == ([1, 2, 3], [])
    assert all(0.1 < seconds <= 1 and not is_away for seconds, is_away in failing.pauses)
    with pytest.raises(TaskFailed) as failed:
        call(failing, 3, punch=punch("p1"))
    assert str(failed.value) == "ZeroDivisionError"
    assert kept(engine) == [(1, "p1", "keeps_failing")]


def test_what_is_nested_too_deep_to_be_sent_again_is_kept_at_once(
    failing: Failing, engine: Engine
) -> None:
    failing.error, failing.too_deep = ZeroDivisionError(), True
    with pytest.raises(TaskFailed):
        call(failing, 0, punch=punch("p1"))
    assert (failing.again, kept(engine)) == ([], [(1, "p1", "keeps_failing")])


def test_nor_is_it_lost_where_it_cannot_be_kept(
    failing: Failing, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise psycopg.OperationalError

    monkeypatch.setattr(worker.tasks.base, "refuse", away)
    failing.error, failing.too_deep = ZeroDivisionError(), True
    with pytest.raises(Reject) as reject:
        call(failing, 0, punch=punch("p1"))
    assert reject.value.requeue


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("gone"),
        sqlalchemy.exc.OperationalError("SELECT", {}, Exception("gone")),
        psycopg.errors.AdminShutdown(),
    ],
)
def test_a_database_that_is_away_costs_no_retries(
    failing: Failing, engine: Engine, error: Exception
) -> None:
    failing.error = error
    for retries in (0, 3):
        with pytest.raises(Retry):
            call(failing, retries, punch=punch("p1"))
    assert (failing.again, kept(engine)) == ([0, 3], [])
    assert all(seconds <= 1 and is_away for seconds, is_away in failing.pauses)


def test_the_soft_time_limit_in_a_pause_does_not_cost_the_task(
    failing: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_long(*_: object) -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(worker.tasks.base, "pause", too_long)
    failing.error = psycopg.OperationalError("gone")
    with pytest.raises(Retry):
        call(failing, 0, punch=punch("p1"))
    assert failing.again == [0]


class Again(DoorTask):
    name = "attendance.submit"


def test_what_goes_back_into_its_queue_is_held_by_nobody() -> None:
    """Celery sends a task again that has lost its process. An `eta` would block a worker by it."""
    task = register(Again())
    again = task.signature_from_request(Context(args=(), kwargs={}), countdown=1, retries=2)
    assert again.options["retries"] == 2
    assert not {"countdown", "eta", "expires"} & {
        name for name, value in again.options.items() if value is not None
    }


def test_a_deadlock_is_tried_again_and_counted(failing: Failing) -> None:
    failing.error = psycopg.errors.DeadlockDetected()
    with pytest.raises(Retry):
        call(failing, 0, punch=punch("p1"))
    assert failing.again == [1]


def test_with_the_broker_away_as_well_the_message_is_left_to_its_redelivery(
    failing: Failing,
) -> None:
    failing.error = psycopg.OperationalError("gone")
    failing.broker_is_away = True
    with pytest.raises(Reject) as rejected:
        call(failing, 0, punch=punch("p1"))
    assert rejected.value.requeue is True


def test_a_batch_that_keeps_failing_is_kept_punch_by_punch(
    failing: Failing, engine: Engine
) -> None:
    failing.error = ZeroDivisionError()
    with pytest.raises(TaskFailed):
        call(failing, 3, punches=[punch("p1"), punch("p2", tenant_id=2)])
    assert sorted(kept(engine)) == [(1, "p1", "keeps_failing"), (2, "p2", "keeps_failing")]


def test_what_killed_its_process_every_time_is_kept(
    failing: Failing, engine: Engine, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    monkeypatch.setenv("REDIS_URL", "redis://localhost")
    failing.on_lost_for_good((), {"punch": punch("p1")})
    assert kept(engine) == [(1, "p1", "kills_worker")]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (
            {"punch": punch("p1", person_name="Ada", latitude=1.0)},
            {"punch": {"tenant_id": 1, "person_id": 1, "site_id": 15, "punch_id": "p1"}},
        ),
        ({"punches": [punch("p1"), punch("p2")], "backfill": True}, {"punches": 2}),
        (
            {"roster": {"tenant": {"tenant_id": 1, "name": "Acme"}, "people": [{"name": "Ada"}]}},
            {"roster": {"tenant": {"tenant_id": 1}}},
        ),
        (
            {"message": {"tenant_id": 1, "message_id": "m", "data": {"who": "Ada"}}},
            {"message": {"tenant_id": 1, "message_id": "m"}},
        ),
        (
            {"punch": punch("p1", tenant_id="acme", person_id="7", site_id="Gate 7")},
            {
                "punch": {
                    "tenant_id": "acme",
                    "person_id": "7",
                    "site_id": "Gate 7",
                    "punch_id": "p1",
                }
            },
        ),
        ({"tenant_id": ["Ada"], "punch_id": 7, "punch": "Ada", "punches": "Ada", "Ada": 1}, {}),
    ],
)
def test_of_its_arguments_a_task_tells_ids_and_sizes(
    arguments: dict[str, Any], shown: dict[str, Any]
) -> None:
    assert ids_of(arguments) == repr(shown)


def test_what_came_too_late_still_has_when_it_comes_again() -> None:
    """Put off while the database was away, it would else lose its `expires`, and be taken."""
    task = register(Again())
    again = task.signature_from_request(Context(args=(), kwargs={}, expired=True), retries=0)
    assert deadline_in(again.options["headers"], keeps_expired=True) == {"expired": True}
    assert deadline_in(again.options["headers"], keeps_expired=False) == {}


def test_a_failure_to_emit_ends_where_it_is_logged_and_counted(redis_channel: str) -> None:
    before = FAILED_EMITS._value.get()
    Emitter(FeedManager("redis://127.0.0.1:1", redis_channel, lambda: Key("0" * 8, b"a secret")))(
        1, "e1", 0, [Message("ticket_updated", None, None, None, None, "{}")]
    )
    assert FAILED_EMITS._value.get() == before + 1


def test_who_sent_a_task_is_kept_with_what_it_brought_also_after_it_was_put_off(
    failing: Failing, engine: Engine
) -> None:
    failing.push_request(retries=3, id="t1", origin="gen7@payroll")
    failing.error = ZeroDivisionError()
    assert (
        super(Failing, failing).signature_from_request(failing.request, (), {}).options["origin"]
        == "gen7@payroll"
    )
    with pytest.raises(TaskFailed):
        failing(punch=punch("p1"))
    failing.pop_request()
    assert rows(engine, "SELECT submitted_by FROM rejected") == [
        ({"door": "attendance.submit", "name": "gen7@payroll"},)
    ]
