"""A file's age tells whether a worker or beat is at work.

It grows old when the process hangs, and while its broker is away.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.chaos.proxy import Backstage, Proxy
from tests.worker.live import running_worker, runs, until
from worker.broker.heartbeat import SECONDS_BETWEEN_BEATS, Heartbeat

# The probe of docs/operating.md looks for a minute; here it is as short as a busy machine allows.
OLD_SECONDS = 3 * SECONDS_BETWEEN_BEATS


class Line(NamedTuple):
    """An address that leads through the proxy."""

    url: str
    proxy: Proxy


Lines = Callable[[], Line]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "heart of 'it'"


@pytest.fixture
def to_broker(settings_env: dict[str, str]) -> Iterator[Lines]:
    """Give a function that makes lines to the broker."""
    parts = urlsplit(settings_env["CELERY_BROKER_URL"])
    credentials = parts.netloc.rpartition("@")[0]
    backstage = Backstage()
    proxies: list[Proxy] = []

    def make() -> Line:
        proxy = Proxy(backstage, [parts.port or 0])
        proxies.append(proxy)
        through = parts._replace(netloc=f"{credentials}@127.0.0.1:{proxy.port}".lstrip("@"))
        return Line(through.geturl(), proxy)

    yield make
    for proxy in proxies:
        proxy.flow()
        proxy.close()
    backstage.close()


@pytest.fixture
def line(settings_env: dict[str, str], to_broker: Lines) -> Proxy:
    """Lead the broker's address through a proxy, and give that."""
    line = to_broker()
    settings_env["CELERY_BROKER_URL"] = line.url
    return line.proxy


def beats(file: Path) -> bool:
    return file.exists() and time.time() - file.stat().st_mtime < OLD_SECONDS


def comes_to_life(file: Path) -> None:
    until(lambda: beats(file), 120)


def grows_old(file: Path) -> None:
    until(lambda: not beats(file), 120)


def beats_while_it_works(process: subprocess.Popen[bytes], line: Proxy, file: Path) -> None:
    """Check that it beats again after it hung, its broker was gone and the line there was dead.

    And that it beats at none of these times.
    """
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
def running_beat(env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        command = ["celery", "-A", "worker", "beat"]
        process = subprocess.Popen(command, env=env, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.process
def test_workers_of_every_pool_beat_while_they_take_messages_and_beat_while_its_are_taken(
    settings_env: dict[str, str], tmp_path: Path, to_broker: Lines
) -> None:
    """All run at once, each on a line of its own, as most of their time is waiting."""
    broker = settings_env["CELERY_BROKER_URL"]
    names = [pool for pool in ("prefork", "threads", "solo") if runs(broker, pool)] + ["beat"]
    with ThreadPoolExecutor(len(names)) as pool:
        lives = [pool.submit(live, name, settings_env, tmp_path, to_broker()) for name in names]
    failures = {name: life.exception() for name, life in zip(names, lives, strict=True)}
    assert failures == dict.fromkeys(names)


def running(
    name: str,
    env: dict[str, str],
    log: Path,
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    if name == "beat":
        return running_beat(env, log)
    return running_worker(env, log, "--pool", name, "--hostname", f"{name}@%h")


def live(name: str, env: dict[str, str], folder: Path, line: Line) -> None:
    """Run beat, or a worker with the pool of this name, through all that may come its way."""
    file, log = folder / f"heart of '{name}'", folder / f"{name}.log"
    env = env | {"HEARTBEAT_FILE": str(file), "CELERY_BROKER_URL": line.url}
    try:
        with running(name, env, log) as process:
            beats_while_it_works(process, line.proxy, file)
    finally:
        print(f"--- {name}\n{log.read_text(errors='replace')}")


def test_beat_ends_when_told_though_its_broker_does_not_answer(
    settings_env: dict[str, str], log: Path, line: Proxy, file: Path
) -> None:
    """The signal comes in the middle of a message; the connection is not to be closed there."""
    with running_beat(settings_env | {"HEARTBEAT_FILE": str(file)}, log) as beat:
        comes_to_life(file)
        line.stall()
        until(lambda: time.time() - file.stat().st_mtime > 3)  # each tick touches it, each second
        beat.terminate()
        assert beat.wait(30) == 0


def test_the_beat_of_an_earlier_process_counts_for_nothing(
    settings_env: dict[str, str], log: Path, line: Proxy, file: Path
) -> None:
    file.touch()
    line.refuse(True)
    with running_beat(settings_env | {"HEARTBEAT_FILE": str(file)}, log):
        until(lambda: not file.exists(), 120)


def test_a_process_that_only_starts_never_looks_alive(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched: list[Path] = []
    monkeypatch.setattr(Path, "touch", lambda path: touched.append(path))
    file.write_text("of an earlier process")
    heartbeat = Heartbeat(str(file))
    assert (touched, file.exists()) == ([], False)
    heartbeat.touch()
    assert touched == [file]


@pytest.mark.parametrize("command", ["worker", "beat"])
def test_a_file_that_cannot_be_written_is_one_clear_line(
    settings_env: dict[str, str], tmp_path: Path, command: str
) -> None:
    env = settings_env | {"HEARTBEAT_FILE": str(tmp_path / "none" / "file")}
    run = ["celery", "-A", "worker", command]
    done = subprocess.run(run, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    complaint = f"{tmp_path}/none/file cannot be written: No such file or directory"
    assert f"HEARTBEAT_FILE {complaint}" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_probe_of_the_manual_tells_old_from_young(file: Path) -> None:
    probe = ["sh", "-c", 'find "$0" -mmin -1 | grep -q .', str(file)]
    assert subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode != 0
    file.touch()
    assert subprocess.run(probe, check=False).returncode == 0
    os.utime(file, (time.time() - 61,) * 2)
    assert subprocess.run(probe, check=False).returncode != 0
