"""Whatever keeps `.venv` from being made is told in one line, with status 2."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dev.install import failures
from dev.install.__main__ import main
from dev.run.parts import ROOT
from tests.dev.mounts import on_read_only, on_tmpfs


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files of a checkout that the set-up reads."""
    folder = tmp_path / "Wäch ter"
    folder.mkdir()
    return _filled(folder)


def _filled(folder: Path) -> Path:
    for name in ("Makefile", "setup.cfg", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("install", "packing"):
        shutil.copytree(ROOT / "dev" / name, folder / "dev" / name)
    return folder


def _make_install(folder: Path, command: list[str], **environ: str) -> str:
    """Run the command, which must fail with status 2 and one line; return that."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    made = subprocess.run(command, cwd=folder, env=clean | environ, capture_output=True, text=True)
    assert made.returncode == 2, made.stdout
    lines = [line for line in made.stderr.splitlines() if not line.startswith("make: ***")]
    assert len(lines) == 1, made.stderr
    return lines[0]


def _python(folder: Path, name: str, script: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("version", ["2.7", "3.10", "3.14"])
def test_a_python_that_is_not_promised_is_named_with_its_version(
    checkout: Path, version: str
) -> None:
    python = _python(checkout, "python", f"echo {version}")
    line = _make_install(checkout, ["make", "install", f"PYTHON_BASE={python}"])
    assert line.startswith("rollcall: needs Python 3.11, 3.12 or 3.13, and found ")
    assert f"{python}, which is {version}" in line


def test_the_first_python_that_is_promised_is_taken(tmp_path: Path) -> None:
    _python(tmp_path, "python3", "echo 3.14")
    _python(tmp_path, "python3.13", "exit 127")  # as pyenv has it where none is chosen
    _python(tmp_path, "python3.12", "echo 3.12")
    find = ["/bin/sh", str(ROOT / "dev" / "install" / "find_python.sh")]
    assert subprocess.check_output(find, env={"PATH": str(tmp_path)}, text=True) == "python3.12\n"


def test_a_python_without_venv_is_said_to_lack_it(checkout: Path) -> None:
    (checkout / "lacking").mkdir()
    (checkout / "lacking" / "venv.py").write_text(
        "raise ModuleNotFoundError('No module named venv')"
    )
    line = _make_install(
        checkout,
        ["make", "install"],
        PYTHON_BASE=sys.executable,
        PYTHONPATH=str(checkout / "lacking"),
    )
    assert "lacks venv or ensurepip" in line
    assert "apt-get install python3." in line


def test_a_folder_that_cannot_be_written_to_is_named(checkout: Path) -> None:
    line = _make_install(
        checkout, on_read_only(checkout, ["make", "install"]), PYTHON_BASE=sys.executable
    )
    assert f"may not write to {checkout}" in line


def test_a_full_disk_is_named(tmp_path: Path, checkout: Path) -> None:
    on_it = [
        "sh",
        "-c",
        f"cp -r '{checkout}/.' '{tmp_path}/disk' && cd '{tmp_path}/disk' && exec make install",
    ]
    (tmp_path / "disk").mkdir()
    line = _make_install(
        tmp_path, on_tmpfs(tmp_path / "disk", "size=9m", on_it), PYTHON_BASE=sys.executable
    )
    assert line.startswith(f"rollcall: no space left on the disk of {tmp_path}/disk: .venv takes")


def test_a_folder_in_which_no_program_of_pips_starts_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "$HOME"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert main("run") == 2
    assert str(folder) in capsys.readouterr().err
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (
            "ERROR: Could not install packages due to an OSError: "
            f"[Errno 28] {os.strerror(errno.ENOSPC)}\n",
            "no space left on the disk of",
        ),
        (
            "WARNING: x\nERROR: Could not find a version\n"
            "ERROR: No matching distribution found for aiohttp\n\n",
            "No matching distribution found for aiohttp",
        ),
        ("Traceback\n  File\nValueError: odd\n", "ValueError: odd"),
        ("", "it failed without a word"),
    ],
)
def test_of_many_lines_one_is_made(output: str, line: str) -> None:
    assert failures.reason(output).startswith(line)
    assert "\n" not in failures.reason(output)
