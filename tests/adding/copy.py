"""A copy of this checkout, to edit and to test: what pytest imports there is the copy."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from dev.run.parts import ROOT

_LEFT_OUT = shutil.ignore_patterns(
    ".*", "*.egg-info", "__pycache__", "node_modules", "build", "dist"
)
_WHERE = (
    "import models, realtime, worker; print(models.__file__, worker.__file__, realtime.__file__)"
)

_NOTHING: Mapping[str, str] = {}


class Copy:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT, folder, ignore=_LEFT_OUT)
        imported = self._python("-c", _WHERE).stdout.split()
        assert all(Path(path).is_relative_to(folder) for path in imported), imported

    def write(self, name: str, text: str) -> None:
        """Write a new file."""
        path = self.folder / name
        assert not path.exists()
        path.write_text(text)

    def add_line(self, name: str, line: str, after: str) -> None:
        """Add one line to a file, below the only line that starts with `after`."""
        path = self.folder / name
        lines = path.read_text().splitlines(keepends=True)
        (place,) = [number for number, text in enumerate(lines) if text.startswith(after)]
        path.write_text("".join([*lines[: place + 1], f"{line}\n", *lines[place + 1 :]]))

    def run(self, module: str) -> None:
        ran = self._python("-m", module)
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def test(self, *names: str, environment: Mapping[str, str]) -> None:
        """Run tests in the copy. Raises AssertionError with pytest's output unless all pass."""
        ran = self._python(
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-n",
            "0",
            *names,
            environment=environment,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def _python(
        self, *arguments: str, environment: Mapping[str, str] = _NOTHING
    ) -> subprocess.CompletedProcess[str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")
        }
        command = [sys.executable, *arguments]
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**inherited, **environment},
            capture_output=True,
            text=True,
            timeout=600,
        )
