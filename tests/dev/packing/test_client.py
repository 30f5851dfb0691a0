"""The dashboard's client is fetched once, never used unchecked, and missed in one line."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dev.packing import node
from dev.packing.client import FILES, ROOT, fetch_if_missing

NPM = """#!/bin/sh
if [ "$1" = --version ]; then echo {version}; exit 0; fi
echo "$@" >> {calls}
{deed}
"""
FETCHES = """mkdir -p node_modules/socket.io-client/dist
echo client > node_modules/socket.io-client/dist/socket.io.esm.min.js
echo licence > node_modules/socket.io-client/LICENSE"""
FAILS = """echo 'npm error code ECONNREFUSED' >&2
refused='connect ECONNREFUSED 127.0.0.1:9'
echo "npm error FetchError: request to http://127.0.0.1:9/debug failed, reason: $refused" >&2
exit 1"""

MakeNpm = Callable[..., Path]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The folders that hold the lock and the client."""
    shutil.copytree(
        ROOT / "dev" / "packing",
        tmp_path / "dev" / "packing",
        ignore=shutil.ignore_patterns("*.stamp"),
    )
    (tmp_path / "realtime" / "console").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def make_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeNpm:
    """A function that puts a Node.js on PATH whose npm does a `deed`. It returns the file that
    lists npm's calls.
    """

    def make_npm(deed: str = FETCHES, version: str = "11.0.0") -> Path:
        folder, calls = tmp_path / "bin", tmp_path / "calls"
        folder.mkdir(exist_ok=True)
        calls.touch()
        _executable(folder / "npm", NPM.format(version=version, calls=calls, deed=deed))
        _executable(folder / "node", "#!/bin/sh\n")
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.defpath}")
        return calls

    return make_npm


def test_it_is_fetched_once_by_the_lock(checkout: Path, make_npm: MakeNpm) -> None:
    calls = make_npm()
    fetch_if_missing(checkout)
    fetch_if_missing(checkout)
    assert [line.split()[:2] for line in calls.read_text().splitlines()] == [
        ["ci", "--ignore-scripts"]
    ]
    assert _client(checkout) == {
        "socket.io.esm.min.js": "client\n",
        "socket.io.LICENSE": "licence\n",
    }


def test_a_file_that_was_changed_since_is_fetched_again(checkout: Path, make_npm: MakeNpm) -> None:
    make_npm()
    fetch_if_missing(checkout)
    (checkout / "realtime" / "console" / "socket.io.esm.min.js").write_text("another's")
    fetch_if_missing(checkout)
    assert _client(checkout)["socket.io.esm.min.js"] == "client\n"


def test_another_lock_is_fetched_for(checkout: Path, make_npm: MakeNpm) -> None:
    calls = make_npm()
    fetch_if_missing(checkout)
    path = checkout / "dev" / "packing" / "package-lock.json"
    lock = json.loads(path.read_text())
    lock["packages"]["node_modules/socket.io-client"]["integrity"] = "sha512-another"
    path.write_text(json.dumps(lock))
    fetch_if_missing(checkout)
    assert len(calls.read_text().splitlines()) == 2


@pytest.mark.parametrize("left", ["a client that nobody checked", None])
def test_without_the_registry_one_line_says_so_and_nothing_unchecked_is_left(
    checkout: Path, make_npm: MakeNpm, capfd: pytest.CaptureFixture[str], left: str | None
) -> None:
    make_npm(FAILS)
    if left:
        (checkout / "realtime" / "console" / "socket.io.esm.min.js").write_text(left)
    fetch_if_missing(checkout)
    out, err = capfd.readouterr()
    assert out == ""
    assert err == (
        "rollcall: the dashboard's client could not be fetched from npm's registry "
        "(connect ECONNREFUSED 127.0.0.1:9): "
        "everything else works; install again when it can be reached\n"
    )
    assert _client(checkout) == {}


def test_without_node_one_line_says_so(
    checkout: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    fetch_if_missing(checkout)
    assert "(there is no Node.js to run npm with)" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("version", "needed"),
    [("11.0.0", []), ("6.14.18", [node.REQUIREMENT]), ("what", [node.REQUIREMENT])],
)
def test_a_wheel_with_node_is_asked_for_where_the_machines_own_will_not_do(
    make_npm: MakeNpm, version: str, needed: list[str]
) -> None:
    make_npm(version=version)
    assert node.requirements() == needed


def test_the_lock_names_versions_and_digests_but_no_host() -> None:
    lock = json.loads((ROOT / "dev" / "packing" / "package-lock.json").read_text())
    named = json.loads((ROOT / "dev" / "packing" / "package.json").read_text())["dependencies"]
    assert lock["packages"][""]["dependencies"] == named
    locked = {name: package for name, package in lock["packages"].items() if name}
    assert all(
        package["integrity"].startswith("sha512-") and "resolved" not in package
        for package in locked.values()
    )
    assert locked["node_modules/socket.io-client"]["version"] == named["socket.io-client"]


def test_viewers_of_the_tests_run_the_client_that_is_served() -> None:
    served, tested = (
        json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
        for folder in ("dev/packing", "tests/js")
    )
    assert served["node_modules/socket.io-client"] == tested["node_modules/socket.io-client"]


def test_nothing_of_anybody_elses_is_committed() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout of git's")
    committed = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()
    assert not [
        name
        for name in committed
        if Path(name).name in FILES.values() or ".min." in name or "node_modules" in name
    ]


def _executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _client(checkout: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (checkout / "realtime" / "console").iterdir()}
