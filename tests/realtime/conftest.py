"""Servers and viewers of a test, gone when it ends."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any

import pytest
import uvloop

from dev.embedded.ports import free_port
from models.settings import Settings
from tests.realtime.cast import (
    ACME,
    GLOBEX,
    Connect,
    Feed,
    RunningServer,
    Watcher,
    settings_of,
    token,
)
from tests.realtime.node import NodeViewer, install


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], uvloop.Loop]]:
    """The loop that servers run on: its transports are stricter than asyncio's."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def plain() -> dict[str, str]:
    """Settings as the environment gives them, of servers that nobody asks."""
    return {"DATABASE_URL": "postgresql://nowhere/", "REDIS_URL": "redis://nowhere/"}


@pytest.fixture
def settings(settings_env: dict[str, str]) -> Settings:
    return settings_of(settings_env)


@pytest.fixture
def feed(settings: Settings) -> Iterator[Feed]:
    """The feed of two tenants that have said nothing yet."""
    feed = Feed(settings)
    feed.open(ACME)
    feed.open(GLOBEX)
    yield feed
    feed.close()


@pytest.fixture
async def start_server(
    settings_env: dict[str, str],
) -> AsyncIterator[Callable[..., Awaitable[RunningServer]]]:
    """Starts another server, its settings changed by name."""
    servers: list[RunningServer] = []

    async def start(**changes: str) -> RunningServer:
        server = RunningServer(settings_of(settings_env, **{"PORT": str(free_port())} | changes))
        await server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.stop()


@pytest.fixture
async def server(
    feed: Feed, start_server: Callable[..., Awaitable[RunningServer]]
) -> RunningServer:
    return await start_server()


@pytest.fixture
async def connect(settings: Settings, request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    """Connects a viewer: of every site of acme, unless `tenant`, `sites` and the like say
    otherwise.
    """
    watchers: list[Watcher] = []

    async def to(
        server: RunningServer, *, claims: dict[str, Any] | None = None, **auth: Any
    ) -> Watcher:
        watcher = Watcher()
        watchers.append(watcher)
        return await watcher.connect(server, **{"token": token(settings, **claims or {})} | auth)

    yield to
    for watcher in watchers:
        await watcher.close()


@pytest.fixture(scope="session")
def installed() -> None:
    install()


@pytest.fixture
async def start_node(
    installed: None, settings: Settings
) -> AsyncIterator[Callable[..., Awaitable[NodeViewer]]]:
    """Starts a stock viewer at an address: of every site of acme, unless `claims` say otherwise."""
    viewers: list[NodeViewer] = []

    async def start(
        url: str,
        *,
        claims: dict[str, Any] | None = None,
        auth: dict[str, Any] | None = None,
        **options: Any,
    ) -> NodeViewer:
        viewer = NodeViewer()
        viewers.append(viewer)
        return await viewer.start(
            url, {"token": token(settings, **claims or {})} | (auth or {}), **options
        )

    yield start
    for viewer in viewers:
        await viewer.close()
