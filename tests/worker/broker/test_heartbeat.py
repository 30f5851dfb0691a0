"""A file's age tells whether a worker or beat is at work: it grows old when its process hangs, and while its broker is away."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.chaos.proxy import Backstage, Proxy
from tests.worker.live import running_worker, runs, until
from worker.broker.heartbeat import EVERY

# The probe of docs/operating.md looks for a minute; here it is as short as a busy machine allows.
OLD = 5 * EVERY


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "heart of 'it'"


@pytest.fixture
def line(settings_env: dict[str, str]) -> Iterator[Proxy]:
    """What the broker's address leads through from now on."""
    parts = urlsplit(settings_env["CELERY_BROKER_URL"])
    backstage = Backstage()
    proxy = Proxy(backstage, [parts.port or 0])
    credentials = parts.netloc.rpartition("@")[0]
    through = parts._replace(netloc=f"{credentials}@127.0.0.1:{proxy.port}".lstrip("@"))
    settings_env["CELERY_BROKER_URL"] = through.geturl()
    yield proxy
    proxy.flow()
    proxy.close()
    backstage.close()


def beats(file: Path) -> bool:
    return file.exists() and time.time() - file.stat().st_mtime < OLD


def comes_to_life(file: Path) -> None:
    until(lambda: beats(file), 120)


def grows_old(file: Path) -> None:
    until(lambda: not beats(file), 120)


def beats_while_it_works(process: subprocess.Popen, line: Proxy, file: Path) -> None:
    """Not while it hangs, nor while its broker is gone, nor while the line there is dead; afterwards again."""
    comes_to_life(file)
    process.send_signal(signal.SIGSTOP)
    grows_old(file)
    process.send_signal(signal.SIGCONT)
    comes_to_life(file)
    line.refuse(True)
    grows_old(file)
    line.refuse(False)
    comes_to_life(file)
    line.stall()
    grows_old(file)
    line.flow()
    comes_to_life(file)


@contextmanager
def running_beat(env: dict[str, str], log: Path) -> Iterator[subprocess.Popen]:
    with log.open("ab") as output:
        process = subprocess.Popen(["celery", "-A", "worker", "beat"], env=env, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_a_worker_beats_while_it_takes_messages(settings_env: dict[str, str], log: Path, line: Proxy, file: Path, pool: str) -> None:
    if not runs(settings_env["CELERY_BROKER_URL"], pool):
        return
    with running_worker(settings_env | {"HEARTBEAT_FILE": str(file)}, log, "--pool", pool) as worker:
        beats_while_it_works(worker, line, file)


def test_beat_beats_while_what_it_sends_is_taken(settings_env: dict[str, str], log: Path, line: Proxy, file: Path) -> None:
    with running_beat(settings_env | {"HEARTBEAT_FILE": str(file)}, log) as beat:
        beats_while_it_works(beat, line, file)


def test_beat_ends_when_told_though_its_broker_does_not_answer(settings_env: dict[str, str], log: Path, line: Proxy, file: Path) -> None:
    """The signal comes in the middle of a message; the connection is not to be closed there."""
    with running_beat(settings_env | {"HEARTBEAT_FILE": str(file)}, log) as beat:
        comes_to_life(file)
        line.stall()
        until(lambda: time.time() - file.stat().st_mtime > 3)  # each tick touches it, each second
        beat.terminate()
        assert beat.wait(30) == 0


def test_the_beat_of_an_earlier_process_counts_for_nothing(settings_env: dict[str, str], log: Path, line: Proxy, file: Path) -> None:
    file.touch()
    line.refuse(True)
    with running_beat(settings_env | {"HEARTBEAT_FILE": str(file)}, log):
        until(lambda: not file.exists(), 120)


@pytest.mark.parametrize("command", ["worker", "beat"])
def test_a_file_that_cannot_be_written_is_one_clear_line(settings_env: dict[str, str], tmp_path: Path, command: str) -> None:
    env = settings_env | {"HEARTBEAT_FILE": str(tmp_path / "none" / "file")}
    done = subprocess.run(["celery", "-A", "worker", command], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"HEARTBEAT_FILE {tmp_path}/none/file cannot be written: No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_probe_of_the_manual_tells_old_from_young(file: Path) -> None:
    probe = ["sh", "-c", 'find "$0" -mmin -1 | grep -q .', str(file)]
    assert subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode != 0
    file.touch()
    assert subprocess.run(probe, check=False).returncode == 0
    os.utime(file, (time.time() - 61,) * 2)
    assert subprocess.run(probe, check=False).returncode != 0
