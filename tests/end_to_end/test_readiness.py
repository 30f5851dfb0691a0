"""Readiness of real processes comes within seconds of their start, and goes with each of them."""

import signal

import psutil
import psycopg
import pytest

from tests.end_to_end.harness import Running, Stage, WebServer
from tests.end_to_end.waiting import wait_until

# The pulses that come often. That beat has each of them renewed is tested in
# tests/worker/tasks/test_pulse.py.
AGE = "UPDATE pulse SET at = at - interval '1 day' WHERE name IN ('attendance', 'sweep_left')"


@pytest.fixture
def server(stage: Stage) -> WebServer:
    return stage.web()


def pool_of(worker: Running) -> list[psutil.Process]:
    return list(psutil.Process(worker.process.pid).children(recursive=True))


def test_it_comes_with_worker_and_beat_and_goes_with_each(
    stage: Stage, server: WebServer, postgres_url: str
) -> None:
    assert server.failing() == {"worker", "tasks", "sweeps"}
    worker, beat = stage.worker(), stage.beat()
    wait_until(lambda: not server.failing(), "it is ready")

    beat.signal(signal.SIGSTOP)
    age(postgres_url)
    wait_until(lambda: server.failing() == {"tasks", "sweeps"}, "a beat that stands still is seen")
    beat.signal(signal.SIGCONT)
    wait_until(lambda: not server.failing(), "it is ready again")

    # The worker answers, and no task is taken.
    for process in pool_of(worker):
        process.suspend()
    age(postgres_url)
    wait_until(lambda: server.failing() == {"tasks", "sweeps"}, "a pool that stands still is seen")
    for process in pool_of(worker):
        process.resume()
    wait_until(lambda: not server.failing(), "it is ready again")

    worker.kill()
    wait_until(lambda: "worker" in server.failing(), "a worker that is gone is seen")
    assert server.is_healthy("/readyz?self")


def age(postgres_url: str) -> None:
    """Age what was noted until now; whoever is at work notes it anew within seconds."""
    with psycopg.connect(postgres_url) as connection:
        connection.execute(AGE)
