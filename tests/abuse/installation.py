"""The installation that is abused: Postgres, Redis, a server, a worker of two processes, and beat.

Each is a process of its own, with the settings that a user has who sets none.
"""

import itertools
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import psycopg
import redis

from models import intake
from models.database import make_engine
from models.migrations.upgrade import migrate
from models.settings import load_settings
from tests.abuse.cast import PEOPLE, roster
from tests.abuse.size import SIZE
from tests.chaos.house import World, on_world
from tests.chaos.stream import Task
from tests.chaos.submitter import Submitter
from tests.conftest import environment
from tests.databases import new_database
from tests.end_to_end.harness import Running, Stage, on_stage
from tests.end_to_end.waiting import wait_until
from tests.realtime.cast import token

POOL_PROCESSES = 2
ANSWER_SECONDS = 30
FIRST_IDLE = 1_000_000

_WAITING = """
SELECT (SELECT count(*) FROM pending WHERE tenant_id = ANY(%(tenants)s))
     + (SELECT count(*) FROM roster_change WHERE tenant_id = ANY(%(tenants)s))
"""


class Answer(NamedTuple):
    """What a request was answered; `content` is the text where it is no JSON."""

    status: int
    content: Any

    @property
    def code(self) -> str | None:
        """The code of the error, if it is told as the contract says."""
        if not isinstance(self.content, dict):
            return None
        error = self.content.get("error")
        return error.get("code") if isinstance(error, dict) else None


class Installation:
    """The processes, what they are sent, and a look at their database. `idle` are tenants that do
    nothing, and have not done anything since `began`.
    """

    def __init__(self, world: World, stage: Stage, database_url: str) -> None:
        self.world, self.stage, self.database_url = world, stage, database_url
        self.server = stage.web()
        self.worker = self._start_worker()
        stage.beat()
        self.submitter = Submitter(stage.environ["CELERY_BROKER_URL"], "classic")
        self._tenants = itertools.count(1)
        self.idle = _found_idle(database_url, SIZE.idle_tenants)
        wait_until(self.server.has_worker, "Postgres, Redis and a worker answer")
        wait_until(lambda: not self.waiting(*self.idle), "the rosters are judged", seconds=300)
        self.began: datetime = self.one("SELECT clock_timestamp()")

    def found(self, people: int = PEOPLE) -> int:
        """Bring the roster of a new tenant; return its id once that is stored and judged."""
        tenant_id = next(self._tenants)
        self.submitter.send(Task("roster.sync", {"roster": roster(tenant_id, people)}))
        wait_until(lambda: self.has(tenant_id), "the roster is stored")
        wait_until(lambda: self.waiting(tenant_id) == 0, "the roster is judged")
        return tenant_id

    def send(self, tasks: list[Task]) -> None:
        for task in tasks:
            self.submitter.send(task)

    def token(self, tenant_id: int, role: str = "viewer", **claims: Any) -> str:
        settings = load_settings(self.stage.environ, tokens=True)
        return token(settings, tenant_id, claims.pop("sites", "all"), role, **claims)

    def ask(self, path: str, bearer: str, body: object = None, server: str = "") -> Answer:
        """Send a request, a POST where there is a body, and return what it was answered."""
        request = urllib.request.Request(
            (server or self.server.url) + path,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
                return Answer(answer.status, _content(answer.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, _content(error.read()))

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(statement, values).fetchall()

    def one(self, statement: str, **values: Any) -> Any:
        return self.rows(statement, **values)[0][0]

    def has(self, tenant_id: int) -> bool:
        return bool(self.rows("SELECT FROM tenant WHERE tenant_id = %(id)s", id=tenant_id))

    def head(self, tenant_id: int) -> int:
        """The position of the last message in the tenant's feed."""
        return int(self.one("SELECT head FROM tenant WHERE tenant_id = %(id)s", id=tenant_id))

    def stored(self, tenant_id: int) -> int:
        """How many punches of the tenant are stored."""
        return int(self.one("SELECT count(*) FROM punch WHERE tenant_id = %(id)s", id=tenant_id))

    def waiting(self, *tenants: int) -> int:
        """How many rows of the tenants wait to be judged."""
        return int(self.one(_WAITING, tenants=list(tenants)))

    def memory(self) -> dict[str, int]:
        """The resident bytes of servers, worker and beat, each with all that it forked."""
        running = [part for part in self.stage.running if part.status is None]
        return {part.name: _resident(part) for part in running}

    def clear(self) -> None:
        """Begin with idle workers again, whatever an abuse that went through has left."""
        self.worker.kill()
        with redis.Redis.from_url(self.world.valkey.url) as client:
            client.flushall()
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute("DELETE FROM pending")
            connection.execute("DELETE FROM roster_change")
            connection.execute("DELETE FROM quiet")
        self.worker = self._start_worker()
        wait_until(self.server.has_worker, "a new worker answers")

    def _start_worker(self) -> Running:
        return self.stage.worker(concurrency=POOL_PROCESSES)


@contextmanager
def on_installation(folder: Path) -> Iterator[Installation]:
    with (
        on_world(folder) as world,
        new_database(world.postgres.url("postgres"), "TEMPLATE template0") as database_url,
    ):
        migrate(database_url)
        redis_url, channel = world.valkey.url, f"abuse-{secrets.token_hex(6)}"
        environ = environment(database_url, redis_url, channel, redis_url, folder)
        with on_stage(environ | {"LOG_LEVEL": "WARNING"}, folder) as stage:
            installation = Installation(world, stage, database_url)
            try:
                yield installation
            finally:
                installation.submitter.close()


def _found_idle(database_url: str, count: int) -> list[int]:
    """Store the rosters of so many tenants, each of one person; return their ids."""
    tenants = list(range(FIRST_IDLE, FIRST_IDLE + count))
    engine = make_engine(database_url)
    for tenant_id in tenants:
        intake.sync_roster(engine, roster(tenant_id, people=1))
    engine.dispose()
    return tenants


def processes_of(part: Running) -> list[psutil.Process]:
    """A process of ours, with whatever it forked."""
    first = psutil.Process(part.process.pid)
    return [first, *first.children(recursive=True)]


def _resident(part: Running) -> int:
    sizes = 0
    for process in processes_of(part):
        try:
            sizes += process.memory_info().rss
        except psutil.NoSuchProcess:  # it has just ended
            continue
    return sizes


def _content(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
