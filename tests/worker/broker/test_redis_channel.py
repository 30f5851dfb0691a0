"""Channels on Redis: what kombu would end the worker over ends none of ours."""

import subprocess
import sys

from kombu.connection import Connection
from kombu.transport import redis

from worker.broker.message_json import loads
from worker.broker.redis_channel import steady_redis


def test_a_channel_is_closed_after_its_connection_let_go_of_it(redis_url: str) -> None:
    """Redis may go away while a worker closes its channels.

    What it had not acknowledged is still noted, and handed on later.
    """
    steady_redis()
    with Connection(redis_url) as connection:
        connection.SimpleQueue("unacked").put({})
        channel = connection.channel()
        assert channel.basic_get("unacked")
        channel._disconnect_pools()
        transport, channel.connection.client = channel.connection, None
        channel.close()
        transport.client = connection
        assert channel.closed


def test_envelopes_are_read_quickly() -> None:
    steady_redis()
    assert vars(redis)["loads"] is loads
    assert "loads" in redis.Channel._get.__code__.co_names


def test_a_worker_makes_its_channels_steady_before_it_begins(settings_env: dict[str, str]) -> None:
    """Every other process that imports the app keeps kombu's own: beat, Flower, an inspection."""
    script = """
from celery import signals
from kombu.transport.redis import SentinelTransport, Transport
import worker.celery
print(Transport.Channel.__name__)
signals.worker_init.send(sender=None)
print(Transport.Channel.__name__, SentinelTransport.Channel.__name__)
"""
    run = [sys.executable, "-c", script]
    done = subprocess.run(run, env=settings_env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["Channel", "SteadyChannel", "SteadySentinelChannel"]
