"""What kombu would end the worker over."""

from kombu import Connection
from kombu.transport import redis

import worker.broker.consumer
from worker.broker.message_json import loads


def test_a_channel_is_closed_after_its_connection_let_go_of_it(redis_url: str) -> None:
    """As where Redis goes away while a worker closes what it had. What it held is still noted, and handed on later."""
    assert worker.broker.consumer  # which makes kombu's channels steady
    with Connection(redis_url) as connection:
        connection.SimpleQueue("held").put({})
        channel = connection.channel()
        assert channel.basic_get("held")
        channel._disconnect_pools()
        transport, channel.connection.client = channel.connection, None
        channel.close()
        transport.client = connection
        assert channel.closed


def test_envelopes_are_read_quickly() -> None:
    assert redis.loads is loads
    assert "loads" in redis.Channel._brpop_read.__code__.co_names
