"""The house: Postgres, Redis, two servers, workers and beat as processes of their own, and proxies
in the lines between them.
"""

import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil
import psycopg
import redis
from sqlalchemy.engine import make_url

from dev.embedded.ports import free_port
from dev.embedded.postgres import Postgres
from dev.embedded.valkey import Valkey
from models.migrations.upgrade import migrate
from models.settings import Settings, load_settings
from realtime.tokens import mint
from tests.chaos.proxy import Backstage, Proxy
from tests.chaos.viewers import Scope
from tests.databases import new_database
from tests.end_to_end.harness import Running, Stage, WebServer, on_stage

WORKERS = 2
TOKEN_SECONDS = 86_400


class World:
    """The servers that are not ours. They are durable, as in production: what they said is kept
    must be there after a crash.
    """

    def __init__(self, folder: Path) -> None:
        self.postgres = Postgres(folder / "postgres", secrets.token_hex(16))
        self.valkey = Valkey(folder / "valkey", secrets.token_hex(16))
        self.postgres.start()
        self.valkey.start()

    def crash_postgres(self) -> None:
        """Kill all of its processes at once, as when the machine loses its power."""
        assert self.postgres.process is not None
        server = psutil.Process(self.postgres.process.pid)
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            process.kill()
        self.postgres.kill()
        psutil.wait_procs(processes, 10)

    def empty_valkey(self) -> None:
        self.valkey.kill()
        shutil.rmtree(self.valkey.folder / "appendonlydir")

    def close(self) -> None:
        self.postgres.stop()
        self.valkey.stop()


@contextmanager
def on_world(folder: Path) -> Iterator[World]:
    world = World(folder)
    try:
        yield world
    finally:
        world.close()


class Broker(NamedTuple):
    """The broker that tasks go through: the world's Redis, unless there is a `url`. RabbitMQ has
    two types of queues.
    """

    url: str = ""
    queue_type: str = "classic"

    @property
    def is_rabbitmq(self) -> bool:
        return self.url.startswith(("amqp", "pyamqp"))


class House:
    """All processes of an installation. `front` is a load balancer over both servers: who
    reconnects through it may land on the other. `direct` has a proxy to each server alone.
    """

    def __init__(
        self,
        world: World,
        backstage: Backstage,
        stage: Stage,
        database_url: str,
        broker: Broker,
        faults: str,
        seed: int,
    ) -> None:
        self.world, self.backstage, self.stage = world, backstage, stage
        self.database_url = database_url
        self.to_redis = Proxy(backstage, [world.valkey.port], seed)
        self.to_postgres = Proxy(backstage, [world.postgres.port], seed)
        redis_url = _through(self.to_redis, world.valkey.url)
        # The submitter's connection to the broker is not cut: how it sends again is its own matter,
        # and tested elsewhere.
        self.broker = broker if broker.url else Broker(world.valkey.url)
        stage.environ |= {
            "DATABASE_URL": _through(self.to_postgres, database_url),
            "REDIS_URL": redis_url,
            "CELERY_BROKER_URL": broker.url or redis_url,
            "BROKER_QUEUE_TYPE": broker.queue_type,
        }
        self._worker_environ = {"ROLLCALL_FAULTS": faults}
        self.servers = [stage.web() for _ in range(2)]
        self.workers = [self._worker() for _ in range(WORKERS)]
        stage.beat()
        ports = [urlsplit(server.url).port or 0 for server in self.servers]
        self.front = Proxy(backstage, ports, seed)
        self.direct = [Proxy(backstage, [port], seed) for port in ports]
        self.paused: list[Running] = []

    def url(self, proxy: Proxy) -> str:
        return f"http://127.0.0.1:{proxy.port}"

    def token(self, scope: Scope, role: str = "viewer", sub: str = "chaos") -> str:
        sites = scope.sites if scope.sites == "all" else list(scope.sites)
        claims = {
            "sub": sub,
            "tenant_id": scope.tenant_id,
            "sites": sites,
            "role": role,
            "exp": time.time() + TOKEN_SECONDS,
        }
        return mint(load_settings(self.stage.environ, tokens=True), claims)

    def connect(self) -> psycopg.Connection:
        """Connect to the database, not through a proxy."""
        return psycopg.connect(self.database_url, autocommit=True)

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.world.valkey.url)

    def replace_worker(self, number: int, end: signal.Signals) -> None:
        """End a worker, by SIGKILL to all of it at once or by SIGTERM with time to finish; then
        start another.
        """
        worker = self.workers[number]
        worker.kill() if end == signal.SIGKILL else worker.stop()
        self.workers[number] = self._worker()

    def replace_server(self, number: int, end: signal.Signals) -> None:
        """End a server, by SIGKILL or SIGTERM; then start another on the same port."""
        server = self.servers[number]
        server.kill() if end == signal.SIGKILL else server.stop()
        self.servers[number] = self.stage.web(PORT=str(urlsplit(server.url).port))

    def pause(self, number: int, seconds: float) -> None:
        self.servers[number].signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.servers[number].signal(signal.SIGCONT)

    def ended(self) -> list[str]:
        """A sentence for each process that ended without anybody having ended it."""
        processes: list[Running | WebServer] = [*self.servers, *self.workers]
        return [
            f"{process.name} ended with {process.status}:\n{process.log_end()}"
            for process in processes
            if process.status is not None
        ]

    def close(self) -> None:
        for proxy in (self.to_redis, self.to_postgres, self.front, *self.direct):
            proxy.close()

    def _worker(self) -> Running:
        return self.stage.worker(concurrency=1, **self._worker_environ)


@contextmanager
def open_house(
    world: World,
    backstage: Backstage,
    folder: Path,
    *,
    broker: Broker = Broker(),
    faults: str = "",
    seed: int = 0,
) -> Iterator[House]:
    """Start a house with a database of its own. `faults` is ROLLCALL_FAULTS of its workers."""
    folder.mkdir(parents=True, exist_ok=True)
    with world_redis(world) as client:
        client.flushall()
    with (
        new_database(world.postgres.url("postgres"), "TEMPLATE template0") as database_url,
        on_stage(_environ(folder), folder) as stage,
    ):
        migrate(database_url)
        house = House(world, backstage, stage, database_url, broker, faults, seed)
        try:
            yield house
        finally:
            house.close()


@contextmanager
def world_redis(world: World) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(world.valkey.url) as client:
        yield client


def _environ(folder: Path) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name.lower() not in Settings.model_fields
    }
    return inherited | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "REDIS_CHANNEL": f"chaos-{secrets.token_hex(6)}",
        "JWT_SECRET": secrets.token_hex(32),
        "FLOWER_PORT": str(free_port()),
        "LOG_LEVEL": "WARNING",
        "DATA_DIR": str(folder / "data"),
        "VIEWER_EVENTS_PER_SECOND": "100",
    }


def _through(proxy: Proxy, url: str) -> str:
    return make_url(url).set(port=proxy.port).render_as_string(hide_password=False)
