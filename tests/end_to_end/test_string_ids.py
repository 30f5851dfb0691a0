"""Ids that are strings, through real processes: they come back as they came."""

import time
from collections.abc import Callable
from typing import Any

import jwt
import psycopg
import socketio
from celery import Celery

from tests.end_to_end.harness import Stage
from tests.end_to_end.waiting import wait_until

TENANT, SITE, ADA = "a:b_1", '15", "site', "7"


def roster(tenant_id: object) -> dict[str, Any]:
    """Return two sites and two people, the ids of whom have the same digits two and two."""
    return {
        "tenant": {"tenant_id": tenant_id, "name": f"Company {tenant_id}"},
        "sites": [
            {"site_id": site_id, "name": f"Site {site_id}", "timezone": "Europe/Oslo"}
            for site_id in (SITE, 15, "15")
        ],
        "people": [{"person_id": ADA, "name": "Ada"}, {"person_id": 7, "name": "Ben"}],
        "assignments": [{"person_id": ADA, "site_id": SITE}, {"person_id": 7, "site_id": SITE}],
    }


def punch(punch_id: str, **fields: Any) -> dict[str, Any]:
    at = {"kind": "check_in", "occurred_at": "2026-11-23T08:00:00+01:00"}
    return (
        {"punch_id": punch_id, "tenant_id": TENANT, "person_id": ADA, "site_id": 15} | at | fields
    )


async def test_a_punch_with_string_ids_is_stored_judged_and_heard_with_them(
    stage: Stage, settings_env: dict[str, str], postgres_url: str
) -> None:
    server = stage.web()
    stage.worker()
    wait_until(server.has_worker, "Postgres, Redis and a worker answer")
    app = Celery(broker=settings_env["CELERY_BROKER_URL"])

    def send(task: str, **arguments: object) -> None:
        app.send_task(task, kwargs=arguments, queue="attendance")

    connect = _connecting(server.url, stage.environ["JWT_SECRET"])
    everything = await connect(tenant_id=TENANT, sites="all")
    of_string = await connect(tenant_id=TENANT, sites=["15"])
    other_tenant = await connect(tenant_id="globex", sites="all")
    for tenant_id in (TENANT, "globex"):
        send("roster.sync", roster=roster(tenant_id))
    send("attendance.submit_batch", punches=[punch("p1"), punch("p2", person_id=7, site_id="15")])
    first, second = [await _anomaly(everything) for _ in range(2)]
    said = {(one["tenant_id"], one["person_id"], one["site_id"]) for one in (first, second)}
    assert said == {(TENANT, ADA, 15), (TENANT, 7, "15")}
    assert {(one["person_id"], one["person_name"]) for one in (first, second)} == {
        (ADA, "Ada"),
        (7, "Ben"),
    }
    only = await _anomaly(of_string)
    assert (only["person_id"], only["site_id"], only["punch_id"]) == (7, "15", "p2")
    # What comes next to the others is what is said next: nothing of this came to them before.
    send("noc.publish", message=_message("globex", "m1"))
    assert (await _next(other_tenant))[1]["title"] == "m1"
    send("noc.publish", message=_message(TENANT, "m2", site_id="15"))
    while (heard := await _next(of_string))[0] != "ticket_updated":
        assert heard[1]["site_id"] == "15"
    with psycopg.connect(postgres_url) as connection:
        stored = connection.execute("SELECT person_id, site_id FROM punch").fetchall()
    assert all(isinstance(number, int) for row in stored for number in row)
    for viewer in (everything, of_string, other_tenant):
        await viewer.disconnect()


def _message(tenant_id: str, message_id: str, **fields: Any) -> dict[str, Any]:
    said = {"type": "ticket_updated", "tenant_id": tenant_id, "message_id": message_id}
    return said | {"data": {"title": message_id}} | fields


def _connecting(url: str, secret: str) -> Callable[..., Any]:
    async def connect(**claims: Any) -> socketio.AsyncSimpleClient:
        claims |= {"sub": "alice", "role": "viewer", "exp": time.time() + 600}
        viewer = socketio.AsyncSimpleClient()
        token = jwt.encode(claims, secret, algorithm="HS256")
        await viewer.connect(url, auth={"token": token}, namespace="/noc", wait_timeout=30)
        assert (await viewer.receive(timeout=60))[0] == "snapshot"
        return viewer

    return connect


async def _next(viewer: socketio.AsyncSimpleClient) -> Any:
    return await viewer.receive(timeout=60)


async def _anomaly(viewer: socketio.AsyncSimpleClient) -> dict[str, Any]:
    while (heard := await _next(viewer))[0] != "anomaly_detected":
        assert heard[0].startswith("alert_")
    payload: dict[str, Any] = heard[1]
    return payload
