"""`make install` says what npm's registry did not give, once, and asks for it again the next time."""

import subprocess
from pathlib import Path

import pytest

from packing.client import ROOT, WITHOUT_IT

LINE = WITHOUT_IT.format("connect ECONNREFUSED 127.0.0.1:9")
# In place of an installation of minutes: pip, whose --log has what a build backend said, behind the time.
PYTHON = f"""#!/bin/sh
case "$*" in
  *"-m pip install"*) echo installed >> calls; echo "2026-11-23T08:00:00,000   {LINE}" > .venv/.pip.log;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("Makefile", "setup.cfg", "pyproject.toml", "constraints.txt", "packing/package-lock.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON)
    python.chmod(0o755)
    (tmp_path / "realtime" / "dashboard").mkdir(parents=True)
    return tmp_path


def test_without_the_registry_one_line_says_so_each_time(checkout: Path) -> None:
    for time in (1, 2):
        assert [line for line in _make_install(checkout) if "npm's registry" in line] == [LINE]
        assert len((checkout / "calls").read_text().splitlines()) == time


def test_with_the_client_in_place_nothing_is_said_or_done_again(checkout: Path) -> None:
    _make_install(checkout)
    (checkout / "realtime" / "dashboard" / "socket.io.esm.min.js").touch()
    assert _make_install(checkout) == []
    assert len((checkout / "calls").read_text().splitlines()) == 1


def _make_install(checkout: Path) -> list[str]:
    return subprocess.check_output(["make", "--silent", "install"], cwd=checkout, text=True).splitlines()
