"""A server, companies that say messages, and pages in a headless Chromium.

The pages are watched for what they must never do: ask another host, violate the policy, fail.
"""

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    async_playwright,
    expect,
)
from sqlalchemy import Engine

from dev.embedded.ports import free_port
from models.database import make_engine
from models.settings import Settings
from tests.browser.company import Company
from tests.browser.server import Server
from tests.databases import new_database

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# What a test expects comes at once, unless the machine is busy with something else.
expect.set_options(timeout=20_000)

_tenants = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests on one event loop: Chromium belongs to the loop on which it was started."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def environ(
    postgres_admin_url: str, template_database: str, redis_server_url: str
) -> Iterator[dict[str, str]]:
    """The settings of the server and the database that all these tests share.

    Starting servers for each test would take longer than the tests; each has tenants of its own.
    """
    settings = Settings.model_fields
    inherited = {name: value for name, value in os.environ.items() if name.lower() not in settings}
    with new_database(postgres_admin_url, f"TEMPLATE {template_database}") as url:
        yield inherited | {
            "DATABASE_URL": url,
            "REDIS_URL": redis_server_url,
            "REDIS_CHANNEL": f"test-{secrets.token_hex(6)}",
            "JWT_SECRET": secrets.token_hex(32),
            "PORT": str(free_port()),
            "LOG_LEVEL": "WARNING",
        }


@pytest.fixture(scope="session")
def shared_server(environ: dict[str, str]) -> Iterator[Server]:
    server = Server(environ)
    yield server
    server.stop()


@pytest.fixture
def server(shared_server: Server) -> Server:
    """The shared server, started again if the test before stopped it."""
    shared_server.start()
    return shared_server


@pytest.fixture
def acme(environ: dict[str, str]) -> Company:
    return Company(environ, next(_tenants))


@pytest.fixture
def globex(environ: dict[str, str]) -> Company:
    return Company(environ, next(_tenants))


@pytest.fixture
def engine(environ: dict[str, str]) -> Iterator[Engine]:
    engine = make_engine(environ["DATABASE_URL"])
    yield engine
    engine.dispose()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests. Each page has a context of its own, without a past."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


class Desk:
    """Opens pages, and notes the hosts that they ask and the complaints in their consoles."""

    def __init__(self, browser: Browser, server: Server, company: Company) -> None:
        self._browser = browser
        self._server = server
        self._company = company
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        self._contexts: list[BrowserContext] = []

    async def blank(self, **options: Any) -> Page:
        """Open an empty page, in a context with these `options` of Playwright's."""
        usual = {"viewport": {"width": 1366, "height": 768}, "timezone_id": "Europe/Berlin"}
        context = await self._browser.new_context(**usual | options)
        self._contexts.append(context)
        page = await context.new_page()
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("websocket", lambda socket: self.hosts.add(urlsplit(socket.url).netloc))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)
        return page

    def token(self, *, tenant_id: int | None = None, **other: Any) -> str:
        return self._server.token(tenant_id or self._company.tenant_id, **other)

    async def open(self, token: str | None = None, **options: Any) -> Page:
        """Open the dashboard, and return once it is live."""
        page = await self.blank(**options)
        await self.enter(page, token)
        return page

    async def enter(self, page: Page, token: str | None = None) -> None:
        await page.goto(f"{self._server.url}/#token={token or self.token()}")
        await page.wait_for_selector("#state[data-state=live]")

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()

    def _heard(self, message: ConsoleMessage) -> None:
        # A test that stops the server makes the browser complain that it cannot be reached. Nothing
        # else may be complained of.
        if message.type in ("error", "warning") and "ERR_CONNECTION_REFUSED" not in message.text:
            self.complaints.append(message.text)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(browser: Browser, server: Server, acme: Company) -> AsyncIterator[Desk]:
    """Pages of acme. Afterwards no other host was asked, nothing violated and nothing failed."""
    desk = Desk(browser, server, acme)
    yield desk
    hosts, complaints = set(desk.hosts), list(desk.complaints)
    await desk.close()
    assert hosts <= {urlsplit(server.url).netloc}
    assert complaints == []
