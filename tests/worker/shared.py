"""One running worker for all tests of a module, which do no more than send it messages.

The module imports all fixtures from here. Each of its tests then has that worker's database as if
it were new. No other worker may run in such a module: it would take from the same queues.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
import redis
from celery import Celery
from kombu.connection import Connection

from models.locks import tenant_lock_key
from tests.conftest import QUEUES, empty_queues, environment, outside_url
from tests.databases import new_database
from tests.worker.live import running_worker, until

TENANTS = (1, 2)
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


class SharedWorker(NamedTuple):
    """A running worker. `tables` are those that only tests fill, and no migration."""

    env: dict[str, str]
    log: Path
    tables: list[str]


@pytest.fixture(scope="module")
def shared_worker(
    postgres_admin_url: str,
    template_database: str,
    redis_server_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SharedWorker]:
    folder, channel = tmp_path_factory.mktemp("shared"), f"test-{secrets.token_hex(6)}"
    log = folder / "process.log"
    with (
        _empty_broker(redis_server_url) as broker_url,
        new_database(postgres_admin_url, f"TEMPLATE {template_database}") as database_url,
    ):
        env = environment(database_url, redis_server_url, channel, broker_url, folder)
        tables = _tables_without_rows(database_url)
        with running_worker(env, log):
            yield SharedWorker(env, log, tables)


@contextmanager
def _empty_broker(redis_server_url: str) -> Iterator[str]:
    with redis.Redis.from_url(redis_server_url) as client:
        client.flushdb()
    broker_url = outside_url("TEST_BROKER_URL") or redis_server_url
    empty_queues(broker_url)
    yield broker_url
    empty_queues(broker_url)


def _tables_without_rows(database_url: str) -> list[str]:
    with psycopg.connect(database_url) as connection:
        tables = [name for (name,) in connection.execute(_TABLES).fetchall()]
        return [name for name in tables if not _has_rows(connection, name)]


def _has_rows(connection: psycopg.Connection[Any], table: str) -> bool:
    return connection.execute(f"TABLE {table} LIMIT 1").fetchone() is not None


@pytest.fixture
def postgres_url(shared_worker: SharedWorker) -> Iterator[str]:
    """Give the worker's database, and empty it when the worker has done all that the test sent."""
    database_url = shared_worker.env["DATABASE_URL"]
    broker_url = shared_worker.env["CELERY_BROKER_URL"]
    yield database_url
    with Celery("probe", broker=broker_url, set_as_current=False) as app:
        # Asked once, it may not know yet of a task that it has just been given.
        until(lambda: _is_idle(app) and _is_idle(app))
    _empty(database_url, shared_worker.tables)


def _is_idle(app: Celery) -> bool:
    """Tell whether nothing waits in the queues, and the worker says that it has nothing to do."""
    with Connection(app.conf.broker_url) as connection:
        if any(_waiting(connection, queue) for queue in QUEUES):
            return False
    return not any(_asked(app, question) for question in ("reserved", "active"))


def _waiting(connection: Connection, queue: str) -> int:
    """Return how many messages wait in the queue. Redis has no empty queues."""
    try:
        with connection.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).message_count)
    except connection.channel_errors:
        return 0


def _asked(app: Celery, question: str) -> list[object]:
    """Return the one worker's answer."""
    replies = app.control.broadcast(question, reply=True, timeout=30, limit=1)
    ((answer,),) = [reply.values() for reply in replies]
    return list(answer)


def _empty(database_url: str, tables: list[str]) -> None:
    """Empty the tables, once whoever judges one of the tenants has ended."""
    with psycopg.connect(database_url) as connection:
        for tenant_id in TENANTS:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [tenant_lock_key(tenant_id)])
        _set_triggers(connection, tables, "DISABLE")  # some refuse to have a table emptied
        connection.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY")
        _set_triggers(connection, tables, "ENABLE")


def _set_triggers(connection: psycopg.Connection[Any], tables: list[str], verb: str) -> None:
    for table in tables:
        connection.execute(f"ALTER TABLE {table} {verb} TRIGGER USER")


@pytest.fixture
def settings_env(shared_worker: SharedWorker, postgres_url: str) -> dict[str, str]:
    return dict(shared_worker.env)


@pytest.fixture
def worker(settings_env: dict[str, str]) -> str:
    """Give the address of the running worker's broker."""
    return settings_env["CELERY_BROKER_URL"]


@pytest.fixture
def log(shared_worker: SharedWorker) -> Iterator[Path]:
    """Give the file of the worker's log, printed where the test fails."""
    yield shared_worker.log
    print(shared_worker.log.read_text(errors="replace"))
