"""`rollcall worker` and `rollcall beat` are Celery's own program, with our app."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from models.migrations.revision import newest_revision
from models.version import rollcall_version
from tests.end_to_end.waiting import wait_until

ROLLCALL = str(Path(sys.executable).with_name("rollcall"))

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(settings_env: dict[str, str], tmp_path: Path, log: Path) -> Iterator[Start]:
    """Start `rollcall` in a folder that is not the checkout, with its output in `log`."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **environ: str) -> subprocess.Popen[str]:
        with log.open("w") as output:
            process = subprocess.Popen(
                [ROLLCALL, *arguments],
                env=settings_env | environ,
                cwd=tmp_path,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until_ready(process: subprocess.Popen[str], log: Path, times: int = 1) -> None:
    def is_ready() -> bool:
        return log.read_text().count("ready.") == times or process.poll() is not None

    wait_until(is_ready, "the worker is ready")


def events(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def test_a_worker_takes_celerys_options_and_ends_as_it_does(
    start: Start,
    log: Path,
    tmp_path: Path,
) -> None:
    # Python would find this one before ours, were it looked for in the folder.
    (tmp_path / "worker.py").write_text("raise RuntimeError('not this one')")
    process = start("worker", "--pool", "solo", "-n", "named@%h", "--without-heartbeat")
    wait_until_ready(process, log)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    first = events(log)[0]
    assert (first["event"], first["version"], first["revision"]) == (
        "starting",
        rollcall_version(),
        newest_revision(),
    )
    assert "named@" in log.read_text()


def test_a_worker_starts_anew_when_it_is_told_to(start: Start, log: Path) -> None:
    process = start("worker", "--pool", "solo", "-Q", "upkeep")
    wait_until_ready(process, log)
    process.send_signal(signal.SIGHUP)
    wait_until_ready(process, log, times=2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_beat_sends_until_it_is_told_to_end(start: Start, log: Path, tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    process = start("beat", HEARTBEAT_FILE=str(file))
    wait_until(lambda: file.exists() or process.poll() is not None, "beat ticks")
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert events(log)[0]["event"] == "starting"


@pytest.mark.parametrize("subcommand", ["worker", "beat"])
def test_an_option_that_celery_does_not_have_is_refused_by_it(
    start: Start,
    log: Path,
    subcommand: str,
) -> None:
    assert start(subcommand, "--no-such-option").wait(60) == 2
    assert "No such option" in log.read_text()


def test_celerys_own_help_is_behind_two_dashes(start: Start, log: Path) -> None:
    assert start("worker", "--", "--help").wait(60) == 0
    assert "--concurrency" in log.read_text() and "celery" in log.read_text()
