"""What is submitted does not wait for one long task of upkeep after the other."""

from collections.abc import Iterator
from time import monotonic
from typing import Any
from unittest.mock import Mock

import pytest
from celery import Celery
from celery.worker.request import create_request_cls
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.messaging import Consumer

from worker.broker.queue_shares import MOST_OWED_SECONDS, QueueShares
from worker.broker.redis_channel import steady_redis
from worker.broker.request import QuietRequest
from worker.broker.task import IdsOnlyTask

SUBMITTED, UPKEEP = "attendance", "upkeep"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shares(clock: Clock) -> QueueShares:
    shares = QueueShares(clock)
    shares.update([SUBMITTED, UPKEEP])  # type: ignore[no-untyped-call]  # kombu's
    return shares


def run(shares: QueueShares, clock: Clock, seconds: float) -> str:
    """Take a message of the first queue, both having many. Its task takes so long."""
    first = shares.consume(2)[0]
    shares.rotate(first)
    clock.now += seconds
    shares.spend(first, seconds)
    return first


@pytest.mark.unit
def test_short_tasks_of_both_queues_take_turns(shares: QueueShares, clock: Clock) -> None:
    taken = [run(shares, clock, 0.01) for _ in range(20)]
    assert taken.count(UPKEEP) == taken.count(SUBMITTED) == 10


@pytest.mark.unit
def test_after_a_long_turn_as_much_time_goes_to_what_is_submitted(
    shares: QueueShares, clock: Clock
) -> None:
    shares.rotate(UPKEEP)
    shares.spend(UPKEEP, 0.4)
    assert [run(shares, clock, 0.125) for _ in range(5)] == [SUBMITTED] * 4 + [UPKEEP]


@pytest.mark.unit
def test_a_queue_that_was_served_for_long_owes_nothing(shares: QueueShares, clock: Clock) -> None:
    """Else a tenant's large batches would cost the punches of others."""
    shares.rotate(SUBMITTED)
    shares.spend(SUBMITTED, 5)
    shares.rotate(UPKEEP)
    shares.spend(UPKEEP, 0.4)
    assert [run(shares, clock, 0.125) for _ in range(4)] == [SUBMITTED] * 4


@pytest.mark.unit
def test_what_was_taken_before_does_not_spend_what_is_owed(
    shares: QueueShares, clock: Clock
) -> None:
    """A batch beside a turn, in another process, is no answer to the punches behind it."""
    shares.rotate(UPKEEP)
    shares.spend(UPKEEP, 0.4)
    clock.now += 0.1
    shares.spend(SUBMITTED, 0.5)
    assert [run(shares, clock, 0.3) for _ in range(3)] == [SUBMITTED, SUBMITTED, UPKEEP]


@pytest.mark.unit
def test_nothing_is_owed_once_nothing_waits(shares: QueueShares) -> None:
    shares.rotate(UPKEEP)
    shares.spend(UPKEEP, 0.4)
    shares.rotate(SUBMITTED)
    shares.rotate(UPKEEP)  # looked into after the other, which was empty
    assert shares.consume(2) == [SUBMITTED, UPKEEP]
    shares.rotate(SUBMITTED)
    assert shares.consume(2) == [UPKEEP, SUBMITTED]


@pytest.mark.unit
def test_retention_that_takes_minutes_keeps_no_turn_waiting_as_long(
    shares: QueueShares, clock: Clock
) -> None:
    shares.rotate(UPKEEP)
    shares.spend(UPKEEP, 300)
    taken = [run(shares, clock, MOST_OWED_SECONDS / 4) for _ in range(5)]
    assert taken == [SUBMITTED] * 4 + [UPKEEP]


@pytest.fixture
def connection(redis_url: str) -> Iterator[Connection]:
    steady_redis()
    with Connection(redis_url) as connection:
        yield connection


def test_a_channel_on_redis_takes_what_is_owed_first(connection: Connection) -> None:
    taken: list[str] = []

    def take(_: Any, message: Any) -> None:
        taken.append(message.delivery_info["routing_key"])
        message.ack()

    with connection.Producer() as producer:
        for name in (SUBMITTED, UPKEEP):
            for _ in range(3):
                producer.publish({}, routing_key=name, declare=[Queue(name, routing_key=name)])
    channel = connection.channel()
    queues = [Queue(name, routing_key=name) for name in (SUBMITTED, UPKEEP)]
    with Consumer(channel, queues, callbacks=[take]):
        while UPKEEP not in taken:
            connection.drain_events(timeout=5)
        channel.queue_shares.spend(UPKEEP, 0.4)
        while len(taken) < 6:
            connection.drain_events(timeout=5)
    assert taken[: taken.index(UPKEEP)] in ([], [SUBMITTED])
    assert taken[taken.index(UPKEEP) + 1 :][:2] == [SUBMITTED] * 2


class Chore(IdsOnlyTask):
    name = "upkeep.chore"

    def run(self) -> None:
        """Do nothing."""


@pytest.fixture
def spent() -> Mock:
    return Mock()


@pytest.fixture
def request_of(spent: Mock) -> QuietRequest:
    app = Celery("test", set_as_current=False)
    task = app.register_task(Chore())
    message = Mock(
        delivery_info={"routing_key": UPKEEP, "exchange": ""},
        properties={},
    )
    message.channel.queue_shares.spend = spent
    request_class = create_request_cls(QuietRequest, task, Mock(), "host", None, app=app)
    headers = {"task": task.name, "id": "t1"}
    request: QuietRequest = request_class(
        message, app=app, task=task, headers=headers, body=([], {}, {}), decoded=True
    )
    return request


@pytest.mark.unit
def test_a_request_tells_for_how_long_it_had_a_process(
    request_of: QuietRequest, spent: Mock
) -> None:
    request_of.on_accepted(1, monotonic() - 5)
    request_of.on_success((0, None, 5.0))
    ((queue, seconds),) = [call.args for call in spent.call_args_list]
    assert queue == UPKEEP
    assert 5 <= seconds < 60


@pytest.mark.unit
def test_a_task_that_fails_is_counted_once(request_of: QuietRequest, spent: Mock) -> None:
    request_of.on_accepted(1, monotonic())
    failure = Mock(exception=ValueError("x"), traceback="")
    request_of.on_success((1, failure, 0.0))
    assert spent.call_count == 1


@pytest.mark.unit
def test_a_channel_that_has_no_shares_is_told_nothing(
    request_of: QuietRequest, spent: Mock
) -> None:
    request_of.message.channel = object()
    request_of.on_accepted(1, monotonic())
    request_of.on_success((0, None, 0.0))
    assert not spent.called
