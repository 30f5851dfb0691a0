"""A short run of `make chaos`: every viewer gets what it is owed, once and in order, whatever is
killed, cut, emptied or paused.

With TEST_BROKER_URL the tasks go through that broker instead of the world's Redis. RabbitMQ must
lose none of them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kombu.connection import Connection

from models.broker import task_queue
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.house import Broker, House, World, open_house
from tests.chaos.proxy import Backstage
from tests.chaos.round import Size, play
from tests.conftest import QUEUES
from tests.realtime.node import install

pytestmark = pytest.mark.node
SIZE = Size(punches=300, seconds=3, away_seconds=5)


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    install()


@pytest.fixture(params=["classic", "quorum"] if "TEST_BROKER_URL" in os.environ else [""])
def outside_broker(broker_url: str, request: pytest.FixtureRequest) -> Iterator[Broker]:
    """The outside broker, with empty queues of each type; without any, the world's Redis."""
    if not request.param:
        yield Broker()
    elif request.param == "classic":
        yield Broker(broker_url)
    else:
        with _declared_as(broker_url, "quorum"):
            yield Broker(broker_url, "quorum")


@contextmanager
def _declared_as(broker_url: str, queue_type: str) -> Iterator[None]:
    """Declare the queues, and put their type back in the end: other tests will find them."""
    _declare(broker_url, queue_type)
    try:
        yield
    finally:
        _declare(broker_url, "classic")


def _declare(broker_url: str, queue_type: str) -> None:
    with Connection(broker_url) as connection:
        for name in QUEUES:
            queue = task_queue(name, queue_type).bind(connection.default_channel)
            queue.delete()
            queue.declare()


def _holds(house: House, fault: Fault, number: int) -> None:
    result = play(house, fault, number, seed=number, size=SIZE)
    assert result.wrong == []
    assert result.tally.is_clean
    assert result.tally.owed > 100
    assert result.moves > 10


def test_nothing_is_lost_or_repeated_when_everything_fails_in_turn(
    world: World, backstage: Backstage, outside_broker: Broker, tmp_path: Path
) -> None:
    """One house sees a fault a round; each round finds it as the one before has left it."""
    turns = ["kill a worker", "kill a server", "kill Postgres", "empty Redis", "cut viewers"]
    with open_house(world, backstage, tmp_path, broker=outside_broker) as house:
        for number, name in enumerate(turns):
            _holds(house, FAULTS[name], number)


def test_nothing_is_lost_or_repeated_when_workers_die_at_every_point(
    world: World, backstage: Backstage, outside_broker: Broker, tmp_path: Path
) -> None:
    fault = FAULTS["everything"]
    with open_house(
        world, backstage, tmp_path, broker=outside_broker, faults=fault.points
    ) as house:
        _holds(house, fault, 1)
