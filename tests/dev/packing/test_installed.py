"""All of the published wheel runs, installed as docs/operating.md says, without extras and away
from the checkout.
"""

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from playwright.async_api import Page, async_playwright, expect

from dev.run.parts import ROOT, procfile
from realtime.http.console import CLIENT
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.conftest import empty_queues, outside_url
from tests.databases import new_database
from tests.dev.packing.builds import Built
from tests.dev.packing.installation import Installation, System, running
from tests.end_to_end.waiting import wait_until

pytestmark = pytest.mark.package

# The packages that make an environment, and our own.
TOOLS = {"pip", "setuptools", "wheel", "rollcall"}


@pytest.fixture(scope="module")
def installation(published: Built, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("installed"), published)


@pytest.fixture(scope="module", params=["redis", "amqp"])
def system(
    request: pytest.FixtureRequest,
    installation: Installation,
    postgres_admin_url: str,
    redis_server_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[System]:
    broker_url = redis_server_url if request.param == "redis" else _rabbitmq()
    with redis.Redis.from_url(redis_server_url) as client:
        client.flushdb()
    logs = tmp_path_factory.mktemp("logs")
    with (
        new_database(postgres_admin_url, "TEMPLATE template0") as postgres_url,
        running(installation, postgres_url, redis_server_url, broker_url, logs) as system,
    ):
        yield system.wait_until_ready()


def _rabbitmq() -> str:
    """The URL of the outside RabbitMQ, with empty queues; a developer's machine may have none."""
    url = outside_url("TEST_BROKER_URL")
    if url is None and os.environ.get("CI"):
        pytest.fail("TEST_BROKER_URL names no RabbitMQ")
    if url is None:
        pytest.skip("TEST_BROKER_URL names no RabbitMQ")
    empty_queues(url)
    return url


def test_nothing_is_missing_and_each_version_is_a_tested_one(installation: Installation) -> None:
    assert "No broken requirements found." in installation.run("pip", "check")
    installed = {
        package["name"].lower(): package["version"]
        for package in json.loads(installation.run("pip", "list", "--format=json"))
    }
    tested = dict(
        line.lower().split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    )
    assert {
        name: version
        for name, version in installed.items()
        if name not in TOOLS and tested.get(name) != version
    } == {}


def test_it_is_the_wheel_that_runs(installation: Installation) -> None:
    names = ("models", "worker", "realtime")
    code = f"import {', '.join(names)}; print({', '.join(f'{name}.__file__' for name in names)})"
    files = installation.run("python", "-c", code)
    assert all("site-packages" in name and str(ROOT) not in name for name in files.split())


def test_the_command_is_there_and_finds_all_well(system: System) -> None:
    assert system.installation.run("rollcall", "--version").startswith(
        "rollcall 0.1.0, schema revision "
    )
    printed = system.installation.run("rollcall", "check", **system.settings)
    assert [line.split()[:2] for line in printed.splitlines()] == [
        ["ok", name] for name in ("settings", "postgres", "redis", "broker")
    ]


def test_every_line_of_the_procfile_runs(system: System) -> None:
    assert set(procfile()) == {"release", "web", "worker", "beat", "flower"}
    assert system.released == 0
    flower = f"http://127.0.0.1:{system.settings['FLOWER_PORT']}"
    wait_until(lambda: system.get(f"{flower}/api/workers?refresh=1"), "Flower sees the worker")
    # Beat sent them, the worker did them, Flower saw it.
    wait_until(lambda: "sweep" in str(system.get(f"{flower}/api/tasks")), "a sweep was done")


async def test_a_punch_submitted_as_the_readme_says_is_an_anomaly_over_http_and_on_the_page(
    system: System,
) -> None:
    example = (ROOT / "README.md").read_text().partition("```python\n")[2].partition("```")[0]
    system.installation.run("python", "-c", example, **system.settings)
    token = system.token("--role", "operator")
    anomalies = wait_until(lambda: _anomalies(system, token), "an anomaly is found")
    assert [(anomaly["anomaly_type"], anomaly["site_name"]) for anomaly in anomalies] == [
        ("UNAUTHORIZED_SITE", "Depot")
    ]
    answers: dict[str, int] = {}
    async with _a_page() as page:
        page.on(
            "response", lambda answer: answers.update({urlsplit(answer.url).path: answer.status})
        )
        await page.goto(f"{system.url}/#token={token}")
        await page.wait_for_selector("#state[data-state=live]")
        await expect(page.locator(".row")).to_have_count(1)
        await expect(page.locator(".row")).to_contain_text("Depot")
    assert {path: status for path, status in answers.items() if status >= 400} == {}
    assert {"/", "/dashboard/app.js", "/dashboard/style.css", f"/dashboard/{CLIENT}"} <= set(
        answers
    )


async def test_without_the_client_the_page_says_so_and_all_else_is_served(
    system: System, without_registry: Built, tmp_path: Path
) -> None:
    system.installation.run(
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(tmp_path / "incomplete"),
        str(without_registry.wheel),
    )
    with system.another_server(PYTHONPATH=str(tmp_path / "incomplete")) as server:
        async with _a_page() as page:
            answer = await page.goto(server.url)
            assert answer is not None
            assert answer.status == 503
            await expect(page.get_by_role("alert")).to_contain_text(
                "lacks the dashboard's Socket.IO client"
            )
        assert server.logged("dashboard_incomplete")
        assert system.get(f"{server.url}/api/v1/anomalies", system.token("--role", "operator"))


def _anomalies(system: System, token: str) -> list[dict[str, Any]]:
    return list((system.get(f"{system.url}/api/v1/anomalies", token) or {"items": []})["items"])


@asynccontextmanager
async def _a_page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield await browser.new_page()
        await browser.close()
