"""`make install` says once what npm's registry did not give, and asks it again the next time."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dev.packing.client import ROOT, WITHOUT_IT

LINE = WITHOUT_IT.format("connect ECONNREFUSED 127.0.0.1:9")
# Stands in for an installation of minutes: a pip whose --log has what a build backend printed,
# behind the time.
PYTHON = f"""#!/bin/sh
case "$*" in
  *"-m pip"*install*)
    echo installed >> calls
    while [ "$1" != --log ]; do shift; done
    echo "2026-11-23T08:00:00,000   {LINE}" > "$2";;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("Makefile", "setup.cfg", "pyproject.toml", "constraints.txt", "dev/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    for name in ("install", "packing"):
        shutil.copytree(ROOT / "dev" / name, tmp_path / "dev" / name)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON)
    python.chmod(0o755)
    (tmp_path / "realtime" / "console").mkdir(parents=True)
    return tmp_path


def test_without_the_registry_one_line_says_so_each_time(checkout: Path) -> None:
    for time in (1, 2):
        assert [line for line in _make("install", checkout) if "npm's registry" in line] == [LINE]
        assert len((checkout / "calls").read_text().splitlines()) == time


def test_with_the_client_in_place_nothing_is_said_or_done_again(checkout: Path) -> None:
    _make("install", checkout)
    (checkout / "realtime" / "console" / "socket.io.esm.min.js").touch()
    assert _make("install", checkout) == []
    assert len((checkout / "calls").read_text().splitlines()) == 1


def test_only_make_install_asks_again(checkout: Path) -> None:
    """Without any registry, `make run` starts what is installed."""
    _make("install", checkout)
    _make(".venv/.installed-run", checkout)
    assert len((checkout / "calls").read_text().splitlines()) == 1


def _make(target: str, checkout: Path) -> list[str]:
    command = ["make", "--silent", target, f"PYTHON_BASE={sys.executable}"]
    environ = os.environ | {"PYTHON_BASE": sys.executable}
    made = subprocess.run(
        command,
        cwd=checkout,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert made.returncode == 0, made.stdout
    return [line for line in made.stdout.splitlines() if "installing" not in line]
