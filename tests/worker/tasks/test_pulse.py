"""Workers note what came through, and which sweep has finished, but nothing that failed."""

from pathlib import Path

import pytest
from celery import Celery
from sqlalchemy import Engine

from models import pulse
from models.database import transaction
from models.settings import Settings
from tests.worker.cast import punch, rows
from tests.worker.live import running_worker, send, until
from worker.broker.configuration import configuration
from worker.tasks.pulse import SECONDS_BETWEEN_NOTES

BEAT = configuration(Settings(database_url="postgresql://h/d", redis_url="redis://h"))[
    "beat_schedule"
]


def noted(engine: Engine) -> set[str]:
    return {name for (name,) in rows(engine, "SELECT name FROM pulse")}


def age_all(engine: Engine) -> None:
    """Make every note a day old, but that of what is done every ten minutes."""
    with transaction(engine) as cursor:
        cursor.execute("UPDATE pulse SET at = at - interval '1 day' WHERE name <> 'prune'")


def late(engine: Engine) -> list[str]:
    return [sweep.name for sweep in pulse.late(rows(engine, pulse.AGES))]


@pytest.mark.process
def test_what_beat_sends_at_its_start_makes_all_of_it_young(
    settings_env: dict[str, str], log: Path, engine: Engine
) -> None:
    with running_worker(settings_env, log, "--beat"):
        until(lambda: not late(engine))
        age_all(engine)
        assert late(engine)
        until(lambda: not late(engine), 60)


@pytest.mark.process
def test_any_task_of_the_punches_queue_shows_that_it_is_served(
    settings_env: dict[str, str], log: Path, engine: Engine
) -> None:
    """While a long queue is worked on, beat's own tasks come late, which is no reason for alarm."""
    with running_worker(settings_env, log):
        send(settings_env["CELERY_BROKER_URL"], "attendance.submit", {"punch": punch("p1")})
        until(lambda: pulse.TASKS in noted(engine))
    assert noted(engine) == {pulse.TASKS, "prune"}


@pytest.mark.process
def test_a_sweep_that_failed_has_not_finished(
    settings_env: dict[str, str], log: Path, engine: Engine
) -> None:
    with transaction(engine) as cursor:
        cursor.execute("ALTER TABLE alert RENAME TO hidden")
    with (
        running_worker(settings_env, log),
        Celery("beat", broker=settings_env["CELERY_BROKER_URL"]) as app,
    ):
        for name in ("upkeep.keep_alerts", "upkeep.sweep_left"):
            app.send_task(name, queue="upkeep")
        until(lambda: "sweep_left" in noted(engine))
        until(lambda: "task_failed" in log.read_text())
    assert "keep_alerts" not in noted(engine)


def test_every_sweep_is_one_that_beat_starts_and_more_often_than_it_may_be_late() -> None:
    started = {name: entry["schedule"] for name, entry in BEAT.items()}
    assert started.keys() == {*pulse.SWEEPS, "pass_through"}
    for name, oldest in pulse.SWEEPS.items():
        assert started[name] + SECONDS_BETWEEN_NOTES < oldest.total_seconds() / 2
    oldest = pulse.OLDEST[pulse.TASKS]
    assert started["pass_through"] + SECONDS_BETWEEN_NOTES < oldest.total_seconds() / 2
