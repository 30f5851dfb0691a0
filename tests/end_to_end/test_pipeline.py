"""A punch goes through real processes: it is submitted to the broker, stored and judged by a
worker, and heard of by a viewer.
"""

import json
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import jwt
import psycopg
import pytest
import socketio
from celery import Celery
from redis import Redis

from tests.end_to_end.harness import Stage, WebServer
from tests.end_to_end.waiting import wait_until

ROSTER = {
    "tenant": {"tenant_id": 1, "name": "acme"},
    "sites": [
        {"site_id": 15, "name": "Harbour", "timezone": "Europe/Oslo"},
        {"site_id": 16, "name": "Depot", "timezone": "Europe/Oslo"},
    ],
    "people": [{"person_id": 7, "name": "Ada"}],
    "assignments": [{"person_id": 7, "site_id": 15}],
}
JUDGED = """
SELECT count(*) FROM punch
WHERE NOT EXISTS (SELECT FROM pending) AND NOT EXISTS (SELECT FROM roster_change)
"""


@pytest.fixture
def send(settings_env: dict[str, str]) -> Callable[..., None]:
    app = Celery(broker=settings_env["CELERY_BROKER_URL"])

    def send(task: str, **arguments: object) -> None:
        app.send_task(task, kwargs=arguments, queue="attendance")

    return send


async def test_an_anomaly_is_stored_and_heard(
    stage: Stage, send: Callable[..., None], postgres_url: str
) -> None:
    server = stage.web()
    stage.worker()
    wait_until(server.has_worker, "Postgres, Redis and a worker answer")
    async with _viewer(server.url, stage.environ["JWT_SECRET"]) as viewer:
        assert (await viewer.receive(timeout=60))[0] == "snapshot"
        send("roster.sync", roster=ROSTER)
        send("attendance.submit", punch=_punch("p", site_id=16))
        event, payload, _offset = await viewer.receive(timeout=60)
    assert (event, payload["anomaly_type"], payload["site_name"], payload["position"]) == (
        "anomaly_detected",
        "UNAUTHORIZED_SITE",
        "Depot",
        1,
    )
    with psycopg.connect(postgres_url) as connection:
        stored = connection.execute(
            "SELECT anomaly_id::text, punch_id FROM anomaly WHERE tenant_id = 1 AND standing"
        ).fetchall()
    assert stored == [(payload["anomaly_id"], "p")]


async def test_a_punch_that_comes_by_http_is_judged_at_once_without_a_sweep(
    stage: Stage, send: Callable[..., None]
) -> None:
    server = stage.web()
    worker = stage.worker()
    wait_until(server.has_worker, "Postgres, Redis and a worker answer")
    async with _viewer(server.url, stage.environ["JWT_SECRET"]) as viewer:
        assert (await viewer.receive(timeout=60))[0] == "snapshot"
        send("roster.sync", roster=ROSTER)
        wait_until(
            lambda: _accepts(server, stage.environ["JWT_SECRET"], _punch("p", site_id=16)),
            "the roster is there",
        )
        event, payload, _offset = await viewer.receive(timeout=60)
    assert (event, payload["punch_id"]) == ("anomaly_detected", "p")
    assert not worker.logged("unregistered task")


def test_a_worker_killed_over_a_full_queue_loses_nothing_that_the_broker_does_not(
    stage: Stage, send: Callable[..., None], postgres_url: str
) -> None:
    """Redis may lose the one task that it had given away and the worker had not noted yet; sent
    again, it is taken.
    """
    send("roster.sync", roster=ROSTER)
    punches = {f"p{number:03}": _punch(f"p{number:03}", minute=number) for number in range(300)}
    for punch in punches.values():
        send("attendance.submit", punch=punch)
    stage.beat()
    first = stage.worker(concurrency=2)
    wait_until(lambda: _one(postgres_url, "SELECT count(*) FROM punch") > 20, "it has begun")
    first.kill()
    stage.worker(concurrency=2)
    broker_url = stage.environ["CELERY_BROKER_URL"]
    if broker_url.startswith("redis://"):
        wait_until(
            lambda: _is_empty(broker_url),
            "nothing is queued, and no task is with a worker",
            seconds=120,
        )
        lost = punches.keys() - _stored(postgres_url)
        assert len(lost) <= 1
        for punch_id in lost:
            send("attendance.submit", punch=punches[punch_id])
    wait_until(lambda: _one(postgres_url, JUDGED) == 300, "all are stored and judged", seconds=120)


def test_a_worker_that_is_asked_to_stop_finishes_what_it_holds(
    stage: Stage, send: Callable[..., None], postgres_url: str
) -> None:
    send("roster.sync", roster=ROSTER)
    for number in range(100):
        send("attendance.submit", punch=_punch(f"p{number:03}", minute=number))
    worker = stage.worker(concurrency=2)
    wait_until(lambda: _one(postgres_url, "SELECT count(*) FROM punch") > 5, "it has begun")
    assert worker.stop() == 0
    stage.worker()
    wait_until(lambda: _one(postgres_url, JUDGED) == 100, "the rest is done by another")


def _punch(punch_id: str, *, site_id: int = 15, minute: int = 0) -> dict[str, object]:
    moment = f"2026-11-02T{8 + minute // 60:02}:{minute % 60:02}:00+01:00"
    kind = "check_out" if minute % 2 else "check_in"
    return {
        "punch_id": punch_id,
        "tenant_id": 1,
        "person_id": 7,
        "site_id": site_id,
        "kind": kind,
        "occurred_at": moment,
    }


@asynccontextmanager
async def _viewer(url: str, secret: str) -> AsyncIterator[socketio.AsyncSimpleClient]:
    async with socketio.AsyncSimpleClient() as viewer:
        await viewer.connect(
            url,
            namespace="/noc",
            transports=["websocket"],
            auth={"token": _token(secret, "viewer")},
        )
        yield viewer


def _token(secret: str, role: str) -> str:
    claims = {
        "sub": "ada",
        "exp": int(time.time()) + 600,
        "tenant_id": 1,
        "sites": "all",
        "role": role,
    }
    return jwt.encode(claims, secret, "HS256")


def _accepts(server: WebServer, secret: str, punch: dict[str, object]) -> bool:
    """Whether POST /api/v1/punches accepts the punch."""
    headers = {
        "Authorization": f"Bearer {_token(secret, 'admin')}",
        "Content-Type": "application/json",
    }
    request = urllib.request.Request(
        f"{server.url}/api/v1/punches", json.dumps(punch).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bool(json.load(answer)["status"] == "accepted")


def _is_empty(broker_url: str) -> bool:
    """Whether no task is queued, and none is with a worker."""
    with Redis.from_url(broker_url) as redis:
        return not redis.llen("attendance") and not redis.hlen("unacked")


def _stored(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {punch_id for (punch_id,) in connection.execute("SELECT punch_id FROM punch")}


def _one(url: str, query: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])
