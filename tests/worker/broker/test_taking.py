"""Messages on Redis are noted as they are taken: whatever ends then, none is gone."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any

import pytest
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.messaging import Consumer
from redis import Redis, ResponseError
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from models.redis_rights import first_refused
from tests.worker.live import until
from worker.broker import redis_channel
from worker.broker.redis_channel import steady_redis
from worker.broker.taking import TAKE, TRACKING_REFUSED, List, Taken, Taking

LISTS = [List("jobs", "jobs"), List("chores", "chores"), List("jobs\x06\x163", "jobs")]


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as redis:
        yield redis


@pytest.fixture
def line(redis_url: str) -> Iterator[Any]:
    """A connection of a worker's to Redis."""
    with Redis.from_url(redis_url) as client:
        yield client.connection_pool.get_connection()


def test_a_message_is_noted_in_the_step_that_takes_it(redis: Redis, line: Any) -> None:
    """Its bytes are noted as they are, and what it holds is not looked at."""
    redis.rpush("chores", '{"n": 12345678901234567890, "empty": []}')
    taking = _begun(line)
    assert until(lambda: redis.llen("chores") == 0)
    notes: dict[Any, Any] = redis.hgetall("unacked")
    ((tag, note),) = notes.items()
    assert note == b'[{"n": 12345678901234567890, "empty": []},"","chores"]'
    assert redis.zrange("unacked_index", 0, -1) == [tag]
    taken = taking.go_on()
    assert taken == Taken(tag.decode(), b'{"n": 12345678901234567890, "empty": []}', "chores")


def test_the_first_list_that_has_any_is_served_and_the_oldest_of_it(
    redis: Redis, line: Any
) -> None:
    redis.lpush("jobs\x06\x163", "5")
    redis.lpush("chores", "3", "4")
    redis.lpush("jobs", "1", "2")
    taking, taken = _begun(line), []
    for _ in range(5):
        found = taking.go_on()
        assert found is not None
        taken.append((found.envelope, found.queue))
        taking.begin(line, LISTS)
    assert taken == [
        (b"1", "jobs"),
        (b"2", "jobs"),
        (b"3", "chores"),
        (b"4", "chores"),
        (b"5", "jobs"),
    ]


PUTS: dict[str, Callable[[Redis], Any]] = {
    "the first list": lambda redis: redis.lpush("jobs", "1"),
    "another queue": lambda redis: redis.lpush("chores", "1"),
    "another priority": lambda redis: redis.lpush("jobs\x06\x163", "1"),
    "what is handed on": lambda redis: redis.rpush("jobs", "1"),
    "a renamed list": lambda redis: redis.rename("elsewhere", "chores"),
}


@pytest.mark.parametrize("put", PUTS.values(), ids=PUTS)
def test_who_waits_is_told_of_each_list(
    redis: Redis, line: Any, put: Callable[[Redis], Any]
) -> None:
    redis.lpush("elsewhere", "1")
    taking = _waiting(line)
    assert not line.can_read(0)
    put(redis)
    assert _taken(line, taking).envelope == b"1"


def test_what_comes_before_redis_listens_is_found(redis: Redis, line: Any) -> None:
    taking = _begun(line)
    until(lambda: line.can_read(0))  # it has looked, and there was none
    redis.lpush("chores", "1")
    assert _taken(line, taking).envelope == b"1"


def test_word_that_comes_with_the_answer_before_it_is_heard(redis: Redis, line: Any) -> None:
    """Both may be read off the socket at once, which then stays silent."""
    taking = _begun(line)
    assert taking.go_on() is None
    until(lambda: line.can_read(0))  # it listens, and has not read that it does
    redis.lpush("chores", "1")
    redis.ping()  # by now Redis has told of it
    assert taking.go_on() is None
    assert taking.is_looking
    assert _taken(line, taking).envelope == b"1"


def test_of_two_who_wait_one_gets_a_message_and_the_other_waits_on(
    redis: Redis, redis_url: str
) -> None:
    with Redis.from_url(redis_url) as client:
        lines = [client.connection_pool.get_connection() for _ in range(2)]
        takings = [_waiting(line) for line in lines]
        redis.lpush("jobs", "1")
        found = [_settled(line, taking) for line, taking in zip(lines, takings, strict=True)]
        assert [taken.envelope for taken in found if taken] == [b"1"]
        loser = found.index(None)
        assert takings[loser].is_waiting
        redis.lpush("chores", "2")
        assert _taken(lines[loser], takings[loser]).envelope == b"2"


def test_where_no_note_can_be_written_the_message_stays_where_it_was(
    redis: Redis, line: Any
) -> None:
    for key in ("unacked", "unacked_index"):
        redis.delete("unacked", "unacked_index", "jobs")
        redis.lpush("jobs", "1", "2")
        redis.set(key, "of another kind")
        with pytest.raises(ResponseError, match="WRONGTYPE"):
            _begun(line).go_on()
        assert redis.lrange("jobs", 0, -1) == [b"2", b"1"]


def test_a_full_redis_lets_its_queue_be_worked_off(redis: Redis, line: Any) -> None:
    redis.lpush("jobs", "1")
    redis.config_set("maxmemory", 1)
    try:
        taken = _begun(line).go_on()
    finally:
        redis.config_set("maxmemory", 0)
    assert taken is not None
    assert redis.hlen("unacked") == 1


def test_what_was_on_its_way_to_a_worker_that_ended_comes_to_another(
    redis: Redis, redis_url: str
) -> None:
    with _consuming(redis_url, []) as ended:
        redis.lpush("jobs", _envelope("lost?"))
        ended.transport.cycle.on_poll_start()
        until(lambda: redis.llen("jobs") == 0)  # it is in no list, and nobody has read it
        (channel,) = ended.transport.cycle._channels
        channel.client.connection.disconnect()
    heard: list[Any] = []
    with _consuming(redis_url, heard, visibility_timeout=0.1, unacked_restore_throttle=1) as other:
        _drain_until(other, lambda: heard)
        assert heard[0].payload == "lost?"
        heard[0].ack()


def test_a_message_whose_tag_another_has_as_well_is_noted_by_itself(
    redis: Redis, redis_url: str
) -> None:
    """A producer may give all of its messages the same tag. One that is done strikes no other."""
    heard: list[Any] = []
    with _consuming(redis_url, heard) as connection:
        redis.lpush("jobs", _envelope("one", tag="same"), _envelope("two", tag="same"))
        _drain_until(connection, lambda: len(heard) == 2)
        assert redis.hlen("unacked") == 2
        heard[0].ack()
        ((tag, note),) = redis.hgetall("unacked").items()
        assert redis.zrange("unacked_index", 0, -1) == [tag]
        assert json.loads(json.loads(note)[0]["body"]) == "two"
        heard[1].ack()


def test_what_is_dropped_or_needs_no_acknowledgement_leaves_no_note(
    redis: Redis, redis_url: str
) -> None:
    heard: list[Any] = []
    with _consuming(redis_url, heard, no_ack=True) as connection:
        redis.lpush("jobs", "garbage", "null", '{"properties": {}}', "\xff", _envelope("last"))
        _drain_until(connection, lambda: heard)
        assert [redis.hlen("unacked"), redis.zcard("unacked_index")] == [0, 0]


def test_a_note_that_cannot_be_read_is_dropped_and_keeps_no_other(
    redis: Redis, redis_url: str
) -> None:
    """Its worker ended before it saw that it was no message."""
    for number, envelope in enumerate(["garbage", "null", "1,2", "[" * 100_000, _envelope("two")]):
        redis.hset("unacked", f"tag{number}", f'[{envelope},"","jobs"]')
        redis.zadd("unacked_index", {f"tag{number}": number})
    heard: list[Any] = []
    with _consuming(redis_url, heard) as connection:
        _drain_until(connection, lambda: heard)
        assert [message.payload for message in heard] == ["two"]
        assert redis.hlen("unacked") == 1
        heard[0].ack()


def test_a_message_without_headers_is_handed_on_as_well(redis: Redis, redis_url: str) -> None:
    redis.hset("unacked", "tag", f'[{_envelope("bare", headers=None)},"","jobs"]')
    redis.zadd("unacked_index", {"tag": 1})
    heard: list[Any] = []
    with _consuming(redis_url, heard) as connection:
        _drain_until(connection, lambda: heard)
        assert heard[0].payload == "bare"
        heard[0].ack()


def test_a_channel_that_waits_is_closed_at_once(redis_url: str) -> None:
    """Read once more, it would raise over the silence."""
    with _consuming(redis_url, [], socket_timeout=0.3) as connection:
        channel = _channel_that_waits(connection)
        channel.close()
        assert channel.closed


def test_a_channel_that_was_told_nothing_looks_by_itself(
    redis: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Any] = []
    with _consuming(redis_url, heard) as connection:
        channel = _channel_that_waits(connection)
        channel.look_again()
        assert channel.taking.is_waiting  # not yet
        monkeypatch.setattr(redis_channel, "LOOK_AGAIN_SECONDS", 0.0)
        channel.client.connection.send_command("CLIENT", "TRACKING", "OFF")
        channel.client.connection.read_response()
        redis.lpush("jobs", _envelope("unheard of"))
        assert not channel.client.connection.can_read(0)
        channel.look_again()
        _drain_until(connection, lambda: heard)
        heard[0].ack()


RIGHTS = ["reset", "on", ">secret", "~*", "&*", "+@all"]


@pytest.fixture
def untold(redis: Redis, redis_url: str) -> Iterator[str]:
    """The address of Redis for a user whom it does not tell of changes."""
    redis.execute_command("ACL", "SETUSER", "untold", *RIGHTS, "-client|tracking")
    try:
        yield _address_of("untold", redis_url)
    finally:
        redis.acl_deluser("untold")
        redis.acl_log_reset()


def _address_of(user: str, redis_url: str) -> str:
    own = make_url(redis_url).set(username=user, password="secret")
    return own.render_as_string(hide_password=False)


def test_who_is_not_told_looks_again_and_asks_to_be_told_once(redis: Redis, untold: str) -> None:
    """Messages come while nothing is there, and one after the other, and between the two steps."""
    with capture_logs() as logs, Redis.from_url(untold) as client:
        line = client.connection_pool.get_connection()
        taking = _begun(line)
        until(lambda: line.can_read(0))  # it has looked, and there was none
        redis.lpush("chores", "1")
        assert _taken(line, taking).envelope == b"1"
        for list_, envelope in (("jobs", b"2"), ("jobs\x06\x163", b"3")):
            taking.begin(line, LISTS)
            until(lambda: line.can_read(0))
            assert taking.go_on() is None
            redis.lpush(list_, envelope)
            assert _taken(line, taking).envelope == envelope
        taking.begin(line, LISTS)
        for _ in range(5):
            until(lambda: line.can_read(0))
            assert taking.go_on() is None
        assert not line.can_read(0)  # it leaves Redis alone for a while
    assert [entry["event"] for entry in logs] == [TRACKING_REFUSED]
    (denied,) = redis.acl_log()
    assert (denied["object"], denied["count"]) == ("client|tracking", 1)


def test_who_is_told_no_more_loses_nothing(redis: Redis, untold: str) -> None:
    redis.execute_command("ACL", "SETUSER", "untold", "+@all")
    with Redis.from_url(untold) as client:
        line = client.connection_pool.get_connection()
        taking = _waiting(line)
        redis.execute_command("ACL", "SETUSER", "untold", "-client|tracking")
        for envelope in (b"1", b"2"):
            redis.lpush("jobs", envelope)
            assert _taken(line, taking).envelope == envelope
            taking.begin(line, LISTS)


def test_a_channel_that_is_not_told_takes_and_is_closed_at_once(redis: Redis, untold: str) -> None:
    heard: list[Any] = []
    with _consuming(untold, heard) as connection:
        _drain_until(connection, lambda: redis.acl_log())
        redis.lpush("jobs", _envelope("late"))
        _drain_until(connection, lambda: heard)
        heard[0].ack()
    assert [redis.hlen("unacked"), redis.llen("jobs")] == [0, 0]


@pytest.mark.parametrize("command", sorted(set(re.findall(r"call\('(\w+)'", TAKE))))
def test_the_check_tries_each_command_of_the_script(
    redis: Redis, untold: str, command: str
) -> None:
    assert first_refused(redis) is None
    redis.execute_command("ACL", "SETUSER", "untold", f"-{command.lower()}")
    with Redis.from_url(untold) as client:
        assert first_refused(client) == (command, True)
    assert redis.dbsize() == 0


@contextmanager
def _consuming(
    redis_url: str, heard: list[Any], *, no_ack: bool = False, **options: Any
) -> Iterator[Connection]:
    """Consume `jobs` over a connection with these transport options."""
    steady_redis()
    with Connection(redis_url, transport_options=options) as connection:
        consumer = Consumer(connection, [Queue("jobs")], on_message=heard.append, no_ack=no_ack)
        consumer.consume()
        yield connection


def _channel_that_waits(connection: Any) -> Any:
    cycle = connection.transport.cycle
    (channel,) = cycle._channels
    cycle.on_poll_start()
    while not channel.taking.is_waiting:
        until(lambda: channel.client.connection.can_read(0))
        with pytest.raises(Empty):
            channel._brpop_read()
    return channel


def _drain_until(connection: Connection, condition: Callable[[], Any]) -> None:
    def drained() -> Any:
        try:
            connection.drain_events(timeout=0.1)
        except TimeoutError:
            pass
        return condition()

    until(drained)


def _envelope(body: str, *, tag: str = "tag", headers: Any = {}) -> str:  # noqa: B006 - is not changed
    """Return an envelope as a producer in any language may write it."""
    delivery = {"exchange": "", "routing_key": "jobs"}
    return json.dumps(
        {
            "body": json.dumps(body),
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": headers,
            "properties": {"delivery_tag": tag, "delivery_info": delivery},
        }
    )


def _begun(line: Any) -> Taking:
    taking = Taking("unacked", "unacked_index")
    taking.begin(line, LISTS)
    return taking


def _waiting(line: Any) -> Taking:
    taking = _begun(line)
    assert _settled(line, taking) is None
    return taking


def _taken(line: Any, taking: Taking) -> Taken:
    taken = None
    while taken is None:
        until(lambda: line.can_read(0))
        taken = taking.go_on()
    return taken


def _settled(line: Any, taking: Taking) -> Taken | None:
    """Return what it takes, or None once it waits with nothing to read."""
    while not (taking.is_waiting and not line.can_read(0)):
        until(lambda: line.can_read(0))
        if taken := taking.go_on():
            return taken
    return None
