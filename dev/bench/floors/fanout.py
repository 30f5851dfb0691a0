"""The two floors under fan-out: a bare asyncio server and a C program. What is published is the
packet itself, which is sent on as it is.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import redis

from dev.bench.compiled import c_sender
from dev.bench.message import TENANT, packet, payload
from dev.bench.peers.contender import SOCKET_IO, Kind, Serving, serve

CHANNEL = "bench-floor"


class Floor:
    kind: Kind = "floor"
    path = SOCKET_IO
    connect: str | None = "40/noc,"
    slowness = 1.0

    def __init__(self, redis_url: str, name: str, *, replay: bool = False) -> None:
        """`name` is "asyncio" or "C". With `replay` (C only) a viewer that joins gets all that was
        said before.
        """
        self.name, self._url, self._replay = name, redis_url, replay
        self._redis = redis.Redis.from_url(redis_url)

    def start(self, logs: Path, cores: Iterable[int] | None = None) -> Serving:
        return serve(f"floor-{self.name}", self._command(), logs, cores=cores)

    def _command(self) -> list[str]:
        address = urlsplit(self._url)
        if self.name == "C":
            return [
                str(c_sender()),
                "PORT",
                str(address.port),
                str(address.password or ""),
                CHANNEL,
                *["--replay"] * self._replay,
            ]
        return [sys.executable, "-m", "dev.bench.floors.asyncio_server", "PORT", self._url, CHANNEL]

    def say(self, first: int, count: int, tenant: int = TENANT) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for number in range(first, first + count):
            pipeline.publish(CHANNEL, packet(payload(number, tenant=tenant)))
        pipeline.execute()
