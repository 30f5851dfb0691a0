"""A burst: how many publishes and socket writes it takes when a thousand people are caught at once,
each with an anomaly and an alert.

Every viewer must hear all messages, in order, each an event of its own with an offset of its own.
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
from dev.bench.broker import PREPARED_QUEUE, release
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
ALL_HEARD_SECONDS = 120.0
NAMESPACE = "/noc"
_WRITES = re.compile(r"^rollcall_socket_writes_total (\S+)$", re.MULTILINE)


class Heard(NamedTuple):
    position: int
    offset: str


def run(stage: Stage) -> None:
    stage.redis().flushdb()
    with company_database(stage, founded(stage.size.burst)) as (template, company):
        for _ in range(stage.size.rounds):
            dishonest = list(punches(company, 1.0))
            with databases.copied(stage.postgres_url, template) as database:
                _measure(stage, database, dishonest)


def _measure(stage: Stage, database: str, dishonest: list[Punch]) -> None:
    with (
        Ours(stage, database).start(stage.logs, stage.server_cores) as serving,
        Workers(stage, OURS, environment(database, stage.redis_url)) as workers,
        _published(stage.redis()) as documents,
    ):
        workers.app.send_task(
            "attendance.submit_batch", kwargs={"punches": dishonest}, queue=PREPARED_QUEUE
        )
        before = _writes(serving.port)
        start = time.monotonic()
        asyncio.run(_watch(serving.port, 2 * len(dishonest), lambda: release(stage.redis())))
        seconds = time.monotonic() - start
        figures = {
            PUBLISHES: len(documents),
            WRITES: (_writes(serving.port) - before) / VIEWERS,
            "s until all viewers have all": seconds,
        }
    for metric, value in figures.items():
        stage.figures.add("burst", burst_case(len(dishonest)), metric, "rollcall", "ours", value)


async def _watch(port: int, messages: int, begin: Callable[[], None]) -> None:
    """Connect viewers, call `begin`, and wait for so many messages. Raises Lost unless every viewer
    hears them all, in order.
    """
    watchers = [_Watcher(messages) for _ in range(VIEWERS)]
    for watcher in watchers:
        await watcher.connect(port)
    await asyncio.to_thread(begin)
    with suppress(TimeoutError):
        async with asyncio.timeout(ALL_HEARD_SECONDS):
            await asyncio.gather(*(watcher.done.wait() for watcher in watchers))
    for watcher in watchers:
        await watcher.client.disconnect()
    if not all(watcher.heard_all() for watcher in watchers):
        counts = [len(watcher.heard) for watcher in watchers]
        raise Lost(
            f"of {messages} messages viewers heard {counts}, or not in order, or not each by itself"
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
        positions = [event.position for event in self.heard]
        offsets = {event.offset for event in self.heard}
        return positions == list(range(1, self._messages + 1)) and len(offsets) == self._messages

    def _note(self, event: str, payload: dict[str, Any], offset: str) -> None:
        if event != "snapshot":
            self.heard.append(Heard(payload["position"], offset))
        if len(self.heard) == self._messages:
            self.done.set()


@contextmanager
def _published(client: redis.Redis) -> Iterator[list[bytes]]:
    """Collect the documents that are published for the tenant's viewers."""
    documents: list[bytes] = []
    channel = tenant_channel(CHANNEL, TENANT)
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe(**{channel: lambda published: documents.append(published["data"])})
        thread = pubsub.run_in_thread(sleep_time=0.05)
        try:
            yield documents
        finally:
            thread.stop()
            thread.join()


def _writes(port: int) -> float:
    """The server's count of socket writes so far."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {SECRET_OF_METRICS}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        count = _WRITES.search(answer.read().decode())
    assert count is not None
    return float(count[1])
