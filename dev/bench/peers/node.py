"""Node socket.io with its Redis adapter, said to as by @socket.io/redis-emitter, in a pipeline."""

import json
from collections.abc import Iterable
from pathlib import Path

import msgpack
import redis

from dev.bench.javascript import FOLDER, install
from dev.bench.message import EVENT, TENANT, payload, room
from dev.bench.peers.contender import SOCKET_IO, Kind, Serving, serve

EVENT_PACKET = 2


class Node:
    kind: Kind = "peer"
    path = SOCKET_IO
    connect: str | None = "40/noc,"
    slowness = 1.0

    def __init__(self, redis_url: str, *, compressing: bool = False) -> None:
        """Node offers permessage-deflate where `compressing`; by default it declines it."""
        self.name = "node, compressing" if compressing else "node"
        self._compressing = compressing
        self._url, self._redis = redis_url, redis.Redis.from_url(redis_url)

    def start(self, logs: Path, cores: Iterable[int] | None = None) -> Serving:
        install()
        command = [
            "node",
            str(FOLDER / "server.js"),
            "PORT",
            self._url,
            "deflate" if self._compressing else "plain",
        ]
        return serve("node", command, logs, cores=cores, env={"NODE_ENV": "production"})

    def say(self, first: int, count: int, tenant: int = TENANT) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for number in range(first, first + count):
            packet = {
                "type": EVENT_PACKET,
                "data": [EVENT, json.loads(payload(number, tenant=tenant))],
                "nsp": "/noc",
            }
            options = {"rooms": [room(tenant)], "except": [], "flags": {}}
            pipeline.publish(
                f"socket.io#/noc#{room(tenant)}#", msgpack.packb(["bench", packet, options])
            )
        pipeline.execute()
