"""A running worker loses nothing with a message, whatever it holds, and shows nothing personal."""

import asyncio
import json
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from models import intake
from models.settings import load_settings
from realtime.workers import Workers
from tests.worker.cast import found, imposter, punch, roster, rows
from tests.worker.live import SECRET, seen_events, send, send_text, until
from tests.worker.shared import log, postgres_url, settings_env, shared_worker, worker

__all__ = ["log", "postgres_url", "settings_env", "shared_worker", "worker"]
pytestmark = pytest.mark.process


def rejected(engine: Engine) -> list[tuple[Any, ...]]:
    sql = """
        SELECT tenant_id, door, punch_id, reasons -> 0 ->> 'code'
        FROM rejected ORDER BY received_at, punch_id
    """
    return rows(engine, sql)


def test_all_tasks_of_the_contract_by_both_protocols(worker: str, engine: Engine) -> None:
    for tenant_id, protocol in ((1, 1), (2, 2)):
        for task, kwargs in _calls(tenant_id).items():
            send(worker, task, kwargs, protocol=protocol)
    for tenant_id in (1, 2):
        until(partial(_said_three, engine, tenant_id))
        assert rows(
            engine,
            "SELECT count(*) FROM person WHERE tenant_id = %s AND person_id = 500",
            tenant_id,
        ) == [(1,)]
        assert sorted(payload["type"] for payload in found(engine, tenant_id)) == [
            "anomaly_detected",
            "anomaly_detected",
            "ticket_updated",
        ]
    voided = "SELECT count(*) FROM punch WHERE punch_id = 'three' AND voided_at IS NOT NULL"
    until(lambda: rows(engine, voided) == [(2,)])


def _calls(tenant_id: int) -> dict[str, dict[str, Any]]:
    """Return the arguments of one call of each task."""
    ticket = {"type": "ticket_updated", "message_id": "m", "data": {"ticket": 7}}
    return {
        "roster.sync": {
            "roster": roster(tenant_id) | {"people": [{"person_id": 500, "name": "New"}]}
        },
        "attendance.submit": {"punch": imposter("one", tenant_id=tenant_id)},
        "attendance.submit_batch": {"punches": [imposter("two", tenant_id=tenant_id, person_id=3)]},
        "attendance.void": {"tenant_id": tenant_id, "punch_id": "three", "reason": "test"},
        "noc.publish": {"message": {**ticket, "tenant_id": tenant_id}},
    }


def _said_three(engine: Engine, tenant_id: int) -> bool:
    return len(found(engine, tenant_id)) == 3


def test_calls_that_make_no_sense_are_kept_and_the_worker_goes_on(
    worker: str, engine: Engine
) -> None:
    send(worker, "attendance.submit", {"punch": punch("p1"), "colour": "red"})
    send(worker, "attendance.submit", {"tenant_id": 1, "punch_id": "p2"})
    send(worker, "attendance.submit", {}, args=(punch("p3"),))
    send(worker, "attendance.submit_batch", {"backfill": True}, args=([punch("p6"), punch("p7")],))
    send(worker, "attendance.submit", {"punch": {"tenant_id": 1, "punch_id": "p4", "kind": 7}})
    send(worker, "attendance.submit_batch", {"punches": "all of them"})
    send(worker, "attendance.submit_batch", {"punches": [punch("p5")], "backfill": "yes"})
    send(worker, "attendance.void", {"tenant_id": 1})
    send(worker, "noc.publish", {"message": "hello"})
    send(worker, "roster.sync", {"roster": 7})
    until(lambda: len(rejected(engine)) == 11)
    send(worker, "attendance.submit", {"punch": imposter("last")})
    until(lambda: found(engine))
    assert ("attendance.submit", "unknown_argument") in {
        (door, code) for _, door, punch_id, code in rejected(engine) if punch_id == "p1"
    }
    by_position = sorted(
        (tenant_id, punch_id)
        for tenant_id, _, punch_id, code in rejected(engine)
        if code == "positional_argument"
    )
    # Their tenant's admins see them, and can resubmit them.
    assert by_position == [(1, "p3"), (1, "p6"), (1, "p7")]


def test_messages_that_are_no_tasks_stop_nothing(worker: str, engine: Engine) -> None:
    for body in (
        "not json",
        "[1, 2]",
        "[[], [], {}]",
        "{}",
        "null",
        "[5, {}, {}]",
        "[[], 5, {}]",
        '[[], {"punch": 1}, {}, 5]',
    ):
        for name in ("attendance.submit", "no.such.task"):
            send_text(worker, body, {"id": "x", "task": name})
    send(worker, "attendance.submit", {"punch": imposter("p1")})
    until(lambda: found(engine))


def test_whatever_headers_a_producer_sets_its_punch_is_taken(worker: str, engine: Engine) -> None:
    # the largest that the client library can write
    largest = 2**63 - 1 if worker.startswith("amqp") else 10**30
    odd: list[Any] = [None, 5, [], {}, "garbage", largest, [0.001, 0.001], "2001-01-01T00:00:00Z"]
    names = (
        "eta",
        "retries",
        "timelimit",
        "root_id",
        "group",
        "origin",
        "ignore_result",
        "stamps",
        "stamped_headers",
        "lang",
        "id",
    )
    sent: list[str] = []
    for name, value in [*product(names, odd), *(("expires", value) for value in odd[:-1])]:
        sent.append(f"p{len(sent):03}")
        headers = {"id": "x", "task": "attendance.submit", name: value}
        send_text(worker, json.dumps([[], {"punch": punch(sent[-1])}, {}]), headers)
    punch_ids = "SELECT punch_id FROM punch ORDER BY 1"
    until(lambda: [punch_id for (punch_id,) in rows(engine, punch_ids)] == sent, 60)


def test_arguments_that_are_null_are_none(worker: str, engine: Engine) -> None:
    """A client may write them so whose language has a null, but no empty list."""
    headers = {"id": "x", "task": "attendance.submit"}
    send_text(worker, json.dumps([None, {"punch": punch("p2")}, None]), headers)
    send_text(worker, json.dumps({**headers, "args": None, "kwargs": {"punch": punch("p1")}}), {})
    send_text(worker, json.dumps([[], None, None]), headers)
    until(lambda: rows(engine, "SELECT punch_id FROM punch ORDER BY 1") == [("p1",), ("p2",)])
    until(lambda: [code for _, _, _, code in rejected(engine)] == ["missing"])


def test_nothing_personal_is_told_of_a_task_whatever_its_producer_says_of_it(
    worker: str, engine: Engine, log: Path
) -> None:
    named: dict[str, Any] = imposter("p1", person_name=SECRET, latitude=48.137, longitude=11.575)
    headers: dict[str, Any] = {
        "argsrepr": SECRET,
        "kwargsrepr": SECRET,
        "shadow": SECRET,
        "origin": SECRET,
        "retries": "x",
        "timelimit": ["x", None],
    }
    with seen_events(worker) as events:
        task_id = send(worker, "attendance.submit", {"punch": named}, **headers)
        wrong = named | {"kind": SECRET, "punch_id": "p2"}
        send(worker, "attendance.submit", {"punch": wrong}, **headers)
        send(worker, "attendance.submit", {"punch": named, SECRET: 1}, **headers)
        send(worker, "attendance.submit", {}, args=(SECRET,), **headers)
        send(worker, "no.such.task", {"punch": named}, **headers)
        new = {"tenant": {"tenant_id": 1}, "people": [{"person_id": 5, "name": SECRET}]}
        send(worker, "roster.sync", {"roster": new}, **headers)
        until(lambda: [event["type"] for event in events].count("task-succeeded") >= 5)
    received = next(
        event for event in events if event["type"] == "task-received" and event["uuid"] == task_id
    )
    assert (received["name"], received["args"]) == ("attendance.submit", "()")
    ids = {"tenant_id": 1, "person_id": 1, "site_id": 15, "punch_id": "p1"}
    assert received["kwargs"] == repr({"punch": ids})
    # Who sent it is kept with what was submitted, for the tenant's admins, and shown nowhere.
    assert rows(engine, "SELECT submitted_by ->> 'name' FROM punch WHERE punch_id = 'p1'") == [
        (SECRET,)
    ]
    shown = repr(events) + log.read_text()
    secrets = (SECRET, "48.137", "11.575", "matched_person")
    assert [secret for secret in secrets if secret in shown] == []


@pytest.mark.usefixtures("worker")
async def test_a_door_that_is_no_worker_has_its_punches_judged_at_once(
    settings_env: dict[str, str], engine: Engine
) -> None:
    """The server is one. No scheduler runs here that would find them later."""
    intake.submit(engine, [imposter("p1")])
    Workers(load_settings(settings_env)).hand_over(1)
    await asyncio.to_thread(until, lambda: found(engine))
