"""A real worker: however it starts, is inspected, dies or ends, nothing is lost with it."""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from celery import Celery
from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from dev.embedded.ports import free_port
from models import intake
from models.database import make_engine
from models.redis_rights import WORKER_RIGHTS
from tests.worker.cast import anomalies, found, imposter, punch, rows, waiting
from tests.worker.live import SECRET, running_worker, runs, send, send_text, until
from worker.broker.consumer import BROKER_REFUSED
from worker.broker.inflating import MOST_BYTES
from worker.broker.taking import TRACKING_REFUSED

pytestmark = pytest.mark.process


def heeds_sigterm(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether the process has its handler of SIGTERM by now."""
    caught = re.search(
        r"^SigCgt:\s*([0-9a-f]+)", Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE
    )
    return caught is not None and bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)


def rejected(engine: Engine) -> list[tuple[Any, ...]]:
    sql = """
        SELECT tenant_id, door, punch_id, reasons -> 0 ->> 'code'
        FROM rejected ORDER BY received_at, punch_id
    """
    return rows(engine, sql)


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_a_punch_becomes_an_anomaly_in_every_pool(
    settings_env: dict[str, str], log: Path, engine: Engine, pool: str
) -> None:
    if not runs(settings_env["CELERY_BROKER_URL"], pool):
        return
    with running_worker(settings_env, log, "--pool", pool) as process:
        send(settings_env["CELERY_BROKER_URL"], "attendance.submit", {"punch": imposter("p1")})
        until(lambda: found(engine))
        process.terminate()
        assert process.wait(30) == 0
    assert [row[:2] for row in anomalies(engine)] == [("p1", "WRONG_PERSON")]


def test_what_an_old_worker_wrote_into_a_roster_is_taken_before_the_first_task(
    settings_env: dict[str, str], log: Path, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO person (tenant_id, person_id, name) VALUES (1, 70, 'Old')"
        )
    with running_worker(settings_env, log):
        known = "SELECT name FROM person_version WHERE person_id = 70"
        assert rows(engine, known) == [("Old",)]


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_a_message_nested_deep_ends_no_worker(
    settings_env: dict[str, str], log: Path, engine: Engine, pool: str
) -> None:
    """The nesting is in the punch or the headers, as deep as JSON can be read, and deeper."""
    broker, sent = settings_env["CELERY_BROKER_URL"], []
    if not runs(broker, pool):
        return
    with running_worker(settings_env, log, "--pool", pool) as process:
        for depth in (200, 300, 500, 700, 900, 50_000):
            nested = "[" * depth + "]" * depth
            bare = f'{{"punch": {{"punch_id": "deep", "tenant_id": 1, "deep": {nested}}}}}'
            send_text(broker, f"[[], {bare}, {{}}]", {"id": "x", "task": "attendance.submit"})
            send_text(
                broker,
                f'{{"id": "x", "task": "attendance.submit", "args": [], "kwargs": {bare}}}',
                {},
            )
            with suppress(RecursionError):  # deeper than the client library can write them
                headers = {"id": "x", "task": "attendance.submit", "deep": json.loads(nested)}
                send_text(broker, json.dumps([[], {"punch": imposter(f"p{depth}")}, {}]), headers)
                sent.append((f"p{depth}",))
        send(broker, "attendance.submit", {"punch": imposter("last")})
        until(lambda: ("last",) in rows(engine, "SELECT punch_id FROM anomaly"))
        assert process.poll() is None
    assert {code for _, _, punch_id, code in rejected(engine) if punch_id == "deep"} == {"missing"}
    assert rows(engine, "SELECT punch_id FROM punch ORDER BY 1") == [("last",), *sent]
    assert ("p200",) in sent


def test_an_envelope_that_is_none_ends_no_worker(
    settings_env: dict[str, str], log: Path, engine: Engine
) -> None:
    broker = settings_env["CELERY_BROKER_URL"]
    if not broker.startswith("redis://"):
        return  # only there does the producer write it
    with running_worker(settings_env, log) as process, Redis.from_url(broker) as redis:
        for envelope in (
            "",
            "garbage",
            "null",
            "[]",
            "{}",
            "\xff",
            '{"body": "e30=", "properties": {}}',
            '{"properties": 5}',
        ):
            redis.lpush("attendance", envelope)
        delivery_tags: list[Any] = [["a list"], {}, None, True, 5]
        for delivery_tag in delivery_tags:
            redis.lpush("attendance", _envelope(delivery_tag, 10**12))
        send_text(broker, "[[], {}, {}]", {"id": "x", "task": ["unhashable"]})
        send_text(broker, "[[], {}, {}]", {"id": ["unhashable"], "task": "no.such.task"})
        send(broker, "attendance.submit", {"punch": imposter("p1")})
        until(lambda: found(engine))
        assert process.poll() is None
    assert "message_dropped" in log.read_text()


def test_a_body_that_inflates_to_too_much_or_not_at_all_ends_no_worker(
    settings_env: dict[str, str], log: Path, engine: Engine
) -> None:
    broker, headers = settings_env["CELERY_BROKER_URL"], {"id": "x", "task": "attendance.submit"}
    calls = {name: json.dumps([[], {"punch": imposter(name)}, {}]) for name in ("bomb", "p1")}
    with running_worker(settings_env, log) as process:
        send_text(broker, calls["bomb"] + " " * MOST_BYTES, headers, compression="gzip")
        for kind in ("application/x-gzip", "application/x-bz2", "application/x-lzma", "none"):
            send_text(broker, calls["bomb"], {**headers, "compression": kind})
        for kind in ("gzip", "bzip2", "xz"):
            send_text(broker, calls["p1"], headers, compression=kind)
        until(lambda: found(engine))
        assert process.poll() is None
    assert rows(engine, "SELECT punch_id FROM punch") == [("p1",)]
    assert log.read_text().count("CannotInflate") >= 4


def _envelope(delivery_tag: object, body: object) -> str:
    """Return an envelope as kombu writes it, but with this tag and body."""
    properties = {
        "delivery_tag": delivery_tag,
        "delivery_info": {"exchange": "", "routing_key": "attendance"},
        "correlation_id": "x",
    }
    headers = {"id": "x", "task": "attendance.submit"}
    envelope = {"body": body, "content-type": "application/json", "content-encoding": "utf-8"}
    return json.dumps(envelope | {"headers": headers, "properties": properties})


@contextmanager
def limited_user(broker: str, *but: str) -> Iterator[tuple[Redis, dict[str, str]]]:
    """A user in Redis with the rights that the manual names, and changed by `but`.

    Yields Redis, for whom all is allowed, and the settings of a worker that is this user.
    """
    manual = Path("docs/operating.md").read_text()
    found_rights = re.search(r"commands at least\s+`([^`]+)`", manual)
    assert found_rights is not None
    assert f"{found_rights[1]} ~* &*" == WORKER_RIGHTS
    name = f"worker_{secrets.token_hex(4)}"  # connections that a process keeps end with their user
    with Redis.from_url(broker) as redis:
        rights = ["resetchannels", *WORKER_RIGHTS.split(), *but]
        redis.acl_log_reset()
        redis.execute_command("ACL", "SETUSER", name, "reset", "on", ">secret", *rights)
        try:
            own = make_url(broker).set(username=name, password="secret")
            url = own.render_as_string(hide_password=False)
            yield redis, {"CELERY_BROKER_URL": url, "REDIS_URL": url}
        finally:
            redis.acl_deluser(name)
            redis.acl_log_reset()


@pytest.mark.parametrize(
    ("but", "denied"),
    [([], []), (["-client|tracking"], ["client|tracking"])],
    ids=["all", "untold"],
)
def test_the_rights_in_redis_that_the_manual_names_are_all_that_a_worker_needs(
    settings_env: dict[str, str], log: Path, engine: Engine, but: list[str], denied: list[str]
) -> None:
    """Without CLIENT TRACKING it goes on as well, each time that it finds its queue empty."""
    broker = settings_env["CELERY_BROKER_URL"]
    if not broker.startswith("redis://"):
        return
    with limited_user(broker, *but) as (redis, own):
        with running_worker(settings_env | own, log) as process:
            for number in range(1, 3):
                send(broker, "attendance.submit", {"punch": imposter(f"p{number}")})
                until(lambda: len(rows(engine, "SELECT 1 FROM punch")) == number)  # noqa: B023
                until(lambda: found(engine))
                until(lambda: redis.hlen("unacked") == 0)
            assert process.poll() is None
        assert [entry["object"] for entry in redis.acl_log()] == denied
    assert log.read_text().count(TRACKING_REFUSED) == len(denied)


@pytest.mark.parametrize(("but", "command"), [("-@scripting", "EVAL"), ("-rpop", "RPOP")])
def test_a_worker_that_redis_refuses_what_it_needs_says_so_and_ends(
    settings_env: dict[str, str], log: Path, but: str, command: str
) -> None:
    broker = settings_env["CELERY_BROKER_URL"]
    if not broker.startswith("redis://"):
        return
    with limited_user(broker, but) as (_, own), log.open("wb") as output:
        worker = [sys.executable, "-m", "celery", "-A", "worker", "worker", "--concurrency", "1"]
        env = settings_env | own
        ended = subprocess.run(worker, env=env, stdout=output, stderr=output, timeout=120)
    assert ended.returncode == 1
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    (said,) = [line for line in lines if line["event"] == BROKER_REFUSED]
    assert said["command"].startswith(command)
    assert said["grant"] == WORKER_RIGHTS
    assert "Traceback" not in log.read_text()


def test_an_inspection_shows_ids_only(
    settings_env: dict[str, str], engine: Engine, log: Path
) -> None:
    broker = settings_env["CELERY_BROKER_URL"]
    with running_worker(settings_env, log), Celery("operator", broker=broker) as app:
        with make_engine(settings_env["DATABASE_URL"]).begin() as connection:
            connection.exec_driver_sql("LOCK TABLE punch")  # so that the task is still running
            send(broker, "attendance.submit", {"punch": punch("p1", person_name=SECRET)})
            active = until(
                lambda: [
                    tasks for tasks in (app.control.inspect().active() or {}).values() if tasks
                ]
            )
        assert SECRET not in repr(active)
        assert "p1" in repr(active)


def test_a_worker_killed_between_storing_and_judging_leaves_it_to_the_sweep(
    settings_env: dict[str, str], engine: Engine, log: Path
) -> None:
    broker = settings_env["CELERY_BROKER_URL"]
    with running_worker(settings_env | {"ROLLCALL_FAULTS": "after_store=1"}, log):
        send(broker, "attendance.submit", {"punch": imposter("p1")})
        until(lambda: rows(engine, "SELECT 1 FROM punch"))
    assert (found(engine), waiting(engine) > 0) == ([], True)
    with running_worker(settings_env, log), Celery("beat", broker=broker) as app:
        until(lambda: app.send_task("upkeep.sweep_left", queue="upkeep") and found(engine))
    assert len(found(engine)) == 1


# A statement that waits for a lock goes on without the client that sent it.
END_OTHER_SESSIONS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def test_what_a_killed_worker_held_comes_again_within_seconds(
    settings_env: dict[str, str], engine: Engine, log: Path
) -> None:
    broker = settings_env["CELERY_BROKER_URL"]
    with (
        running_worker(settings_env, log) as process,
        make_engine(settings_env["DATABASE_URL"]).begin() as connection,
    ):
        connection.exec_driver_sql("LOCK TABLE punch")
        send(broker, "attendance.submit", {"punch": imposter("p1")})
        with Celery("operator", broker=broker) as app:
            until(lambda: any((app.control.inspect().active() or {}).values()))
        for child in psutil.Process(process.pid).children(recursive=True):
            os.kill(child.pid, signal.SIGKILL)
        process.kill()
        process.wait()
        connection.exec_driver_sql(END_OTHER_SESSIONS)
    assert rows(engine, "SELECT 1 FROM punch") == []
    with running_worker(settings_env, log):
        until(lambda: found(engine), seconds=60)


def test_metrics_are_the_sum_of_all_processes(
    settings_env: dict[str, str], engine: Engine, log: Path
) -> None:
    port = free_port()
    with running_worker(settings_env | {"WORKER_METRICS_PORT": str(port)}, log):
        for index in range(10):
            send(
                settings_env["CELERY_BROKER_URL"],
                "attendance.submit",
                {"punch": imposter(f"p{index}", person_id=index + 3)},
            )

        def metrics() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                return str(answer.read(), "utf-8")

        until(lambda: 'rollcall_punches_total{status="accepted"} 10.0' in metrics())
        labels = 'anomaly_type="WRONG_PERSON",event="anomaly_detected"'
        until(lambda: f"rollcall_messages_total{{{labels}}} 10.0" in metrics())
        assert "rollcall_receipt_to_emit_seconds_bucket" in metrics()
        with socket.create_server(("127.0.0.2", port)):  # free: it is served at METRICS_HOST alone
            pass


def test_a_port_for_metrics_that_is_taken_is_said_and_keeps_no_worker_from_its_punches(
    settings_env: dict[str, str], engine: Engine, log: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running_worker(settings_env | {"WORKER_METRICS_PORT": str(port)}, log):
            send(settings_env["CELERY_BROKER_URL"], "attendance.submit", {"punch": imposter("p1")})
            until(lambda: found(engine))
    assert (
        f'"port": {port}, "reason": "Address already in use", "event": "metrics_not_served"'
        in log.read_text()
    )


def test_without_its_settings_a_worker_says_which_are_missing(
    settings_env: dict[str, str], tmp_path: Path
) -> None:
    env = {
        name: value
        for name, value in settings_env.items()
        if name not in ("DATABASE_URL", "REDIS_URL")
    }
    done = subprocess.run(
        ["celery", "-A", "worker", "worker"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "DATABASE_URL: is not set" in done.stderr and "REDIS_URL: is not set" in done.stderr
    assert "Traceback" not in done.stderr


def test_threads_are_refused_on_rabbitmq(settings_env: dict[str, str]) -> None:
    env = settings_env | {"CELERY_BROKER_URL": "amqp://127.0.0.1:1/"}
    done = subprocess.run(
        ["celery", "-A", "worker", "worker", "--pool", "threads"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "--pool threads does not work on RabbitMQ" in done.stderr


def test_beat_has_what_was_left_taken_up_and_leaves_no_file_behind(
    settings_env: dict[str, str], engine: Engine, log: Path, tmp_path: Path
) -> None:
    intake.submit(engine, [imposter("p1")])
    empty = tmp_path / "empty"
    empty.mkdir()
    env = settings_env | {"PYTHONPATH": str(Path.cwd())}
    with running_worker(settings_env, log), log.open("ab") as output:
        beats = [
            subprocess.Popen(
                ["celery", "-A", "worker", "beat"], cwd=empty, env=env, stdout=output, stderr=output
            )
            for _ in range(2)
        ]
        until(lambda: found(engine) and all(map(heeds_sigterm, beats)))
        for beat in beats:
            beat.terminate()
        assert [beat.wait(30) for beat in beats] == [0, 0]
    assert (len(found(engine)), list(empty.iterdir())) == (1, [])
