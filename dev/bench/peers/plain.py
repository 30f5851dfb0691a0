"""Plain python-socketio on aiohttp, said to as by its write-only RedisManager, in a pipeline."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import redis

from dev.bench.message import EVENT, TENANT, payload, room
from dev.bench.peers.contender import SOCKET_IO, Kind, Serving, serve


class Plain:
    name = "python-socketio"
    kind: Kind = "peer"
    path = SOCKET_IO
    connect: str | None = "40/noc,"
    slowness = 8.0

    def __init__(self, redis_url: str) -> None:
        self._url, self._channel, self._redis = (
            redis_url,
            "bench-plain",
            redis.Redis.from_url(redis_url),
        )

    def start(self, logs: Path, cores: Iterable[int] | None = None) -> Serving:
        command = [
            sys.executable,
            "-m",
            "dev.bench.peers.plain_server",
            "PORT",
            self._url,
            self._channel,
        ]
        return serve(self.name, command, logs, cores=cores)

    def say(self, first: int, count: int, tenant: int = TENANT) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for number in range(first, first + count):
            pipeline.publish(self._channel, _emit(payload(number, tenant=tenant), room(tenant)))
        pipeline.execute()


def _emit(text: str, room_name: str) -> str:
    return json.dumps(
        {
            "method": "emit",
            "event": EVENT,
            "data": [json.loads(text)],
            "binary": False,
            "namespace": "/noc",
            "room": room_name,
            "skip_sid": None,
            "callback": None,
            "host_id": "bench",
        }
    )
