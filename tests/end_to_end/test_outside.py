"""The contract is all that others need: a foreign app submits, and stock clients of the right scope
hear of it.
"""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dev.run.parts import ROOT
from tests.end_to_end.make_run import MakeRun, make_run
from tests.realtime.node import FOLDER, NodeViewer, install

pytestmark = pytest.mark.node
SUBMIT = Path(__file__).parent / "outside" / "submit.py"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeRun]:
    install()
    with make_run(tmp_path_factory.mktemp("outside") / "data") as run:
        yield run.wait_until_ready()


async def test_an_anomaly_reaches_those_who_may_see_it_and_nobody_else(run: MakeRun) -> None:
    async with (
        _viewer(run, "--tenant", "3") as acme,
        _viewer(run, "--tenant", "3", "--sites", "15,16") as acme_16,
        _viewer(run, "--tenant", "3", "--sites", "17") as acme_17,
        _viewer(run, "--tenant", "2") as globex,
    ):
        _outside(run, "roster")
        _outside(run, "3:16")
        anomaly = await acme.until_heard("anomaly_detected")
        assert anomaly["anomaly_type"] == "UNAUTHORIZED_SITE"
        assert (anomaly["tenant_id"], anomaly["site_id"]) == (3, 16)
        assert (anomaly["person_id"], anomaly["punch_id"]) == (7, "outside-16")
        assert anomaly["severity"] == "CRITICAL"
        assert anomaly["site_name"] == "acme 16"
        assert anomaly["timestamp"].endswith("Z")
        assert 0 < anomaly["fraud_score"] <= 1
        assert await acme_16.until_heard("anomaly_detected") == anomaly

        # Each of the others now gets something of its own: nothing else may have come before it.
        _outside(run, "3:17", "2:17")
        first_at_17 = await acme_17.until_heard("anomaly_detected")
        first_of_globex = await globex.until_heard("anomaly_detected")
        assert (first_at_17["tenant_id"], first_at_17["site_id"]) == (3, 17)
        assert (first_of_globex["tenant_id"], first_of_globex["site_id"]) == (2, 17)
        await acme.until_position(first_at_17["position"])
        assert acme.positions() == sorted(set(acme.positions()))
        assert {payload["site_id"] for payload in acme_16.heard("anomaly_detected")} == {16}


async def test_the_same_punch_again_says_nothing(run: MakeRun) -> None:
    async with _viewer(run, "--tenant", "2") as globex:
        _outside(run, "roster", "2:18")
        before = await globex.until_heard("anomaly_detected")
        _outside(run, "2:18", "2:18", "2:19")
        after = await globex.until_heard("anomaly_detected", 2)
        assert (before["site_id"], after["site_id"]) == (18, 19)
        # Between them stands only the alert that the first one opened.
        assert after["position"] == before["position"] + 2


def test_the_examples_of_the_readme_run_as_they_are_printed(run: MakeRun) -> None:
    submitting, listening = (_example(language) for language in ("python", "js"))
    environ = _environ(run) | {"TOKEN": _token(run, "--tenant", "1")}
    listener = ["node", "--input-type=module", "--eval", listening.replace(":8000", f":{run.port}")]
    with subprocess.Popen(
        listener, cwd=FOLDER, env=environ, stdout=subprocess.PIPE, text=True
    ) as viewer:
        try:
            assert viewer.stdout is not None
            assert viewer.stdout.readline() == "connected\n"
            assert viewer.stdout.readline().startswith("at ")
            subprocess.run(
                [sys.executable, "-I", "-c", submitting], cwd="/", env=environ, check=True
            )
            assert viewer.stdout.readline().startswith(
                "CRITICAL UNAUTHORIZED_SITE Checked in at Depot "
            )
        finally:
            viewer.kill()


def _example(language: str) -> str:
    return (ROOT / "README.md").read_text().partition(f"```{language}\n")[2].partition("```")[0]


@asynccontextmanager
async def _viewer(run: MakeRun, *claims: str) -> AsyncIterator[NodeViewer]:
    viewer = await NodeViewer().start(
        f"http://127.0.0.1:{run.port}", {"token": _token(run, *claims)}
    )
    try:
        await viewer.until_heard("snapshot")
        yield viewer
    finally:
        await viewer.close()


def _token(run: MakeRun, *claims: str) -> str:
    command = [sys.executable, "-m", "realtime", "token", *claims]
    return subprocess.check_output(command, cwd=ROOT, env=_environ(run), text=True).strip()


def _outside(run: MakeRun, *arguments: str) -> None:
    """Run the app somewhere else, isolated from this checkout."""
    subprocess.run(
        [sys.executable, "-I", str(SUBMIT), *arguments], cwd="/", env=_environ(run), check=True
    )


def _environ(run: MakeRun) -> dict[str, str]:
    return run.settings() | {"PATH": os.environ["PATH"]}
