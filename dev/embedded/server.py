"""A server as a child process: it is started and waited for, stopped, killed, and started again on
the same port.
"""

import contextlib
import signal
import subprocess
import time
from pathlib import Path

from dev.embedded.ports import free_port

START_SECONDS = 120  # long enough for the recovery after a crash
STOP_SECONDS = 30


class DidNotStart(Exception):
    """An embedded server ended, or did not answer in time."""


class EmbeddedServer:
    """A server with its data in `folder` and its log beside that. The port is chosen at the first
    start and kept.
    """

    name = ""
    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.log = self.folder.parent / f"{self.name}.log"
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def has_died(self) -> bool:
        """Whether it ended by itself after it was started."""
        return self.process is not None and self.process.poll() is not None

    def start(self) -> None:
        """Start it, and return when it answers. Raises DidNotStart with the end of its log."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.prepare()
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        attempts = [self.port] if self.port else [free_port() for _ in range(3)]
        for port in attempts:  # another process may take a free port before the server does
            self.port = port
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    self.command(),
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            if self._answers():
                return
        self.port = 0
        raise DidNotStart(f"{self.name} did not start; the end of {self.log}:\n{self.log_end()}")

    def log_end(self) -> str:
        """The last 15 lines of what it logged since its latest start."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return "\n".join(log.read().decode(errors="replace").splitlines()[-15:])

    def stop(self) -> None:
        """Ask it to end, and kill it where it has not after half a minute."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def kill(self) -> None:
        """End it as a crash would: without last words, and with nothing flushed."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def prepare(self) -> None:
        """Make what the server needs before its start, and mend what a crash left. May raise
        DidNotStart.
        """
        raise NotImplementedError

    def command(self) -> list[str]:
        raise NotImplementedError

    def ping(self) -> None:
        """Raises an error of `not_yet` while the server does not answer."""
        raise NotImplementedError

    not_yet: type[Exception] = OSError

    def _answers(self) -> bool:
        assert self.process is not None
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(self.not_yet):
                self.ping()
                return True
            time.sleep(0.02)
        self.kill()
        return False
