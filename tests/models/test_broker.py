"""The broker's address, from the spellings of the settings to kombu's."""

import ssl

import pytest
from celery import Celery
from kombu import Connection

from models.broker import VISIBILITY_SECONDS, broker_configuration, task_queue


def test_redis_hands_tasks_on_within_seconds() -> None:
    options = broker_configuration("redis://host:6379/0")["broker_transport_options"]
    assert options["visibility_timeout"] == VISIBILITY_SECONDS <= 30
    assert options["unacked_restore_interval"] * options["unacked_restore_throttle"] == 1


def test_a_worker_killed_while_it_hands_tasks_on_keeps_no_other_from_it_for_longer_than_they_would_wait_anyway() -> (
    None
):
    with Connection(
        "redis://host:6379/0",
        transport_options=broker_configuration("redis://host:6379/0")["broker_transport_options"],
    ) as of:
        # kombu's, if it is not asked for another
        assert of.transport.Channel.unacked_mutex_expire > VISIBILITY_SECONDS
        assert "unacked_mutex_expire" in of.transport.Channel.from_transport_options
        assert of.transport_options["unacked_mutex_expire"] < VISIBILITY_SECONDS


def test_sentinels_become_kombus_list_and_the_service_its_master() -> None:
    found = broker_configuration("redis+sentinel://ada:pw@one:26379,two:26380/3/noc")
    assert found["broker_url"] == "sentinel://ada:pw@one:26379/3;sentinel://ada:pw@two:26380/3"
    assert found["broker_transport_options"]["master_name"] == "noc"
    connection = Connection(
        found["broker_url"], transport_options=found["broker_transport_options"]
    )
    assert [each.split("@")[-1] for each in connection.alt] == ["one:26379/3", "two:26380/3"]
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
    found = broker_configuration(f"{scheme}://user:pw@host//")
    assert found["broker_transport_options"]["confirm_publish"] is True
    assert "worker_disable_prefetch" not in found
    assert ("broker_use_ssl" in found) == (scheme == "amqps")


def test_a_classic_queue_is_declared_as_a_celery_without_settings_does() -> None:
    ours, plain = task_queue("attendance", "classic"), Celery().amqp.queues["attendance"]
    assert (
        ours.queue_arguments,
        ours.durable,
        ours.exchange.name,
        ours.exchange.type,
        ours.routing_key,
    ) == (
        plain.queue_arguments,
        plain.durable,
        plain.exchange.name,
        plain.exchange.type,
        plain.routing_key,
    )


def test_a_quorum_queue_says_so_to_rabbitmq() -> None:
    assert task_queue("attendance", "quorum").queue_arguments == {"x-queue-type": "quorum"}
    assert broker_configuration("amqp://host", "quorum")["task_default_queue_type"] == "quorum"
