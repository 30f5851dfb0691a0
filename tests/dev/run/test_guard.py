"""However a runner ends, whatever it had started ends with it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.waiting import wait_until

# Has two descendants: a shell that forked a stubborn sleeper, and a sleeper whose parent is gone.
WORK = """
import signal, subprocess, sys, time
from dev.run.guard import guarded

def work():
    subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 1000 & wait"], start_new_session=True)
    subprocess.Popen(["sh", "-c", "sleep 1000 & exit"], start_new_session=True).wait()
    try:
        print("started", flush=True)
        time.sleep(1000)
    except KeyboardInterrupt:
        return int(sys.argv[1])

sys.exit(guarded(work))
"""


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", WORK, "7", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    yield process
    process.kill()
    process.stdout.close()
    process.wait()


def _ctrl_c(runner: subprocess.Popen[str]) -> None:
    os.killpg(runner.pid, signal.SIGINT)


def _closed_terminal(runner: subprocess.Popen[str]) -> None:
    os.killpg(runner.pid, signal.SIGHUP)


def _sigterm(runner: subprocess.Popen[str]) -> None:
    runner.terminate()


def _kill(runner: subprocess.Popen[str]) -> None:
    runner.kill()


def _kill_of_the_inner_one(runner: subprocess.Popen[str]) -> None:
    psutil.Process(runner.pid).children()[0].kill()


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (_ctrl_c, 7),
        (_closed_terminal, 7),
        (_sigterm, 7),
        (_kill, -signal.SIGKILL),
        (_kill_of_the_inner_one, 1),
    ],
)
def test_nothing_is_left_behind(
    runner: subprocess.Popen[str], end: Callable[[subprocess.Popen[str]], None], status: int
) -> None:
    wait_until(
        lambda: _names(runner)[-3:] == ["sh", "sleep", "sleep"],
        "all have become what they are to be",
    )
    descendants = psutil.Process(runner.pid).children(recursive=True)
    end(runner)
    assert runner.wait(30) == status
    wait_until(lambda: not any(map(_runs, descendants)), "nothing is left")


def _names(runner: subprocess.Popen[str]) -> list[str]:
    return sorted(process.name() for process in psutil.Process(runner.pid).children(recursive=True))


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
