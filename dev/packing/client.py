"""Fetches the dashboard's Socket.IO client from npm's registry, as package-lock.json names it. It
is never committed.

npm checks what it fetches against the lock. A stamp beside the lock then says what was fetched, so
that the next build, or one from the sdist, fetches nothing as long as the stamp names the package
of the lock and the files are still the same.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from dev.packing import node

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "socket.io-client"
# Where the files are in npm's package, and what they are called in realtime/console.
FILES = {"dist/socket.io.esm.min.js": "socket.io.esm.min.js", "LICENSE": "socket.io.LICENSE"}
NPM_SECONDS = 180
# npm by itself goes on for ten minutes with a registry that does not answer.
FETCH_LIMITS = (
    "--fetch-retries=2",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=5000",
    "--fetch-timeout=30000",
)
LACKING = "rollcall: the dashboard's client could not be fetched"
WITHOUT_IT = (
    LACKING
    + " from npm's registry ({}): everything else works; install again when it can be reached"
)


class NotFetched(Exception):
    """Why the client could not be fetched."""


class Client:
    """The client's files below `root`, a checkout or an unpacked sdist."""

    def __init__(self, root: Path = ROOT) -> None:
        self.folder = root / "realtime" / "console"
        self._locked = root / "dev" / "packing"
        self._stamp = self._locked / "client.stamp"

    def is_there(self) -> bool:
        """Whether the files are those that npm brought and checked for the lock as it is now."""
        try:
            return bool(json.loads(self._stamp.read_text()) == self._description())
        except (OSError, ValueError):
            return False

    def fetch(self) -> None:
        """Fetch the files. Raises NotFetched with npm's reason; then there are no files at all,
        rather than some that nobody checked.
        """
        self._remove()
        with tempfile.TemporaryDirectory(prefix="rollcall-client-") as name:
            work = Path(name)
            for document in ("package.json", "package-lock.json"):
                shutil.copy(self._locked / document, work)
            _install(work)
            for source, name_here in FILES.items():
                shutil.copyfile(work / "node_modules" / PACKAGE / source, self.folder / name_here)
        self._stamp.write_text(json.dumps(self._description(), indent=2) + "\n")

    def _description(self) -> dict[str, str]:
        lock = json.loads((self._locked / "package-lock.json").read_text())
        digests = {
            name: hashlib.sha256((self.folder / name).read_bytes()).hexdigest()
            for name in FILES.values()
        }
        return {PACKAGE: lock["packages"][f"node_modules/{PACKAGE}"]["integrity"]} | digests

    def _remove(self) -> None:
        for path in (self._stamp, *(self.folder / name for name in FILES.values())):
            path.unlink(missing_ok=True)


def fetch_if_missing(root: Path = ROOT) -> None:
    """Fetch the client unless it is there. Where it cannot be fetched, print one line and go on."""
    client = Client(root)
    if client.is_there():
        return
    try:
        client.fetch()
    except NotFetched as reason:
        print(WITHOUT_IT.format(reason), file=sys.stderr, flush=True)


def _install(work: Path) -> None:
    """Install what the lock in this folder names into its node_modules. Raises NotFetched."""
    npm = node.find()
    if npm is None:
        raise NotFetched("there is no Node.js to run npm with")
    command = [
        *npm.command,
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        *FETCH_LIMITS,
    ]
    try:
        subprocess.run(
            command,
            cwd=work,
            env=os.environ | {"PATH": npm.path},
            check=True,
            capture_output=True,
            text=True,
            timeout=NPM_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise NotFetched(f"npm was not done after {NPM_SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        raise NotFetched(_reason(error.stderr)) from None
    except OSError as error:
        raise NotFetched(str(error)) from None


def _reason(output: str) -> str:
    """The line of npm's output that says most, without addresses, which may have passwords."""
    lines = [
        line.removeprefix("npm error ").removeprefix("npm ERR! ")
        for line in output.splitlines()
        if line.strip()
    ]
    for line in lines:
        _, failed, why = line.partition(" failed, reason: ")
        if failed and why:
            return why
        if line.startswith("Integrity checksum failed"):
            return "what came is not what package-lock.json names"
    return lines[0] if lines else "npm failed without a word"
