"""A punch that kills every worker that judges it does not keep others from being judged, with real
workers that really die.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from models.database import make_engine
from tests.end_to_end.harness import Stage, on_stage
from tests.end_to_end.waiting import wait_until
from tests.worker.cast import anomalies, imposter, punch, roster, rows, waiting
from tests.worker.live import send

TERMINATE = """
SELECT pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture
def stage(settings_env: dict[str, str], tmp_path: Path) -> Iterator[Stage]:
    with on_stage(settings_env, tmp_path) as stage:
        yield stage


@pytest.fixture
def engine(settings_env: dict[str, str]) -> Iterator[Engine]:
    engine = make_engine(settings_env["DATABASE_URL"])
    yield engine
    engine.dispose()


def test_a_punch_that_kills_its_workers_is_rejected_and_the_others_are_judged(
    stage: Stage, engine: Engine
) -> None:
    broker = stage.environ["CELERY_BROKER_URL"]
    # Each has a face and a person of its own: a punch that is judged anew with the poison, as its
    # neighbour, would die of it too.
    faces = [{"method": "face", "matched_person_id": 900 + number} for number in range(18)]
    punches = [
        punch(f"p{number}", person_id=number + 1, biometric=face)
        for number, face in enumerate(faces)
    ]
    for _ in range(2):
        stage.worker(ROLLCALL_FAULTS="judging:p13=1")
    stage.beat()
    send(broker, "roster.sync", {"roster": roster(1)})
    wait_until(lambda: rows(engine, "SELECT FROM person"), "the roster is there")
    send(broker, "attendance.submit_batch", {"punches": punches})
    wait_until(lambda: rows(engine, "SELECT FROM rejected"), "the poison is found", seconds=120)
    wait_until(lambda: waiting(engine) == 0, "the others are judged")
    assert rows(engine, "SELECT punch_id, reasons -> 0 ->> 'code' FROM rejected") == [
        ("p13", "kills_worker")
    ]
    assert {row[0] for row in anomalies(engine) if row[1] == "WRONG_PERSON" and row[-1]} == {
        f"p{n}" for n in range(18)
    } - {"p13"}


def test_a_worker_that_lost_its_connections_goes_on_by_itself(stage: Stage, engine: Engine) -> None:
    """The server ends the worker's connections; those who submit meanwhile notice nothing."""
    broker = stage.environ["CELERY_BROKER_URL"]
    stage.worker()
    stage.beat()
    send(broker, "roster.sync", {"roster": roster(1)})
    wait_until(lambda: rows(engine, "SELECT FROM person"), "the roster is there")
    for number in range(6):
        rows(engine, TERMINATE)
        send(broker, "attendance.submit", {"punch": imposter(f"p{number}", person_id=number + 3)})
        _wait_found(engine, f"p{number}")
    assert rows(engine, "SELECT FROM rejected") == []


def _wait_found(engine: Engine, punch_id: str) -> None:
    wait_until(lambda: any(row[0] == punch_id for row in anomalies(engine)), "it goes on")
