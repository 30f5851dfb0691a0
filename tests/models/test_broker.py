"""The broker's address, from the spellings of the settings to kombu's."""

import ssl
from typing import Any

import pytest
from celery import Celery
from kombu.connection import Connection
from kombu.entity import Queue

from models.broker import VISIBILITY_SECONDS, broker_configuration, task_queue


def test_redis_hands_tasks_on_within_seconds() -> None:
    options = broker_configuration("redis://host:6379/0")["broker_transport_options"]
    assert options["visibility_timeout"] == VISIBILITY_SECONDS <= 30
    assert options["unacked_restore_interval"] * options["unacked_restore_throttle"] == 1


def test_a_worker_killed_while_it_hands_tasks_on_delays_no_other_beyond_the_timeout() -> None:
    options = broker_configuration("redis://host:6379/0")["broker_transport_options"]
    with Connection("redis://host:6379/0", transport_options=options) as connection:
        channel = connection.transport.Channel
        assert channel.unacked_mutex_expire > VISIBILITY_SECONDS  # kombu's own
        assert "unacked_mutex_expire" in channel.from_transport_options
        assert connection.transport_options["unacked_mutex_expire"] < VISIBILITY_SECONDS


def test_sentinels_become_kombus_list_and_the_service_its_master() -> None:
    configuration = broker_configuration("redis+sentinel://ada:pw@one:26379,two:26380/3/noc")
    url, options = configuration["broker_url"], configuration["broker_transport_options"]
    assert url == "sentinel://ada:pw@one:26379/3;sentinel://ada:pw@two:26380/3"
    assert options["master_name"] == "noc"
    connection = Connection(url, transport_options=options)
    assert [address.split("@")[-1] for address in connection.alt] == ["one:26379/3", "two:26380/3"]
    assert connection.transport_cls == "sentinel"


def test_tls_is_verified_unless_the_address_says_otherwise() -> None:
    assert (
        broker_configuration("rediss://host/0")["broker_use_ssl"]["ssl_cert_reqs"]
        == ssl.CERT_REQUIRED
    )
    loose = broker_configuration("rediss://host/0?ssl_cert_reqs=none&ssl_ca_certs=/ca.pem")[
        "broker_use_ssl"
    ]
    assert loose == {"ssl_cert_reqs": ssl.CERT_NONE, "ssl_ca_certs": "/ca.pem"}


def test_a_socket_is_spelled_as_kombu_does() -> None:
    assert (
        broker_configuration("unix:///run/redis.sock")["broker_url"]
        == "redis+socket:///run/redis.sock"
    )


@pytest.mark.parametrize("scheme", ["amqp", "amqps", "pyamqp"])
def test_publishing_to_rabbitmq_is_confirmed(scheme: str) -> None:
    configuration = broker_configuration(f"{scheme}://user:pw@host//")
    assert configuration["broker_transport_options"]["confirm_publish"] is True
    assert "worker_disable_prefetch" not in configuration
    assert ("broker_use_ssl" in configuration) == (scheme == "amqps")


def declared(queue: Queue) -> dict[str, Any]:
    """Return what RabbitMQ is told of a queue."""
    names = ("queue_arguments", "durable", "routing_key")
    exchange = {"exchange": queue.exchange.name, "exchange_type": queue.exchange.type}
    return {name: getattr(queue, name) for name in names} | exchange


def test_a_classic_queue_is_declared_as_a_celery_without_settings_does() -> None:
    plain = Celery().amqp.queues["attendance"]
    assert declared(task_queue("attendance", "classic")) == declared(plain)


def test_a_quorum_queue_says_so_to_rabbitmq() -> None:
    queue = declared(task_queue("attendance", "quorum"))
    assert queue["queue_arguments"] == {"x-queue-type": "quorum"}
    assert broker_configuration("amqp://host", "quorum")["task_default_queue_type"] == "quorum"
