"""Installs the wheel in an environment of its own, and runs the Procfile from it, in a folder that
is not the checkout.
"""

import json
import os
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dev.embedded.ports import free_port
from dev.run.parts import procfile
from tests.dev.packing.builds import Built
from tests.end_to_end.harness import Running, WebServer
from tests.end_to_end.waiting import wait_until


class Installation:
    """An installation as docs/operating.md says: a virtual environment, the wheel, its constraints,
    no extra.
    """

    def __init__(self, folder: Path, published: Built) -> None:
        self.bin = folder / "venv" / "bin"
        self.home = folder / "home"
        self.home.mkdir()
        (constraints,) = published.folder.glob("*-constraints.txt")
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        # Not by `run`: whoever tests this often has pip's cache, and perhaps an index of his own.
        install = [str(self.bin / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run(
            [*install, str(published.wheel), "--constraint", str(constraints)], check=True
        )

    def run(self, program: str, *arguments: str, **environ: str) -> str:
        """Run one of the environment's programs; return what it printed. Raises
        CalledProcessError.
        """
        command = [str(self.bin / program), *arguments]
        return subprocess.check_output(command, cwd=self.home, env=self.environ(environ), text=True)

    def environ(self, settings: Mapping[str, str]) -> dict[str, str]:
        """The settings, with nothing of this machine but the place of its programs."""
        return {
            "PATH": f"{self.bin}{os.pathsep}{os.defpath}",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
        } | dict(settings)


class System:
    """A process for each line of the Procfile, started in the order of the documentation. The line
    `release` runs first, to its end.
    """

    def __init__(self, installation: Installation, settings: Mapping[str, str], logs: Path) -> None:
        self.installation = installation
        self.settings = settings
        self._logs = logs
        self.parts: dict[str, Running] = {}
        self.released = self._start("release", procfile()["release"]).process.wait(120)
        for name, command in procfile().items():
            if name != "release":
                self.parts[name] = self._start(name, command)
        self.url = f"http://127.0.0.1:{settings['PORT']}"

    def _start(self, name: str, command: str) -> Running:
        environ = self.installation.environ(self.settings)
        kind = WebServer if name == "web" else Running
        return kind(name, command, environ, self._logs / f"{name}.log", self.installation.home)

    @contextmanager
    def another_server(self, **changes: str) -> Iterator[WebServer]:
        """Run another server, on a port of its own."""
        port = str(free_port())
        environ = self.installation.environ(dict(self.settings) | {"PORT": port} | changes)
        log = self._logs / f"web-{port}.log"
        server = WebServer("web", procfile()["web"], environ, log, self.installation.home)
        server.url = f"http://127.0.0.1:{port}"
        try:
            wait_until(server.is_healthy, "the server is alive")
            yield server
        finally:
            server.kill()

    def token(self, *claims: str) -> str:
        return self.installation.run(
            "python", "-m", "realtime", "token", "--tenant", "1", *claims, **self.settings
        ).strip()

    def get(self, url: str, token: str = "") -> Any:
        """The JSON at `url`, or None as long as nothing answers well."""
        request = urllib.request.Request(
            url, headers={"Authorization": f"Bearer {token}"} if token else {}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except OSError:
            return None

    def wait_until_ready(self) -> "System":
        wait_until(
            lambda: self._all_run() and self.get(f"{self.url}/readyz"),
            "the server has all it needs",
            seconds=120,
        )
        return self

    def _all_run(self) -> bool:
        for part in self.parts.values():
            assert part.status is None, (
                f"{part.name} ended with status {part.status}:\n{part.log_end()}"
            )
        return True


@contextmanager
def running(
    installation: Installation, postgres_url: str, redis_url: str, broker_url: str, logs: Path
) -> Iterator[System]:
    settings = {
        "DATABASE_URL": postgres_url,
        "REDIS_URL": redis_url,
        "REDIS_CHANNEL": f"test-{secrets.token_hex(6)}",
        "CELERY_BROKER_URL": broker_url,
        "JWT_SECRET": secrets.token_hex(32),
        "PORT": str(free_port()),
        "FLOWER_PORT": str(free_port()),
        "FLOWER_UNAUTHENTICATED_API": "true",
    }
    system = System(installation, settings, logs)
    try:
        yield system
    finally:
        for part in system.parts.values():
            part.kill()
            print(f"--- {part.name}\n{part.log_end()}")
