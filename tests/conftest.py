"""The fixtures of all tests: an empty database, a flushed Redis, a channel, an environment.

The servers are real: each test process has an embedded PostgreSQL and Valkey of its own.
TEST_DATABASE_URL (of a user who may create databases), TEST_REDIS_URL (its database number is
flushed) and TEST_BROKER_URL (its queues are emptied) name servers to use instead. In a parallel run
`{worker}` in the last two stands for the number of the test process.
"""

import contextlib
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from amqp.exceptions import NotFound
from kombu.connection import Connection
from sqlalchemy.engine import make_url

from dev.embedded.ports import free_port
from dev.embedded.postgres import Postgres
from dev.embedded.valkey import Valkey
from models.migrations.upgrade import migrate
from models.settings import Settings
from tests.databases import new_database

QUEUES = ("attendance", "upkeep")
# Folders of tests that start processes of their own.
SYSTEMS = (
    *("abuse", "browser", "chaos", "end_to_end", "properties"),
    *("bench", "embedded", "install", "packing", "run"),
)
TESTS = Path(__file__).parent


def pytest_configure() -> None:
    """Let Python keep what it compiles, which the environment of a container often forbids.

    Else each of the hundreds of processes that tests start would compile all that it imports again,
    which is most of what its start costs.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        sys.dont_write_bytecode = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with what it needs of the machine, and begin with those that take longest."""
    for item in items:
        asked_for = getattr(item, "fixturenames", [])
        if "servers_folder" not in asked_for and not is_system(item):
            item.add_marker("unit")
        if "browser" in asked_for:
            item.add_marker("browser")
        if "start_node" in asked_for:
            item.add_marker("node")
        if "small_disk" in asked_for:
            item.add_marker("mount")
        if "abuse" in item.path.relative_to(TESTS).parts:
            item.add_marker("alone")
    # All test processes would wait for a long test that began last.
    items.sort(key=lambda item: not is_system(item))


def is_system(item: pytest.Item) -> bool:
    """Tell whether a test starts processes of its own, beside the servers."""
    folders = item.path.relative_to(TESTS).parts
    return bool(set(SYSTEMS).intersection(folders) or item.get_closest_marker("process"))


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="rollcall-tests-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_admin_url(servers_folder: Path) -> Iterator[str]:
    """The address of a database from which others are made."""
    if outside := os.environ.get("TEST_DATABASE_URL"):
        yield outside
        return
    server = Postgres(servers_folder / "postgres", secrets.token_hex(16), durable=False)
    server.start()
    yield server.url("postgres")
    server.stop()


def outside_url(name: str) -> str | None:
    """Return the address that a variable of the environment has for this test process."""
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return os.environ.get(name, "").replace("{worker}", number) or None


@pytest.fixture(scope="session")
def redis_server_url(servers_folder: Path) -> Iterator[str]:
    if outside := outside_url("TEST_REDIS_URL"):
        yield outside
        return
    server = Valkey(servers_folder / "valkey", secrets.token_hex(16), durable=False)
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def template_database(postgres_admin_url: str) -> Iterator[str]:
    """The name of a database that is migrated once and cloned for each test."""
    with new_database(postgres_admin_url, "TEMPLATE template0") as url:
        migrate(url)
        yield make_url(url).database or ""


@pytest.fixture
def postgres_url(postgres_admin_url: str, template_database: str) -> Iterator[str]:
    """A fresh, migrated, empty database of this test's own."""
    with new_database(postgres_admin_url, f"TEMPLATE {template_database}") as url:
        yield url


@pytest.fixture
def redis_url(redis_server_url: str) -> str:
    with redis.Redis.from_url(redis_server_url) as client:
        client.flushdb()
    return redis_server_url


@pytest.fixture
def redis_channel() -> str:
    """A channel that no other test hears, as pub/sub knows no database numbers."""
    return f"test-{secrets.token_hex(6)}"


@pytest.fixture
def broker_url(redis_url: str) -> Iterator[str]:
    outside = outside_url("TEST_BROKER_URL")
    if outside is None:
        yield redis_url
        return
    empty_queues(outside)
    yield outside
    empty_queues(outside)


def empty_queues(broker_url: str) -> None:
    """Empty the queues without deleting them.

    A producer that once declared a queue would not do so again, and would send into the void.
    """
    with Connection(broker_url) as connection:
        for queue in QUEUES:
            with contextlib.suppress(NotFound), connection.channel() as channel:
                channel.queue_purge(queue)


@pytest.fixture
def settings_env(
    postgres_url: str,
    redis_url: str,
    redis_channel: str,
    broker_url: str,
    tmp_path: Path,
) -> dict[str, str]:
    """The whole environment of a process of ours on this test's servers."""
    return environment(postgres_url, redis_url, redis_channel, broker_url, tmp_path)


def environment(
    postgres_url: str,
    redis_url: str,
    redis_channel: str,
    broker_url: str,
    folder: Path,
) -> dict[str, str]:
    """Return the environment of a process on these servers, with free ports.

    It has no setting of the machine's.
    """
    own = Settings.model_fields
    inherited = {name: value for name, value in os.environ.items() if name.lower() not in own}
    return inherited | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DATABASE_URL": postgres_url,
        "REDIS_URL": redis_url,
        "REDIS_CHANNEL": redis_channel,
        "CELERY_BROKER_URL": broker_url,
        "JWT_SECRET": secrets.token_hex(32),
        "PORT": str(free_port()),
        "FLOWER_PORT": str(free_port()),
        "DATA_DIR": str(folder / "data"),
    }
