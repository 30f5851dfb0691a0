"""A Postgres whose disk is full goes on reading, and writing over what is there: a server on it is
not ready.
"""

import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import psycopg
import pytest

from dev.embedded.postgres import Postgres
from models.migrations.upgrade import migrate
from models.pulse import NOTE
from tests.realtime.cast import RunningServer
from tests.realtime.http.conftest import Caller
from tests.realtime.http.test_readiness import until


@pytest.fixture
def small_disk(servers_folder: Path) -> Iterator[Path]:
    """A file system of its own, which holds a new cluster and little more."""
    folder = servers_folder / "small"
    folder.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128m,mode=0755", "tmpfs", folder], check=True
    )
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def small_postgres(small_disk: Path) -> Iterator[str]:
    server = Postgres(small_disk / "postgres", "secret", durable=False)
    server.start()
    migrate(server.url())
    yield server.url()
    server.stop()


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    done = subprocess.run(
        ["cp", "/dev/zero", filler],
        env={"LC_ALL": "C", "PATH": os.defpath},
        capture_output=True,
        text=True,
    )
    assert "No space left" in done.stderr
    return filler


async def test_it_is_seen_and_so_is_that_there_is_room_again(
    small_disk: Path, small_postgres: str, start_server: Callable[..., Awaitable[RunningServer]]
) -> None:
    server = await start_server(DATABASE_URL=small_postgres)
    async with aiohttp.ClientSession() as session:
        caller = Caller(session, server)
        await until(caller, set())
        filler = fill(small_disk)
        await until(caller, {"postgres_write"})
        with psycopg.connect(small_postgres) as connection:
            # what a look that only wrote over a row would be content with
            connection.execute(NOTE, ("sweep_left",))
        body = await (await caller.get("/readyz", anonymous=True)).json()
        assert body["failing"] == ["postgres_write", "worker", "tasks", "sweeps"]
        assert "its disk is full (SQLSTATE 53100)" in body["problems"]["postgres_write"]
        filler.unlink()
        await until(caller, set())
