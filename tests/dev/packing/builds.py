"""Builds the package as others do: from a fresh clone, on a machine without Node.js."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

from dev.packing.client import ROOT

# Nobody listens there.
CLOSED = "http://127.0.0.1:9"


class Built(NamedTuple):
    """The folder that a build made, and all that it printed."""

    folder: Path
    output: str

    @property
    def wheel(self) -> Path:
        return next(self.folder.glob("*.whl"))


def clone(folder: Path) -> Path:
    """Copy what git would commit of this working tree: no product of a build, no client."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(command, cwd=ROOT, text=True).split("\0"):
        if name and (ROOT / name).is_file():
            copy = folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((ROOT / name).read_bytes())
    return folder


def build(source: Path, folder: Path, *what: str, registry: str | None = None) -> Built:
    """Run `python -m WHAT` in `source`, for `folder`. npm's cache is empty, and nothing but Python
    is on PATH.
    """
    nowhere = folder.parent / "nowhere"
    nowhere.mkdir(exist_ok=True)
    environ = os.environ | {
        "PATH": str(nowhere),
        "npm_config_cache": str(folder.parent / "npm-cache"),
    }
    if registry:
        environ["npm_config_registry"] = registry
    command = [sys.executable, "-m", *what, "--outdir", str(folder)]
    done = subprocess.run(
        command,
        cwd=source,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return Built(folder, done.stdout)


def product_files() -> set[str]:
    """The files of this working tree that belong into a wheel, as git lists them."""
    command = [
        "git",
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "models",
        "worker",
        "realtime",
    ]
    return {
        name
        for name in subprocess.check_output(command, cwd=ROOT, text=True).splitlines()
        if (ROOT / name).is_file()
    }


def packed(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}
