"""Starts `make run` as a person does: from a checkout, with a DATA_DIR and ports of its own."""

import os
import shlex
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from dev.embedded.ports import free_port
from dev.run.parts import ROOT
from models.settings import Settings
from tests.end_to_end.waiting import wait_until


class MakeRun:
    """A run, started at once by `command`. `output` is what it printed so far."""

    def __init__(
        self,
        folder: Path,
        *,
        checkout: Path = ROOT,
        command: Sequence[str] = ("make", "run"),
        **environ: str,
    ) -> None:
        self.folder = folder
        self.port = int(environ.setdefault("PORT", str(free_port())))
        environ.setdefault("FLOWER_PORT", str(free_port()))
        clean = {
            name: value
            for name, value in os.environ.items()
            if name.lower() not in Settings.model_fields and not name.startswith(("MAKE", "MFLAGS"))
        }
        folder.parent.mkdir(parents=True, exist_ok=True)
        self.printed = folder.parent / f"{self.port}.out"
        with self.printed.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=checkout,
                env=clean | {"DATA_DIR": str(folder), "DEMO": "0"} | environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.printed.read_text()

    @property
    def env_file(self) -> Path:
        return self.folder / "env"

    def wait_until_ready(self) -> "MakeRun":
        wait_until(self._said_ready, "make run is ready", seconds=120)
        return self

    def answers(self, path: str = "/readyz") -> bool:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}{path}", timeout=10
            ) as answer:
                return bool(answer.status == 200)
        except (urllib.error.HTTPError, OSError):
            return False

    def settings(self) -> dict[str, str]:
        """The settings that a shell reads from the env file."""
        printed = subprocess.check_output(
            ["sh", "-c", f"set -a; . {shlex.quote(str(self.env_file))}; env -0"], env={}, text=True
        )
        return dict(line.split("=", 1) for line in printed.split("\0") if line)

    def press_ctrl_c(self) -> None:
        """Signal every process of the foreground group, as a terminal does."""
        os.killpg(self.process.pid, signal.SIGINT)

    def wait(self, seconds: float = 60) -> int:
        return self.process.wait(seconds)

    def processes(self) -> list[psutil.Process]:
        """All processes of this run, whoever their parent is by now."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def kill_all(self) -> None:
        """Kill all processes, as when the machine loses its power. Some may end by themselves while
        others are being killed.
        """
        while remaining := self.processes():
            for process in remaining:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(remaining, timeout=5)

    def part(self, *words: str) -> psutil.Process:
        """The oldest process with these words in its command line, which its own children share."""
        matching = [
            process
            for process in self.processes()
            if all(word in " ".join(process.cmdline()) for word in words)
        ]
        return min(matching, key=lambda process: process.create_time())

    def runner(self, *, outer: bool) -> psutil.Process:
        """One of the two processes that watch each other: the outer stays with the terminal, the
        inner does the work.
        """
        runner = psutil.Process(self.process.pid).children()[0]
        return runner if outer else runner.children()[0]

    def _said_ready(self) -> bool:
        assert self.process.poll() is None, self.output
        return "rollcall: ready" in self.output

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            if process.environ().get("DATA_DIR") == str(self.folder):
                return True
            # PostgreSQL writes over its environment; it is recognised by where it works.
            return Path(process.cwd()).is_relative_to(self.folder)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False


@contextmanager
def make_run(
    folder: Path, *, checkout: Path = ROOT, command: Sequence[str] = ("make", "run"), **environ: str
) -> Iterator[MakeRun]:
    run = MakeRun(folder, checkout=checkout, command=command, **environ)
    try:
        yield run
    finally:
        print(run.output)
        run.kill_all()
        run.wait()
