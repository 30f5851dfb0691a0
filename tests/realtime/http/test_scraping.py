"""Metrics are for whoever runs the installation: a stranger reads nothing, and makes the database
do nothing.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import pytest
from sqlalchemy import Executable

from models.migrations.revision import newest_revision
from models.version import rollcall_version
from realtime.http import scraping
from realtime.postgres import Postgres
from tests.realtime.cast import ACME, Connect, Feed, RunningServer, anomaly_said
from tests.realtime.http.conftest import Caller, store_anomaly

TOKEN = "correct-horse-battery-staple-and-more"


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give busy machines time: Postgres is waited for, and what it said stays fresh."""
    monkeypatch.setattr(scraping, "READ_SECONDS", 60.0)
    monkeypatch.setattr(scraping, "FRESH_SECONDS", 60.0)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the servers asked Postgres about reviews."""
    statements: list[str] = []
    fetch = Postgres.fetch

    async def noted(
        self: Postgres, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> Any:
        if "review" in str(statement):
            statements.append(str(statement))
        return await fetch(self, statement, values)

    monkeypatch.setattr(Postgres, "fetch", noted)
    return statements


async def test_a_stranger_on_the_public_port_reads_nothing_and_asks_the_database_nothing(
    start_server: Callable[..., Awaitable[RunningServer]], feed: Feed, asked: list[str]
) -> None:
    without, with_token = await start_server(), await start_server(METRICS_TOKEN=TOKEN)
    async with aiohttp.ClientSession() as session:
        for headers in ({}, {"Authorization": f"Bearer {TOKEN}"}, {"Authorization": "Bearer "}):
            response = await Caller(session, without).get(
                "/metrics", anonymous=True, headers=headers
            )
            assert response.status == 404
        wrong = (
            "",
            "Bearer",
            "Bearer ",
            f"Bearer {TOKEN}x",
            f"Bearer {TOKEN[:-1]}",
            f"Basic {TOKEN}",
            "Bearer \udcff\udcfe",
        )
        for value in wrong:
            response = await Caller(session, with_token).get(
                "/metrics", anonymous=True, headers={"Authorization": value}
            )
            assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")
            assert "rollcall_" not in await response.text()
        # a token of the API opens it no more
        viewer = await Caller(session, with_token).get("/metrics", role="admin")
        assert viewer.status == 401
    assert asked == []


async def test_whoever_brings_the_token_reads_them_at_the_public_port(
    start_server: Callable[..., Awaitable[RunningServer]], feed: Feed
) -> None:
    server = await start_server(METRICS_TOKEN=TOKEN)
    async with aiohttp.ClientSession() as session:
        response = await Caller(session, server).get(
            "/metrics", anonymous=True, headers={"Authorization": f"Bearer {TOKEN}"}
        )
        assert (response.status, response.content_type) == (200, "text/plain")
        assert "rollcall_viewers" in await response.text()


def viewers_in(text: str) -> float:
    (count,) = re.findall(r"^rollcall_viewers (\S+)$", text, re.MULTILINE)
    return float(count)


async def test_their_own_port_has_them_and_nothing_else(
    caller: Caller, server: RunningServer, feed: Feed, connect: Connect
) -> None:
    others = viewers_in(await caller.metrics())  # of servers of this process that are not gone yet
    alice = await connect(server)
    await alice.until("snapshot")
    feed.say(ACME, anomaly_said())
    await alice.until_position(1)
    text = await caller.metrics()
    assert viewers_in(text) == others + 1
    assert (
        f'rollcall_build_info{{revision="{newest_revision()}",version="{rollcall_version()}"}} 1.0'
        in text
    )
    assert 'rollcall_feed_messages_total{tenant_id="1"}' in text
    async with aiohttp.ClientSession() as session:
        for path in ("/", "/readyz", "/api/v1/anomalies", "/socket.io/?EIO=4&transport=polling"):
            async with session.get(server.scraped_url + path) as response:
                assert response.status == 404


async def test_however_often_they_are_scraped_the_database_is_asked_once(
    caller: Caller, feed: Feed, asked: list[str]
) -> None:
    store_anomaly(feed, 1, review="CONFIRMED", reviewed_version=1)
    texts = await asyncio.gather(*(caller.metrics() for _ in range(50)))
    assert all("rollcall_precision{" in text for text in texts)
    assert len(asked) == 1


async def test_while_postgres_does_not_answer_the_rest_is_told(
    start_server: Callable[..., Awaitable[RunningServer]],
) -> None:
    server = await start_server(DATABASE_URL="postgresql://u:p@127.0.0.1:9/none")
    async with aiohttp.ClientSession() as session:
        text = await Caller(session, server).metrics()
    assert "rollcall_viewers" in text
    assert "rollcall_precision" not in text
