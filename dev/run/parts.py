"""The processes of the Procfile, each with a log of its own."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from honcho.environ import parse_procfile

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 30


class Part:
    """One command of ours, running in the root of the checkout, or in another folder."""

    def __init__(
        self, name: str, command: str, environ: Mapping[str, str], log: Path, folder: Path = ROOT
    ) -> None:
        self.name = name
        self.log = log
        # exec: the signal that ends it must reach the command, not a shell around it.
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                ["sh", "-c", f"exec {command}"],
                cwd=folder,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def status(self) -> int | None:
        """None while it runs; a signal that ended it as a negative number."""
        return self.process.poll()

    def log_end(self, lines: int = 20) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def procfile() -> dict[str, str]:
    """The commands of the Procfile by name."""
    return dict(parse_procfile((ROOT / "Procfile").read_text()).processes)


def stop(parts: Iterable[Part]) -> None:
    """Ask all parts at once to end, then kill those that have not after half a minute."""
    running = [part for part in parts if part.status is None]
    for part in running:
        part.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for part in running:
        try:
            part.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(part.process.pid, signal.SIGKILL)
            part.process.wait()
