"""The Socket.IO client of the dashboard, out of npm's registry as package-lock.json names it. It is
never committed.

npm checks what it fetches against the lock. What was fetched then is written down in a stamp beside
the lock, so that the
next build, or one from the sdist, fetches nothing: the stamp names the same package, and the files
are still those.
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
SECONDS = 180
# npm by itself goes on for ten minutes with a registry that does not answer.
PATIENCE = (
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
        """Raises NotFetched, with npm's reason. Files that are not known to be the lock's are then
        not there at all.
        """
        self._remove()
        with tempfile.TemporaryDirectory(prefix="rollcall-client-") as name:
            work = Path(name)
            for document in ("package.json", "package-lock.json"):
                shutil.copy(self._locked / document, work)
            _install(work)
            for source, ours in FILES.items():
                shutil.copyfile(work / "node_modules" / PACKAGE / source, self.folder / ours)
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


def make_sure(root: Path = ROOT) -> None:
    """Fetch the client where it is not there. Where it cannot be fetched, one line says so, and all
    else goes on.
    """
    client = Client(root)
    if client.is_there():
        return
    try:
        client.fetch()
    except NotFetched as reason:
        print(WITHOUT_IT.format(reason), file=sys.stderr, flush=True)


def _install(work: Path) -> None:
    """What the lock in this folder names, into its node_modules."""
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
        *PATIENCE,
    ]
    try:
        subprocess.run(
            command,
            cwd=work,
            env=os.environ | {"PATH": npm.path},
            check=True,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise NotFetched(f"npm was not done after {SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        raise NotFetched(_reason(error.stderr)) from None
    except OSError as error:
        raise NotFetched(str(error)) from None


def _reason(said: str) -> str:
    """The line of npm's that says most. Addresses, in which there may be passwords, are left out."""
    lines = [
        line.removeprefix("npm error ").removeprefix("npm ERR! ")
        for line in said.splitlines()
        if line.strip()
    ]
    for line in lines:
        _, failed, why = line.partition(" failed, reason: ")
        if failed and why:
            return why
        if line.startswith("Integrity checksum failed"):
            return "what came is not what package-lock.json names"
    return lines[0] if lines else "npm failed without a word"
