"""What a producer may ask for beside a task, of a real worker.

The task runs when it comes, nothing runs after it, and nothing that it brought is lost.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery, chain, chord
from sqlalchemy import Engine

from models import intake
from tests.worker.cast import imposter, punch, roster, rows
from tests.worker.live import send, send_text, until
from tests.worker.shared import log, postgres_url, settings_env, shared_worker, worker

__all__ = ["log", "postgres_url", "settings_env", "shared_worker", "worker"]
pytestmark = pytest.mark.process
LATER = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
BEFORE = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()


@pytest.fixture
def producer(settings_env: dict[str, str]) -> Iterator[Celery]:
    """A producer with Celery's stock client."""
    with Celery(
        "producer",
        broker=settings_env["CELERY_BROKER_URL"],
        backend="cache+memory://",
        set_as_current=False,
    ) as app:
        app.conf.task_default_queue = "attendance"
        yield app


def stored(engine: Engine) -> list[str]:
    return [
        punch_id
        for (punch_id,) in rows(
            engine, "SELECT punch_id FROM punch WHERE voided_at IS NULL ORDER BY 1"
        )
    ]


def rejected(engine: Engine) -> list[tuple[Any, ...]]:
    return rows(
        engine, "SELECT door, punch_id, reasons -> 0 ->> 'code' FROM rejected ORDER BY 1, 2"
    )


def submitting(punch_id: str) -> tuple[str, dict[str, Any]]:
    return "attendance.submit", {"punch": imposter(punch_id)}


def old_body(punch: dict[str, Any], **fields: Any) -> str:
    """Return a message of protocol 1, in which the headers stand in the body, as `fields`."""
    kwargs = {"punch": punch}
    return json.dumps({"id": "x", "task": "attendance.submit", "kwargs": kwargs, **fields})


def test_no_task_is_held_for_later(worker: str, engine: Engine, producer: Celery) -> None:
    name, arguments = submitting("countdown")
    producer.send_task(name, kwargs=arguments, countdown=3600)
    producer.send_task(
        name, kwargs={"punch": imposter("eta")}, eta=datetime.now(UTC) + timedelta(days=1)
    )
    send(worker, *submitting("header"), eta=LATER)
    send_text(worker, old_body(imposter("body"), args=[], eta=LATER), {})
    until(lambda: stored(engine) == ["body", "countdown", "eta", "header"])


def test_nothing_is_run_after_a_task_whatever_its_message_links_to(
    worker: str, engine: Engine, producer: Celery
) -> None:
    def call(name: str, arguments: dict[str, Any], **options: Any) -> Any:
        return producer.signature(name, kwargs=arguments, immutable=True, options=options)

    void = call("attendance.void", {"tenant_id": 1, "punch_id": "linked", "reason": "linked"})
    also = call(*submitting("also"))
    call(*submitting("linked"), link=[void, also], link_error=[void]).apply_async()
    call("attendance.submit", {"punch": 7}, link=also, link_error=void).apply_async()
    chain(call(*submitting("first")), also, void).apply_async()
    chord([call(*submitting("header"))], also).apply_async()
    links = {"callbacks": [also], "errbacks": [void], "chord": also}
    send_text(worker, old_body(imposter("old"), args=[], **links, taskset="g"), {})
    embeds: list[Any] = [
        links | {"chain": [also]},
        {"retries": 99, "id": "y", "args": ["z"], "timelimit": [1, 1]},
        [1],
        5,
        "x",
        None,
    ]
    for number, embed in enumerate(embeds):
        body = json.dumps([[], {"punch": imposter(f"p{number}")}, embed])
        send_text(worker, body, {"id": f"x{number}", "task": "attendance.submit", "group": "g"})
    numbered = [f"p{number}" for number in range(len(embeds))]
    expected = ["first", "header", "linked", "old", *numbered]
    until(lambda: set(expected) <= set(stored(engine)), 60)
    send(worker, *submitting("last"))
    until(lambda: "last" in stored(engine))
    assert stored(engine) == sorted([*expected, "last"])
    assert rows(engine, "SELECT 1 FROM punch WHERE voided_at IS NOT NULL") == []


def test_celerys_own_tasks_are_none_of_a_workers(worker: str, engine: Engine) -> None:
    call: dict[str, Any] = {
        "task": "attendance.submit",
        "args": [],
        "kwargs": {"punch": imposter("mapped")},
        "options": {},
        "subtask_type": None,
    }
    mapping = {"task": call, "it": [[]]}
    group = {
        "tasks": [call],
        "result": [["g", None], [[["x", None], None]]],
        "group_id": "g",
        "partial_args": [],
    }
    names = ("chunks", "chain", "chord", "accumulate", "backend_cleanup", "chord_unlock")
    calls: dict[str, dict[str, Any]] = {name: {} for name in names}
    calls |= {"map": mapping, "starmap": mapping, "group": group}
    for name, arguments in calls.items():
        send(worker, f"celery.{name}", arguments)
        send(worker, f"celery.{name}", arguments, protocol=1)
    send(worker, *submitting("last"))
    until(lambda: "last" in stored(engine))
    # Had one been run with such arguments, a punch would be rejected.
    assert (stored(engine), rejected(engine)) == (["last"], [])


def test_what_comes_too_late_is_kept_and_can_be_submitted_again(
    worker: str, engine: Engine
) -> None:
    batch = {"punches": [punch("p1"), punch("p2")], "backfill": True}
    send(worker, "attendance.submit_batch", batch, expires=BEFORE)
    naive = BEFORE.removesuffix("+00:00")
    send(worker, "attendance.submit", {"punch": punch("naive")}, expires=naive)
    send_text(worker, old_body(punch("old"), expires=BEFORE), {})
    void = {"tenant_id": 1, "punch_id": "p3", "reason": "x"}
    send(worker, "attendance.void", void, expires=BEFORE)
    send(worker, "roster.sync", {"roster": roster(1)}, expires=BEFORE)
    send(worker, "noc.publish", {"message": {"tenant_id": 1}}, expires=BEFORE)
    send(worker, "upkeep.judge", {"tenant_id": 1}, expires=BEFORE)  # nobody needs it any more
    # A worker of ours that has put a task off sends it so.
    send(worker, "attendance.submit", {"punch": punch("again")}, expired=True)
    odd: tuple[Any, ...] = (
        0,
        -1,
        0.5,
        True,
        [],
        {},
        "",
        "never",
        "0000-00-00",
        "9999-12-31T23:59:59-23:59",
        LATER,
    )
    for number, value in enumerate(odd):
        send(worker, "attendance.submit", {"punch": punch(f"x{number:02}")}, expires=value)
    until(lambda: len(rejected(engine)) == 8 and len(stored(engine)) == len(odd), 60)
    assert {code for _, _, code in rejected(engine)} == {"expired"}
    submitted = "FROM rejected WHERE tenant_id = 1 AND door LIKE 'attendance.submit%%'"
    punch_ids = [row[0] for row in rows(engine, f"SELECT punch_id {submitted} ORDER BY 1")]
    assert punch_ids == ["again", "naive", "old", "p1", "p2"]
    for (rejected_id,) in rows(engine, f"SELECT rejected_id {submitted}"):
        assert intake.resubmit(engine, 1, rejected_id).status == "accepted"
    assert set(stored(engine)) >= {"naive", "old", "p1", "p2"}


def test_json_is_taken_whatever_its_content_type_says_beside_it(
    worker: str, engine: Engine
) -> None:
    json_types = (
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
        "application/json ;x=y",
    )
    other_types = (
        "application/x-python-serialize",
        "text/plain; charset=utf-8",
        "application/x-yaml",
        ";",
    )
    for number, content_type in enumerate(json_types + other_types):
        body = json.dumps([[], {"punch": imposter(f"p{number}", person_name="Jürgen")}, {}])
        headers = {"id": f"x{number}", "task": "attendance.submit"}
        send_text(worker, body, headers, content_type=content_type)
        old = old_body(imposter(f"q{number}"), args=[])
        send_text(worker, old, {}, content_type=content_type)
    send(worker, *submitting("last"))
    until(lambda: "last" in stored(engine))
    until(lambda: stored(engine) == ["last", "p0", "p1", "p2", "p3", "q0", "q1", "q2", "q3"])
