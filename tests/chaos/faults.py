"""The faults that are injected into the house while the stream goes through it, each a few times a
round, at moments that the seed chooses.
"""

import random
import signal
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.chaos.house import House
from tests.chaos.viewers import NodeFleet
from worker.faults import POINTS

PAUSE_SECONDS = 3.0
CHANCE_OF_DEATH = 0.03


class Scene(NamedTuple):
    """All that a fault may strike. A server that is stopped stays away for `away_seconds`."""

    house: House
    fleets: Sequence[NodeFleet]
    chance: random.Random
    away_seconds: float


def _nothing(_scene: Scene) -> None:
    """Do nothing: in the run without faults, and where workers kill themselves."""


def _kill_worker(scene: Scene) -> None:
    scene.house.replace_worker(scene.chance.randrange(len(scene.house.workers)), signal.SIGKILL)


def _stop_worker(scene: Scene) -> None:
    scene.house.replace_worker(scene.chance.randrange(len(scene.house.workers)), signal.SIGTERM)


def _kill_server(scene: Scene) -> None:
    scene.house.replace_server(scene.chance.randrange(len(scene.house.servers)), signal.SIGKILL)


def _stop_server(scene: Scene) -> None:
    scene.house.replace_server(scene.chance.randrange(len(scene.house.servers)), signal.SIGTERM)


def _pause_server(scene: Scene) -> None:
    scene.house.pause(scene.chance.randrange(len(scene.house.servers)), PAUSE_SECONDS)


def _pause_client(scene: Scene) -> None:
    fleet = scene.chance.choice(scene.fleets)
    fleet.signal(signal.SIGSTOP)
    time.sleep(PAUSE_SECONDS)
    fleet.signal(signal.SIGCONT)


def _restart_redis(scene: Scene) -> None:
    scene.house.world.valkey.stop()
    scene.house.world.valkey.start()


def _kill_redis(scene: Scene) -> None:
    scene.house.world.valkey.kill()
    scene.house.world.valkey.start()


def _empty_redis(scene: Scene) -> None:
    scene.house.world.empty_valkey()
    scene.house.world.valkey.start()


def _flush_redis(scene: Scene) -> None:
    """Empty Redis while it runs, so that no connection breaks and nobody notices."""
    with scene.house.redis() as client:
        client.flushall()


def _stop_redis(scene: Scene) -> None:
    scene.house.world.valkey.stop()
    time.sleep(scene.away_seconds)
    scene.house.world.valkey.start()


def _stall_redis(scene: Scene) -> None:
    scene.house.to_redis.stall()
    time.sleep(PAUSE_SECONDS)
    scene.house.to_redis.flow()


def _cut_redis(scene: Scene) -> None:
    scene.house.to_redis.cut(scene.chance.uniform(0.3, 1))


def _restart_postgres(scene: Scene) -> None:
    scene.house.world.postgres.stop()
    scene.house.world.postgres.start()


def _kill_postgres(scene: Scene) -> None:
    scene.house.world.crash_postgres()
    scene.house.world.postgres.start()


def _cut_postgres(scene: Scene) -> None:
    scene.house.to_postgres.cut(scene.chance.uniform(0.3, 1))


def _cut_viewers(scene: Scene) -> None:
    scene.house.front.cut(scene.chance.uniform(0.3, 1))
    for proxy in scene.house.direct:
        proxy.cut()


def _stall_viewers(scene: Scene) -> None:
    proxies = [scene.house.front, *scene.house.direct]
    for proxy in proxies:
        proxy.stall()
    time.sleep(PAUSE_SECONDS)
    for proxy in proxies:
        proxy.flow()


class Fault(NamedTuple):
    """Something that is done `times` times a round. Where `broker_may_lose`, it may empty Redis,
    which then loses tasks as a broker (docs/guarantees.md); the submitter sends those again.

    `excused` are the reasons of a resync that this fault may cause, and `points` the fault points
    at which workers kill themselves (worker/faults.py).
    """

    name: str
    inject: Callable[[Scene], None]
    times: int = 2
    broker_may_lose: bool = False
    excused: frozenset[str] = frozenset()
    points: str = ""


def _anything(scene: Scene) -> None:
    scene.chance.choice(_AT_ANY_TIME).inject(scene)


_AT_ANY_TIME = [
    Fault("kill a worker", _kill_worker),
    Fault("stop a worker", _stop_worker),
    Fault("kill a server", _kill_server),
    Fault("stop a server", _stop_server),
    Fault("pause a server", _pause_server, times=1),
    Fault("pause a client", _pause_client, times=1, excused=frozenset({"slow_viewer"})),
    Fault("cut viewers", _cut_viewers, times=5),
    Fault("stall viewers", _stall_viewers, times=1),
    Fault("restart Redis", _restart_redis),
    Fault("kill Redis", _kill_redis),
    Fault("empty Redis", _empty_redis, broker_may_lose=True),
    Fault("flush Redis", _flush_redis, broker_may_lose=True),
    Fault("stop Redis for a while", _stop_redis, times=1),
    Fault("stall Redis", _stall_redis, times=1),
    Fault("cut Redis", _cut_redis, times=5),
    Fault("restart Postgres", _restart_postgres),
    Fault("kill Postgres", _kill_postgres),
    Fault("cut Postgres", _cut_postgres, times=5),
]
_DEATHS = [Fault(f"die {point}", _nothing, points=f"{point}={CHANCE_OF_DEATH}") for point in POINTS]
EVERYTHING = Fault(
    "everything",
    _anything,
    times=4,
    broker_may_lose=True,
    excused=frozenset({"slow_viewer"}),
    points=",".join(f"{point}={CHANCE_OF_DEATH / 3}" for point in POINTS),
)
FAULTS = {
    fault.name: fault
    for fault in [Fault("none", _nothing, times=0), *_AT_ANY_TIME, *_DEATHS, EVERYTHING]
}
