"""What kombu would end the worker over."""

from kombu import Connection
from kombu.transport import redis

from worker.broker.message_json import loads
from worker.broker.redis_channel import steady_redis


def test_a_channel_is_closed_after_its_connection_let_go_of_it(redis_url: str) -> None:
    """As where Redis goes away while a worker closes what it had. What it held is still noted, and handed on later."""
    steady_redis()
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
    steady_redis()
    assert redis.loads is loads
    assert "loads" in redis.Channel._brpop_read.__code__.co_names
