"""A worker's notes on Redis of the messages that it has not acknowledged."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from kombu.connection import Connection
from redis import Redis, ResponseError
from redis.exceptions import TimeoutError as RedisSilent

from worker.broker.redis_channel import steady_redis
from worker.broker.unacked import UnackedMessages


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as redis:
        yield redis


@pytest.fixture
def channel(redis_url: str) -> Iterator[Any]:
    steady_redis()
    with Connection(redis_url) as connection:
        queue = connection.SimpleQueue("jobs")
        for number in range(20):
            queue.put({"number": number})
        channel = connection.channel()
        assert isinstance(channel.qos, UnackedMessages)
        yield channel


def test_what_is_taken_is_noted_and_what_is_done_is_struck(channel: Any, redis: Redis) -> None:
    one, two = channel.basic_get("jobs"), channel.basic_get("jobs")
    assert _noted(redis) == {one.delivery_tag, two.delivery_tag}
    message, exchange, routing_key = json.loads(redis.hget("unacked", one.delivery_tag) or "")
    assert (message, exchange, routing_key) == (one._raw, "jobs", "jobs")
    one.ack()
    assert _noted(redis) == {two.delivery_tag}
    two.reject()
    assert _noted(redis) == set()


def test_what_is_put_back_comes_again(channel: Any, redis: Redis) -> None:
    taken = channel.basic_get("jobs")
    taken.requeue()
    assert _noted(redis) == set()
    assert taken.payload in [channel.basic_get("jobs").payload for _ in range(20)]


def test_a_connection_that_redis_has_closed_is_opened_again(channel: Any, redis: Redis) -> None:
    taken = [channel.basic_get("jobs")]
    _close_connections(channel, redis)
    taken.append(channel.basic_get("jobs"))
    _close_connections(channel, redis)
    for message in taken:
        message.ack()
    assert _noted(redis) == set()


class _Connection:
    """A connection that answers, or does not."""

    def __init__(self, answers: bool) -> None:
        self.answers, self.sent, self.is_open = answers, 0, True

    def pack_commands(self, commands: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return commands

    def send_packed_command(self, commands: list[tuple[Any, ...]]) -> None:
        self.sent += len(commands)

    def read_response(self) -> object:
        if not self.answers:
            raise RedisSilent
        return [1, 1]

    def disconnect(self) -> None:
        self.is_open = False


def test_what_a_connection_that_went_dead_has_not_answered_is_said_again_on_another() -> None:
    """A firewall may have forgotten the connection; the message is in no queue any more by then."""
    dead, live = _Connection(False), _Connection(True)
    pool = [live, dead]
    channel: Any = SimpleNamespace(
        pool=SimpleNamespace(get_connection=pool.pop, release=lambda _: None), do_restore=False
    )
    for name in (
        "unacked_key",
        "unacked_index_key",
        "unacked_mutex_key",
        "unacked_mutex_expire",
        "visibility_timeout",
    ):
        setattr(channel, name, name)
    message: Any = SimpleNamespace(
        _raw={}, delivery_info={"exchange": "jobs", "routing_key": "jobs"}
    )
    unacked: Any = UnackedMessages
    unacked(channel).append(message, "tag")
    assert (dead.is_open, live.is_open, live.sent) == (False, True, 4)


def test_what_redis_refuses_is_an_error_and_the_next_is_noted_all_the_same(
    channel: Any, redis: Redis
) -> None:
    taken = [channel.basic_get("jobs"), channel.basic_get("jobs")]
    redis.delete("unacked")
    redis.set("unacked", "of another kind")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        taken[0].ack()
    redis.delete("unacked")
    taken[1].ack()
    assert redis.zrange("unacked_index", 0, -1) == []


def test_acknowledging_is_safe_from_any_thread(channel: Any, redis: Redis) -> None:
    taken = [channel.basic_get("jobs") for _ in range(20)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda message: message.ack(), taken)) == [None] * 20
    assert _noted(redis) == set()


def _close_connections(channel: Any, redis: Redis) -> None:
    """Have Redis close the connections that the channel has at rest, and no other test's."""
    connections = [
        connection for connection in channel.pool._available_connections if connection.is_connected
    ]
    assert connections
    for connection in connections:
        connection.send_command("CLIENT", "ID")
        assert redis.client_kill_filter(_id=connection.read_response()) == 1


def _noted(redis: Redis) -> set[str]:
    """Return the tags of unacknowledged messages, which both notes have."""
    tags: list[Any] = redis.hkeys("unacked")
    assert sorted(tags) == sorted(redis.zrange("unacked_index", 0, -1))
    return {tag.decode() for tag in tags}
