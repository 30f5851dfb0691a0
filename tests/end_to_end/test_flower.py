"""Flower shows our tasks by name, and nothing personal, whatever the producer wrote into its
headers.
"""

import json
import urllib.request
from typing import Any

from celery import Celery

from tests.end_to_end.harness import Stage
from tests.end_to_end.waiting import wait_until

PERSONAL = ("Ada Lovelace", "59.9139", "10.7522", "0.8125", "ada-phone")
PUNCH = {
    "punch_id": "p-1",
    "tenant_id": 1,
    "person_id": 7,
    "person_name": "Ada Lovelace",
    "site_id": 15,
    "kind": "check_in",
    "occurred_at": "2026-11-23T08:00:00+01:00",
    "latitude": 59.9139,
    "longitude": 10.7522,
    "device_id": "ada-phone",
    "biometric": {"method": "face", "score": 0.8125, "liveness": 0.9},
}


def test_flower_shows_the_tasks_by_name_and_nothing_personal(
    stage: Stage, settings_env: dict[str, str]
) -> None:
    port = settings_env["FLOWER_PORT"]
    stage.start(
        "flower", "celery -A worker flower --address=127.0.0.1", FLOWER_UNAUTHENTICATED_API="true"
    )
    wait_until(lambda: _get(port, "/healthcheck") is not None, "Flower is there")
    stage.worker()
    wait_until(
        lambda: bool(json.loads(_get(port, "/api/workers?refresh=1") or "{}")),
        "Flower sees the worker",
    )
    app = Celery(broker=settings_env["CELERY_BROKER_URL"])
    app.send_task(
        "attendance.submit",
        kwargs={"punch": PUNCH},
        queue="attendance",
        kwargsrepr=repr(PUNCH),
        argsrepr="('Ada Lovelace',)",
    )
    app.send_task("attendance.submit_batch", kwargs={"punches": [PUNCH]}, queue="attendance")

    def done() -> bool:
        return {"attendance.submit", "attendance.submit_batch"} <= {
            task["name"] for task in _tasks(port) if task["state"] == "SUCCESS"
        }

    wait_until(done, "Flower shows both tasks as done")
    shown = [
        _get(port, "/api/tasks") or "",
        *(_get(port, f"/api/task/info/{task['uuid']}") or "" for task in _tasks(port)),
    ]
    assert not [word for word in PERSONAL for text in shown if word in text]


def _tasks(port: str) -> list[dict[str, Any]]:
    return list(json.loads(_get(port, "/api/tasks") or "{}").values())


def _get(port: str, path: str) -> str | None:
    """None while Flower does not answer yet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return str(answer.read().decode())
    except OSError:
        return None
