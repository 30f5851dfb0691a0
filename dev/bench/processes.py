"""Starts the processes that are measured, waits until they serve, and ends exactly these."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

ROOT = Path(__file__).resolve().parents[2]


class Died(RuntimeError):
    """A process of the benchmark ended by itself; the end of its log is in the message."""


class Process:
    """One child process with its own log, ended with everything it started when the `with` block
    ends.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        env: Mapping[str, str] | None = None,
        cores: Iterable[int] | None = None,
    ) -> None:
        self.log = log
        self._file = log.open("ab")
        self._popen = subprocess.Popen(
            list(command),
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=self._file,
        )
        self.pid = self._popen.pid
        if cores is not None:
            pin(self.pid, cores)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def wait_until(self, ready: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until `ready()` is true. Raises Died where the process ends first, TimeoutError
        after `seconds`.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if self._popen.poll() is not None:
                raise Died(f"{self.log.name}: exit {self._popen.returncode}\n{self.tail()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.log.name}: not ready after {seconds} s\n{self.tail()}")
            time.sleep(0.02)

    def tail(self) -> str:
        return self.log.read_bytes()[-3000:].decode(errors="replace")

    def stop(self, seconds: float = 10) -> None:
        end_family(self.pid, seconds)
        self._popen.wait()
        self._file.close()


def end_family(pid: int, seconds: float = 10) -> None:
    """Terminate the process; after `seconds`, kill whatever of its family is still there."""
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
        root.terminate()
    except psutil.NoSuchProcess:
        return
    _, alive = psutil.wait_procs(family, timeout=seconds)
    for process in alive:
        process.kill()


def pin(pid: int, cores: Iterable[int]) -> None:
    """Keep the process, and what it starts from now on, to these cores, where the system can."""
    if hasattr(psutil.Process, "cpu_affinity"):
        psutil.Process(pid).cpu_affinity(list(cores))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
