"""Readiness: each thing that keeps a server or the installation from its work is named."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from models import pulse
from models.database import transaction
from models.migrations.revision import newest_revision
from models.version import rollcall_version
from realtime.feed.reader import FeedReader
from realtime.http import readiness
from tests.realtime.cast import ACME, DEADLINE, Connect, Feed, RunningServer, anomaly_said
from tests.realtime.http.conftest import Caller

StartServer = Callable[..., Awaitable[RunningServer]]


async def problems(caller: Caller, path: str = "/readyz?self") -> dict[str, str]:
    """Return what is the matter, by name, but for the worker: none answers in these tests."""
    response = await caller.get(path, anonymous=True)
    body = await response.json()
    assert (body.pop("version"), body.pop("revision")) == (rollcall_version(), newest_revision())
    if response.status == 200:
        assert body == {"status": "ready"}
        return {}
    assert (response.status, body["error"]["code"]) == (503, "unavailable")
    assert body["failing"] == list(body["problems"])
    assert body["error"]["message"] == " ".join(body["problems"].values())
    return {name: said for name, said in body["problems"].items() if name != "worker"}


async def until(caller: Caller, named: set[str], path: str = "/readyz?self") -> None:
    """Wait until just these are named."""
    deadline = time.monotonic() + DEADLINE
    while (failing := set(await problems(caller, path))) != named:
        assert time.monotonic() < deadline, failing
        await asyncio.sleep(0.1)


def note_all(feed: Feed, **ago: str) -> None:
    """Note every pulse as workers do; those named, as long ago as they say."""
    with transaction(feed.engine) as cursor:
        for name in pulse.OLDEST:
            pulse.note(cursor, name)
            cursor.execute(
                "UPDATE pulse SET at = at - %s::interval WHERE name = %s",
                (ago.get(name, "0"), name),
            )


def alter_database(feed: Feed, setting: str) -> None:
    """For connections that are made from now on."""
    ((name,),) = feed.rows("SELECT current_database()")
    feed.run(f'ALTER DATABASE "{name}" SET {setting}', {})


async def test_of_a_fresh_database_a_server_is_ready_and_the_installation_waits_for_its_workers(
    caller: Caller,
) -> None:
    assert await problems(caller) == {}
    body = await (await caller.get("/readyz", anonymous=True)).json()
    assert body["failing"] == ["worker", "tasks", "sweeps"]


async def test_with_everything_noted_nothing_but_a_worker_is_missing(
    caller: Caller, feed: Feed
) -> None:
    note_all(feed)
    assert await problems(caller, "/readyz") == {}


async def test_it_says_which_sweep_stands_still_and_since_when(caller: Caller, feed: Feed) -> None:
    note_all(feed, sweep_moments="300 s", attendance="90 s")
    failing = await problems(caller, "/readyz")
    assert list(failing) == ["tasks", "sweeps"]
    assert "attendance 9" in failing["tasks"]
    assert "sweep_moments 30" in failing["sweeps"] and "sweep_left" not in failing["sweeps"]
    assert await problems(caller) == {}  # for which no server is to blame


async def test_what_does_not_answer_is_named(start_server: StartServer, feed: Feed) -> None:
    nowhere = "redis://127.0.0.1:9/0"
    server = await start_server(
        DATABASE_URL="postgresql://u:p@127.0.0.1:9/none",
        REDIS_URL=nowhere,
        CELERY_BROKER_URL=nowhere,
    )
    async with aiohttp.ClientSession() as session:
        caller = Caller(session, server)
        body = await (await caller.get("/readyz", anonymous=True)).json()
        assert body["failing"] == ["postgres", "redis", "worker"]
        assert list(await problems(caller)) == ["postgres", "redis"]


@pytest.mark.parametrize("path", ["/readyz", "/readyz?self"])
async def test_another_revision_is_named_with_ours(caller: Caller, feed: Feed, path: str) -> None:
    feed.run("UPDATE alembic_version SET version_num = '0001'", {})
    failing = await problems(caller, path)
    assert list(failing) == ["schema"]
    assert "0001" in failing["schema"] and newest_revision() in failing["schema"]


@pytest.mark.parametrize("statement", ["DROP TABLE alembic_version", "DELETE FROM alembic_version"])
async def test_a_database_without_tables_is_not_ready(
    caller: Caller, feed: Feed, statement: str
) -> None:
    feed.run(statement, {})
    assert "has no tables" in (await problems(caller))["schema"]


async def test_a_database_that_only_reads_is_not_ready(
    start_server: StartServer, feed: Feed
) -> None:
    """A standby only reads, and so does a server that was switched over."""
    alter_database(feed, "default_transaction_read_only = on")
    async with aiohttp.ClientSession() as session:
        failing = await problems(Caller(session, await start_server()))
    assert list(failing) == ["postgres_write"]
    assert "read-only" in failing["postgres_write"]


async def test_a_database_that_gets_no_space_is_not_ready(
    start_server: StartServer, feed: Feed
) -> None:
    """Its rows can still be written over, which a full disk allows too, for a while."""
    alter_database(feed, "temp_file_limit = 0")
    async with aiohttp.ClientSession() as session:
        failing = await problems(Caller(session, await start_server()))
    assert list(failing) == ["postgres_write"]
    assert "53400" in failing["postgres_write"]


async def test_a_server_that_cannot_compare_itself_with_the_feed_is_not_ready(
    caller: Caller,
    server: RunningServer,
    feed: Feed,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readiness, "BEHIND_SECONDS", 3.0)
    await (await connect(server)).until("snapshot")
    assert await problems(caller) == {}
    feed.run("ALTER TABLE tenant RENAME TO hidden", {})
    await until(caller, {"feed"})
    feed.run("ALTER TABLE hidden RENAME TO tenant", {})
    await until(caller, set())


async def test_a_server_that_cannot_read_what_it_misses_is_not_ready(
    caller: Caller,
    server: RunningServer,
    feed: Feed,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readiness, "BEHIND_SECONDS", 3.0)
    alice = await connect(server)
    await alice.until("snapshot")
    readable, page = asyncio.Event(), FeedReader.page

    async def late(self: FeedReader, *arguments: Any) -> Any:
        await readable.wait()
        return await page(self, *arguments)

    monkeypatch.setattr(FeedReader, "page", late)
    feed.say(ACME, anomaly_said(), publish=False)
    await until(caller, {"feed"})
    readable.set()
    await alice.until_position(1)
    await until(caller, set())


async def test_however_many_ask_postgres_is_asked_once_a_second(caller: Caller, feed: Feed) -> None:
    feed.run("CREATE TABLE look (at timestamptz)", {})
    feed.run(
        "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO look VALUES (clock_timestamp()); RETURN NEW; END $$",
        {},
    )
    feed.run("CREATE TRIGGER look BEFORE INSERT ON pulse FOR EACH ROW EXECUTE FUNCTION look()", {})
    began = time.monotonic()
    for _ in range(3):
        crowd = (caller.get(f"/readyz{own}", anonymous=True) for own in ("", "?self") * 50)
        await asyncio.gather(*crowd)
    seconds = time.monotonic() - began
    ((looks,),) = feed.rows("SELECT count(*) FROM look")
    assert 1 <= looks <= seconds + 1
