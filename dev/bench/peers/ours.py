"""Rollcall. Messages are appended to the feed and published after the commit, as the worker does
it; the time in them is taken in between.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import psycopg

from dev.bench import databases
from dev.bench.always_so import hold_since_ever
from dev.bench.message import EVENT, SITE, TENANT, payload
from dev.bench.peers.contender import SOCKET_IO, Kind, Serving, serve
from dev.bench.stage import Stage
from models import feed
from models.channel_keys import SigningKeys
from models.database import make_engine
from models.emitter import FeedManager
from models.feed import Message

SECRET = "a secret for benchmarks only, long enough"
SECRET_OF_METRICS = "a-token-for-benchmarks-only-long-enough"
CHANNEL = "bench-rollcall"
VIEW = ("GEOFENCE_VIOLATION", "HIGH", None)


class Ours:
    """Our server. With `together`, what is said at once travels as it does from one judgement, many
    messages in a document; else there is a document for each.
    """

    kind: Kind = "ours"
    path = SOCKET_IO
    slowness = 1.0

    def __init__(self, stage: Stage, database_url: str, *, together: bool = True) -> None:
        self.name = "rollcall" if together else "rollcall, said singly"
        self._redis_url, self._database_url, self._together = (
            stage.redis_url,
            database_url,
            together,
        )
        self._connection: psycopg.Connection | None = None
        self._manager = FeedManager(
            stage.redis_url, CHANNEL, SigningKeys(make_engine(database_url))
        )
        self.connect: str | None = f'40/noc,{{"token":"{token()}"}}'

    @staticmethod
    @contextmanager
    def database(stage: Stage, tenants: int = 2) -> Iterator[str]:
        """Create a migrated database with tenants 1 .. `tenants`; yield its URL."""
        with databases.migrated(stage.postgres_url) as url:
            with psycopg.connect(url) as connection:
                add_tenants(connection, tenants)
            yield url

    def start(self, logs: Path, cores: Iterable[int] | None = None) -> Serving:
        env = environment(self._database_url, self._redis_url)
        return serve("realtime", [sys.executable, "-m", "realtime"], logs, env=env, cores=cores)

    def say(self, first: int, count: int, tenant: int = TENANT) -> None:
        committed = [message(number, 0, tenant) for number in range(first, first + count)]
        epoch, base = self.commit(committed, tenant)
        # The same messages, but for the time in them: servers compare their marks with the feed's.
        messages = [
            message(number, None, tenant)._replace(mark=said.mark)
            for number, said in enumerate(committed, start=first)
        ]
        if self._together:
            self._manager.say(tenant, epoch, base, messages)
        else:
            for index, single in enumerate(messages):
                self._manager.say(tenant, epoch, base + index, [single])

    def commit(self, messages: list[Message], tenant: int = TENANT) -> feed.Appended:
        """Append messages to the tenant's feed, without telling any server."""
        if self._connection is None:
            self._connection = psycopg.connect(self._database_url)
        with self._connection.transaction(), self._connection.cursor() as cursor:
            return feed.append(cursor, tenant, messages)


def message(number: int, said_us: int | None, tenant: int = TENANT) -> Message:
    return Message(EVENT, SITE, *VIEW, payload(number, said_us, tenant))


def environment(database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "REDIS_CHANNEL": CHANNEL,
        "JWT_SECRET": SECRET,
        "METRICS_TOKEN": SECRET_OF_METRICS,
        "LOG_LEVEL": "WARNING",
        "CORS_ORIGINS": "",
        # All viewers are one user's, at one address.
        "CONNECTIONS": "100000",
        "CONNECTIONS_PER_ADDRESS": "100000",
        "CONNECTIONS_PER_USER": "100000",
    }


def token(tenant: int = TENANT) -> str:
    claims = {
        "sub": "bench",
        "exp": datetime.now(UTC) + timedelta(hours=12),
        "tenant_id": tenant,
        "sites": "all",
        "role": "viewer",
    }
    return jwt.encode(claims, SECRET, "HS256")


def add_tenants(connection: psycopg.Connection, count: int) -> None:
    connection.execute(
        """
        INSERT INTO tenant (tenant_id, name, epoch, swept_at)
        SELECT n, 'Company ' || n, 'bench' || n, clock_timestamp()
        FROM generate_series(1, %s) AS n
        """,
        [count],
    )
    hold_since_ever(connection)
