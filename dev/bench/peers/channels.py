"""Django Channels with channels_redis, under uvicorn and under daphne."""

import sys
from collections.abc import Iterable
from pathlib import Path

from asgiref.sync import async_to_sync
from channels_redis.core import RedisChannelLayer

from dev.bench.message import TENANT, payload, room
from dev.bench.peers.contender import Kind, Serving, serve

APPLICATION = "dev.bench.peers.channels_app:application"
UVICORN = [
    "-m",
    "uvicorn",
    "--port",
    "PORT",
    "--no-access-log",
    "--log-level",
    "warning",
    "--backlog",
    "4096",
    APPLICATION,
]
DAPHNE = ["-m", "daphne", "-p", "PORT", "-v", "0", APPLICATION]


class Channels:
    kind: Kind = "peer"
    path = "/noc"
    connect: str | None = None
    slowness = 40.0

    def __init__(self, redis_url: str, server: str) -> None:
        self.name = f"channels/{server}"
        self._url, self._command = redis_url, {"uvicorn": UVICORN, "daphne": DAPHNE}[server]

    def start(self, logs: Path, cores: Iterable[int] | None = None) -> Serving:
        name = self.name.replace("/", "-")
        return serve(
            name, [sys.executable, *self._command], logs, cores=cores, env={"REDIS_URL": self._url}
        )

    def say(self, first: int, count: int, tenant: int = TENANT) -> None:
        async_to_sync(self._say)(first, count, tenant)

    async def _say(self, first: int, count: int, tenant: int) -> None:
        layer = RedisChannelLayer(hosts=[self._url], capacity=1_000_000)
        for number in range(first, first + count):
            await layer.group_send(
                room(tenant), {"type": "noc.message", "text": payload(number, tenant=tenant)}
            )
        await layer.close_pools()
