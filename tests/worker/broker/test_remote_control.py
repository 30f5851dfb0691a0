"""Remote control of a real worker over the broker.

What looks is answered, what would change the worker is refused, and what is no question is dropped.
"""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from celery import Celery
from celery.worker.control import Panel
from kombu.connection import Connection
from kombu.entity import Exchange
from kombu.messaging import Producer
from redis import Redis
from sqlalchemy import Engine

from dev.embedded.ports import free_port
from tests.worker.cast import found, imposter
from tests.worker.live import running_worker, send, until
from worker.broker.answers import ANSWERS, address
from worker.broker.remote_control import REFUSAL, Question

QUESTIONS = (
    "active",
    "active_queues",
    "clock",
    "conf",
    "ping",
    "registered",
    "report",
    "reserved",
    "revoked",
    "scheduled",
    "stats",
)
# The arguments by which each would do its worst.
HARM: dict[str, dict[str, Any]] = {
    "add_consumer": {"queue": "elsewhere"},
    "autoscale": {"max": 0, "min": 0},
    "cancel_consumer": {"queue": "attendance"},
    "election": {"id": "x", "topic": "task", "action": {"task": "attendance.void"}},
    "pool_shrink": {"n": 2},
    "rate_limit": {"task_name": "attendance.submit", "rate_limit": "1/h"},
    "revoke": {"task_id": "p1", "terminate": True},
    "revoke_by_stamped_headers": {"headers": {"x": "y"}},
    "terminate": {"task_id": "p1", "signal": "KILL"},
    "time_limit": {"task_name": "attendance.submit", "soft": 0.001, "hard": 0.001},
}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


@contextmanager
def operator(broker: str) -> Iterator[Celery]:
    with Celery("operator", broker=broker) as app:
        yield app


def ask(app: Celery, command: str, **arguments: Any) -> Any:
    """Return the one worker's answer."""
    replies = app.control.broadcast(command, arguments, reply=True, timeout=30, limit=1)
    ((answer,),) = [reply.values() for reply in replies]
    return answer


@pytest.mark.process
def test_every_question_is_answered_and_no_secret_with_it(
    settings_env: dict[str, str], engine: Engine, log: Path
) -> None:
    broker = settings_env["CELERY_BROKER_URL"]
    with running_worker(settings_env, log), operator(broker) as app:
        answers = {command: ask(app, command) for command in QUESTIONS}
        answers |= {
            "conf with defaults": ask(app, "conf", with_defaults=True),
            "query_task": ask(app, "query_task", ids=["x", "y"]),
        }
        assert ask(app, "hello", from_node="celery@elsewhere", revoked=["p1"])["revoked"] == []
        assert ask(app, "revoked") == []
        assert ask(app, "enable_events") == {"ok": "task events are always on"}
        assert ask(app, "heartbeat") == {"ok": "heartbeat sent"}
        for name in ("query_task", "active", "conf"):
            assert "error" not in ask(app, name, ids=["x"], nonsense=[1], safe="perhaps")
        assert "error" in ask(app, "query_task", ids=[["unhashable"]])
        assert ask(app, "ping") == {"ok": "pong"}
    assert answers["ping"] == {"ok": "pong"}
    assert answers["stats"]["pool"]["max-concurrency"] == 2
    assert answers["conf"]["worker_send_task_events"] is True
    assert [queue["name"] for queue in answers["active_queues"]] == ["attendance", "upkeep"]
    assert not [name for name in answers["registered"] if name.startswith("celery.")]
    secrets = [
        settings_env["JWT_SECRET"],
        urlsplit(settings_env["DATABASE_URL"]).password,
        urlsplit(broker).password,
    ]
    text = json.dumps(answers)
    assert not [secret for secret in secrets if secret and secret != "guest" and secret in text]


@pytest.mark.process
def test_whatever_would_change_a_worker_is_refused_and_counted(
    settings_env: dict[str, str], engine: Engine, log: Path
) -> None:
    broker, port = settings_env["CELERY_BROKER_URL"], free_port()
    with (
        running_worker(settings_env | {"WORKER_METRICS_PORT": str(port)}, log) as process,
        operator(broker) as app,
    ):
        pool = psutil.Process(process.pid).children()
        refused = [command for command in (*Panel.data, "invented") if command not in ANSWERS]
        assert {"shutdown", "disable_events", "memdump", *HARM} <= set(refused)
        for command in refused:
            assert ask(app, command, **HARM.get(command, {})) == {"error": REFUSAL}
        app.control.broadcast("shutdown")  # as most send it: without waiting for an answer
        send(broker, "attendance.submit", {"punch": imposter("p1")}, id="p1")
        until(lambda: found(engine))
        assert (process.poll(), psutil.Process(process.pid).children()) == (None, pool)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            metrics = answer.read().decode()
    assert 'rollcall_refused_controls_total{command="shutdown"} 2.0' in metrics
    assert 'rollcall_refused_controls_total{command="other"} 1.0' in metrics
    assert log.read_text().count("remote_control_refused") == len(refused) + 1
    assert "mingle" not in log.read_text()  # which would ask every worker, and believe each


NO_QUESTIONS = (
    *("null", "[]", "5", '"shutdown"', "{}", "not json", "[" * 10_000, '{"method": 5}'),
    '{"method": "ping", "arguments": [1]}',
    '{"method": "ping", "destination": 5}',
    '{"method": ["ping"]}',
    '{"method": "ping", "reply_to": 5, "ticket": {}}',
    '{"method": "ping", "reply_to": {"exchange": "attendance", "routing_key": "attendance"}}',
    '{"method": "ping", "pattern": "(a+)+$", "matcher": "pcre"}',
    json.dumps({"method": "ping", "arguments": {"x": "y" * 1_000_000}}),
)


# None is an envelope, in which kombu expects a message on Redis.
NO_ENVELOPES = (
    *("", "garbage", "null", "[]", "{}", '{"body": "x"}'),
    *('{"properties": 5, "body": 7}', "\xff"),
)


def publish_no_questions(broker: str) -> None:
    """Publish what is no question, and a question with a forged clock."""
    exchange = Exchange("celery.pidbox", "fanout", durable=False, delivery_mode="transient")
    with Connection(broker) as connection:
        producer = Producer(connection.channel(), exchange)
        publish = partial(producer.publish, content_encoding="utf-8")
        for body in NO_QUESTIONS:
            for content_type in ("application/json", "application/x-python-serialize"):
                publish(body, content_type=content_type, headers={"clock": "late"})
        forged = json.dumps({"method": "ping", "arguments": {}})
        publish(forged, content_type="application/json", headers={"clock": 2**62})


def publish_no_envelopes(broker: str) -> None:
    database = urlsplit(broker).path.strip("/") or "0"
    with Redis.from_url(broker) as redis:
        for envelope in NO_ENVELOPES:
            assert redis.publish(f"/{database}.celery.pidbox", envelope)


@pytest.mark.process
def test_what_is_no_question_ends_neither_the_worker_nor_its_listening(
    settings_env: dict[str, str], engine: Engine, log: Path
) -> None:
    broker = settings_env["CELERY_BROKER_URL"]
    with running_worker(settings_env, log) as process, operator(broker) as app:
        publish_no_questions(broker)
        if broker.startswith("redis://"):
            publish_no_envelopes(broker)
        assert ask(app, "ping") == {"ok": "pong"}
        assert ask(app, "clock")["clock"] < 2**31
        send(broker, "attendance.submit", {"punch": imposter("p1")})
        until(lambda: found(engine))
        assert process.poll() is None
    assert "remote_control_unreadable" in log.read_text()


def test_of_an_address_no_password_is_told_however_it_is_spelt() -> None:
    assert address("redis://:s3cret@10.0.0.1:6379/0?password=s3cret") == "redis://10.0.0.1:6379/0"
    assert (
        address("sentinel://u:s3cret@h1:26379/0;sentinel://u:s3cret@h2:26379/0")
        == "sentinel://h2:26379/0"
    )
    assert address("amqp://user:s3/cr;et@host//") == "amqp://host//"


def test_a_question_may_be_for_one_worker() -> None:
    def is_for(**to: Any) -> bool:
        return Question(method="ping", **to).is_for("celery@one")

    assert (
        is_for()
        and is_for(destination=["celery@one"])
        and is_for(pattern="celery@o*", matcher="glob")
    )
    assert not is_for(destination=["celery@two"]) and not is_for(
        pattern="celery@t*", matcher="glob"
    )
    assert not is_for(pattern=".*", matcher="pcre")
