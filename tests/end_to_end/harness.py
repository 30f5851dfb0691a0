"""Starts, stops, kills and pauses the real processes of Rollcall, on a test's own database, channel
and ports, and keeps their logs.
"""

import json
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dev.embedded.ports import free_port
from dev.run.parts import Part, stop
from tests.end_to_end.waiting import wait_until


class Running(Part):
    """One process of ours, with whatever it forked."""

    def stop(self) -> int:
        """Ask it to finish; return the status it ended with."""
        stop([self])
        return self.process.returncode

    def signal(self, number: signal.Signals) -> None:
        """Signal the process and all it forked: SIGKILL for a crash, SIGSTOP and SIGCONT for a
        pause.
        """
        if self.status is None:
            os.killpg(self.process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.process.wait()

    def logged(self, text: str) -> bool:
        return text in self.log.read_text(errors="replace")


class WebServer(Running):
    url = ""

    def is_healthy(self, path: str = "/healthz") -> bool:
        """Whether `path` answers 200. /readyz also asks for workers, and what they did of late."""
        assert self.status is None, (
            f"{self.name} ended with status {self.status}:\n{self.log_end()}"
        )
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return bool(answer.status == 200)
        except (urllib.error.HTTPError, OSError):
            return False

    def failing(self) -> set[str]:
        """The names that /readyz gives as failing."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=10):
                return set()
        except urllib.error.HTTPError as unready:
            return set(json.load(unready)["failing"])

    def has_worker(self) -> bool:
        """Whether Postgres and Redis answer it, and a worker does."""
        return not self.failing() & {"postgres", "redis", "worker"}


class Stage:
    """Processes that share an environment (the fixture settings_env), with logs in `folder`."""

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self.environ = dict(environ)
        self.folder = folder
        self.running: list[Running] = []

    def web(self, *, module: str = "realtime", **changes: str) -> WebServer:
        """Start a server on a port of its own; return it when it is alive. `module` is what Python
        runs, with its arguments.
        """
        port = changes.setdefault("PORT", str(free_port()))
        server = WebServer(
            self._name("web"),
            f"{sys.executable} -m {module}",
            self.environ | changes,
            self._log("web"),
        )
        server.url = f"http://127.0.0.1:{port}"
        self.running.append(server)
        wait_until(server.is_healthy, f"{server.name} is alive")
        return server

    def worker(self, *, concurrency: int = 1, options: str = "", **changes: str) -> Running:
        """Start a worker with `concurrency` processes, and do not wait for it: a server's /readyz,
        or what the worker did, shows that it is there.
        """
        name = self._name("worker")
        command = (
            f"celery -A worker worker --hostname={name}@%h --concurrency={concurrency} {options}"
        )
        return self.start("worker", command, **changes)

    def beat(self, **changes: str) -> Running:
        return self.start("beat", "celery -A worker beat", **changes)

    def start(self, kind: str, command: str, **changes: str) -> Running:
        """Start any other command, in the root of the checkout."""
        process = Running(self._name(kind), command, self.environ | changes, self._log(kind))
        self.running.append(process)
        return process

    def close(self) -> None:
        """Kill what still runs, and print the end of each log, for a test that failed."""
        for process in self.running:
            process.signal(signal.SIGCONT)
            process.kill()
            print(f"--- {process.name}\n{process.log_end()}")

    def _name(self, kind: str) -> str:
        return f"{kind}{len(self.running) + 1}"

    def _log(self, kind: str) -> Path:
        return self.folder / f"{self._name(kind)}.log"


@contextmanager
def on_stage(environ: Mapping[str, str], folder: Path) -> Iterator[Stage]:
    stage = Stage(environ, folder)
    try:
        yield stage
    finally:
        stage.close()
