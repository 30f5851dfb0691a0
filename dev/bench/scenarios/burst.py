"""A burst: a thousand people caught at once, each an anomaly and an alert. How many publishes and
socket writes that takes.

Every viewer is checked: all messages, in order, each an event of its own with an offset of its own.
"""

import asyncio
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import redis
import socketio

from dev.bench import databases
from dev.bench.broker import HELD, release
from dev.bench.company import Punch, founded, punches
from dev.bench.message import TENANT
from dev.bench.peers.ours import CHANNEL, SECRET_OF_METRICS, Ours, environment, token
from dev.bench.scenarios.pipeline import company_database
from dev.bench.stage import Stage
from dev.bench.targets import PUBLISHES, WRITES, burst_case
from dev.bench.viewers import Lost
from dev.bench.workers import OURS, Workers
from models.emitter import tenant_channel

VIEWERS = 10
PATIENCE = 120.0
NAMESPACE = "/noc"
_WRITES = re.compile(r"^rollcall_socket_writes_total (\S+)$", re.MULTILINE)


class Heard(NamedTuple):
    position: int
    offset: str


def run(stage: Stage) -> None:
    stage.redis().flushdb()
    with company_database(stage, founded(stage.size.burst)) as (template, company):
        for _ in range(stage.size.rounds):
            given = list(punches(company, 1.0))
            with databases.copied(stage.postgres_url, template) as database:
                _measure(stage, database, given)


def _measure(stage: Stage, database: str, given: list[Punch]) -> None:
    with (
        Ours(stage, database).start(stage.logs, stage.server_cores) as serving,
        Workers(stage, OURS, environment(database, stage.redis_url)) as workers,
        _counted(stage.redis()) as documents,
    ):
        workers.app.send_task("attendance.submit_batch", kwargs={"punches": given}, queue=HELD)
        before = _writes(serving.port)
        start = time.monotonic()
        asyncio.run(_watch(serving.port, 2 * len(given), lambda: release(stage.redis())))
        took = time.monotonic() - start
        figures = {
            PUBLISHES: len(documents),
            WRITES: (_writes(serving.port) - before) / VIEWERS,
            "s until all viewers have all": took,
        }
    for metric, value in figures.items():
        stage.figures.add("burst", burst_case(len(given)), metric, "rollcall", "ours", value)


async def _watch(port: int, messages: int, begin: Callable[[], None]) -> None:
    """Raises Lost unless every viewer hears them all, in order."""
    watchers = [_Watcher(messages) for _ in range(VIEWERS)]
    for watcher in watchers:
        await watcher.connect(port)
    await asyncio.to_thread(begin)
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(watcher.done.wait() for watcher in watchers))
    for watcher in watchers:
        await watcher.client.disconnect()
    if not all(watcher.heard_all() for watcher in watchers):
        raise Lost(
            f"of {messages} messages viewers heard {[len(each.heard) for each in watchers]}, or not in order, or not each by itself"
        )


class _Watcher:
    def __init__(self, messages: int) -> None:
        self.client = socketio.AsyncClient()
        self.heard: list[Heard] = []
        self.done = asyncio.Event()
        self._messages = messages

    async def connect(self, port: int) -> None:
        self.client.on("*", self._note, namespace=NAMESPACE)
        await self.client.connect(
            f"http://127.0.0.1:{port}",
            auth={"token": token()},
            namespaces=[NAMESPACE],
            transports=["websocket"],
        )

    def heard_all(self) -> bool:
        in_order = [each.position for each in self.heard] == list(range(1, self._messages + 1))
        return in_order and len({each.offset for each in self.heard}) == self._messages

    def _note(self, event: str, payload: dict[str, Any], offset: str) -> None:
        if event != "snapshot":
            self.heard.append(Heard(payload["position"], offset))
        if len(self.heard) == self._messages:
            self.done.set()


@contextmanager
def _counted(client: redis.Redis) -> Iterator[list[bytes]]:
    """What is published for the tenant's viewers, meanwhile."""
    found: list[bytes] = []
    with client.pubsub(ignore_subscribe_messages=True) as listening:
        listening.subscribe(
            **{tenant_channel(CHANNEL, TENANT): lambda document: found.append(document["data"])}
        )
        thread = listening.run_in_thread(sleep_time=0.05)
        try:
            yield found
        finally:
            thread.stop()
            thread.join()


def _writes(port: int) -> float:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {SECRET_OF_METRICS}"}
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        found = _WRITES.search(answer.read().decode())
    assert found is not None
    return float(found[1])
