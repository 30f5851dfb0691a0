"""Runs everything for `make run`, step by step, and ends all of it when any part ends."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from dev.embedded.postgres import Postgres
from dev.embedded.server import DidNotStart, EmbeddedServer
from dev.embedded.valkey import Valkey
from dev.run.disk import Disk, tells_of_full_disk
from dev.run.metrics import MetricsPorts
from dev.run.parts import ROOT, Part, procfile, stop
from dev.run.private_files import kept_secret, write_env
from dev.run.readiness import wait_until_ready
from dev.run.refusals import check_ports
from dev.run.settings import check, complete, joinable, settings_in

LOGIN_SECONDS = 12 * 3600


class Ended(Exception):
    """A part on which everything depends has ended."""


def run(folder: Path) -> int:
    """Run until told to stop (0) or until a part ends (1). `folder` is DATA_DIR, locked by the
    caller. Raises SettingsError or Refusal before anything is started.
    """
    settings = settings_in(os.environ)
    checked = check(settings)
    metrics = MetricsPorts.of(checked)
    check_ports(
        {
            "PORT": checked.port,
            "FLOWER_PORT": checked.flower_port,
            "METRICS_PORT": metrics.web,
            "WORKER_METRICS_PORT": metrics.worker,
        }
    )
    with ExitStack() as cleanup:
        cleanup.callback(say, "everything is stopped")  # called last
        return Run(folder, settings, metrics, cleanup).until_it_ends()


class Run:
    """One run. Whatever it starts, `cleanup` stops, last started first."""

    def __init__(
        self, folder: Path, settings: dict[str, str], metrics: MetricsPorts, cleanup: ExitStack
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.metrics = metrics
        self.cleanup = cleanup
        self.disk = Disk(folder, say)
        self.servers: list[EmbeddedServer] = []
        self.parts: list[Part] = []

    def until_it_ends(self) -> int:
        try:
            self.start()
        except KeyboardInterrupt:
            say("stopping; once more to stop at once")
            return 0
        except (Ended, DidNotStart, OSError) as reason:
            say(self.why(str(reason)))
            return 1

    def why(self, reason: str) -> str:
        """Why it ends; a full disk in one line, whatever it made fall over first."""
        died = [server.log_end() for server in self.servers if server.has_died]
        if any(map(tells_of_full_disk, (reason, *died))):
            return (
                f"no space left on the disk of {self.folder}, or of temporary files: stopping. "
                "Make room, and start again"
            )
        return f"{reason}\nStopping everything else. The logs are in {self.folder}"

    def start(self) -> NoReturn:
        """Start everything, then watch it. Raises Ended, or KeyboardInterrupt when told to stop."""
        self.start_servers()
        self.settings = complete(self.settings, self.folder)
        commands = procfile()
        self.once("release", commands.pop("release"), "bringing the database up to date")
        with_demo = os.environ.get("DEMO") != "0"
        if with_demo:
            self.once("demo-load", "python -m dev.demo load", "loading the demo company")
        self.write_env()
        self.cleanup.callback(lambda: stop(self.parts))
        say(f"starting {', '.join(commands)}")
        for name, command in commands.items():
            self.begin(name, command)
        wait_until_ready(int(self.settings["PORT"]), say, self.check_parts)
        if with_demo:
            self.begin("demo", "python -m dev.demo stream")
        self.greet()
        while True:
            self.check_parts()
            time.sleep(0.2)

    def start_servers(self) -> None:
        if "DATABASE_URL" not in self.settings:
            postgres = Postgres(
                self.folder / "postgres", kept_secret(self.folder / "database_password")
            )
            self.serve(postgres, "PostgreSQL")
            self.settings["DATABASE_URL"] = postgres.url()
        if "REDIS_URL" not in self.settings:
            valkey = Valkey(self.folder / "valkey", kept_secret(self.folder / "redis_password"))
            self.serve(valkey, "Valkey, as Redis")
            self.settings["REDIS_URL"] = valkey.url

    def serve(self, server: EmbeddedServer, title: str) -> None:
        say(f"starting {title}")
        self.cleanup.callback(server.stop)
        server.start()
        self.servers.append(server)

    def write_env(self) -> None:
        env = self.folder / "env"
        self.cleanup.callback(env.unlink, missing_ok=True)
        write_env(env, joinable(self.settings) | self.metrics.addresses())

    def environ(self) -> dict[str, str]:
        """The caller's environment, with the settings in use, and with the programs of this
        installation first.
        """
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {**os.environ, **self.settings, "PATH": programs, "PYTHONUNBUFFERED": "1"}

    def begin(self, name: str, command: str) -> Part:
        part = Part(
            name,
            command,
            self.environ() | self.metrics.settings_of(name),
            self.folder / f"{name}.log",
        )
        self.parts.append(part)
        return part

    def once(self, name: str, command: str, title: str) -> None:
        """Run a command to its end. Raises Ended where it fails, or a part ends meanwhile."""
        say(title)
        part = Part(name, command, self.environ(), self.folder / f"{name}.log")
        self.cleanup.callback(stop, [part])
        while part.status is None:
            self.check_parts()
            time.sleep(0.05)
        if part.status:
            raise Ended(
                f"{name} ({command}) {_how(part.status)}; its last words:\n{part.log_end()}"
            )

    def check_parts(self) -> None:
        self.disk.look()
        for server in self.servers:
            if server.process is not None and server.has_died:
                how = _how(server.process.returncode)
                raise Ended(f"{server.name} {how}; its last words are in {server.log}")
        for part in self.parts:
            if part.status is not None:
                raise Ended(f"{part.name} {_how(part.status)}; its last words:\n{part.log_end()}")

    def greet(self) -> None:
        address = f"http://localhost:{self.settings['PORT']}/"
        # The token stands after the #: a browser keeps that part to itself.
        login = (
            f"#token={self.token()}"
            if "JWT_SECRET" in self.settings
            else "   (with a token of your own)"
        )
        say(f"ready. The dashboard:\n\n    {address}{login}\n")
        flower = f"http://localhost:{self.settings['FLOWER_PORT']}/"
        say(f"Flower: {flower}   logs: {self.folder}/*.log   Ctrl-C stops everything")

    def token(self) -> str:
        claims = f"--tenant 1 --role admin --sub demo --ttl {LOGIN_SECONDS}"
        command = [sys.executable, "-m", "realtime", "token", *claims.split()]
        minted = subprocess.run(
            command, cwd=ROOT, env=self.environ(), capture_output=True, text=True
        )
        if minted.returncode:
            raise Ended(f"no token could be made: {minted.stderr}")
        return minted.stdout.strip()


def say(message: str) -> None:
    print(f"rollcall: {message}", flush=True)


def _how(status: int) -> str:
    return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
