"""The broker's address and options for kombu, from the spellings that the settings allow."""

import ssl
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kombu.entity import Exchange, Queue

# Redis hands a task on when its worker has been silent for this long. It may then run twice, which
# changes nothing.
VISIBILITY_SECONDS = 15

# The task by which a server has the workers judge a tenant at once, and its queue.
JUDGE_TASK = "upkeep.judge"
UPKEEP_QUEUE = "upkeep"


def task_queue(name: str, queue_type: str) -> Queue:
    """Return a queue as every process of ours declares it.

    A classic queue is declared as by a Celery without any settings, so that such producers may come
    first or last: RabbitMQ refuses whoever declares a queue with another type than it has.
    """
    arguments = {"x-queue-type": "quorum"} if queue_type == "quorum" else None
    return Queue(name, Exchange(name), routing_key=name, queue_arguments=arguments)


def broker_configuration(url: str, queue_type: str = "classic") -> dict[str, Any]:
    """Return Celery's settings that depend on the broker.

    `url` and `queue_type` are the settings' broker_url and broker_queue_type. The sentinels of
    `redis+sentinel://user:password@host:26379,host:26379/0/service` become kombu's list of them.
    """
    scheme = urlsplit(url).scheme
    if scheme in ("amqp", "amqps", "pyamqp"):
        return _rabbitmq(url, queue_type, tls=scheme == "amqps")
    if scheme == "redis+sentinel":
        address, service = _sentinels(url)
        return _redis(address) | {
            "broker_transport_options": _REDIS_OPTIONS | {"master_name": service}
        }
    if scheme == "unix":
        return _redis("redis+socket" + url.removeprefix("unix"))
    return _redis(url)


_REDIS_OPTIONS: dict[str, Any] = {
    "visibility_timeout": VISIBILITY_SECONDS,
    # One worker at a time hands on the tasks of those that are gone. Killed while it does, it keeps
    # the others from it for this long (kombu's own default: 300 s).
    "unacked_mutex_expire": 5,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    "socket_timeout": 10,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 25,
}


def _redis(url: str) -> dict[str, Any]:
    configuration = {
        "broker_url": url,
        "broker_transport_options": _REDIS_OPTIONS,
        "worker_disable_prefetch": True,
    }
    if urlsplit(url).scheme == "rediss":
        configuration["broker_use_ssl"] = _tls(url)
    return configuration


def _rabbitmq(url: str, queue_type: str, *, tls: bool) -> dict[str, Any]:
    configuration = {
        "broker_url": url,
        "broker_transport_options": {
            "confirm_publish": True,
            "max_retries": 2,
            "interval_start": 0,
            "interval_step": 0.2,
        },
        "task_default_queue_type": queue_type,
        "worker_detect_quorum_queues": True,
        "broker_heartbeat": 10,
    }
    return configuration | ({"broker_use_ssl": {"cert_reqs": ssl.CERT_REQUIRED}} if tls else {})


def _tls(url: str) -> dict[str, Any]:
    """Return kombu's TLS options: certificates are verified unless the address says otherwise.

    It says so, and names files, as redis-py has it: `?ssl_cert_reqs=none&ssl_ca_certs=/ca.pem`.
    """
    options = {
        name: values[-1]
        for name, values in parse_qs(urlsplit(url).query).items()
        if name.startswith("ssl_")
    }
    modes = {"required": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "none": ssl.CERT_NONE}
    return options | {"ssl_cert_reqs": modes[options.get("ssl_cert_reqs", "required")]}


def _sentinels(url: str) -> tuple[str, str]:
    """Return the sentinels as `sentinel://...;sentinel://...`, and the service that they watch."""
    parts = urlsplit(url)
    credentials, at, hosts = parts.netloc.rpartition("@")
    database, _, service = parts.path.lstrip("/").partition("/")
    addresses = [f"sentinel://{credentials}{at}{host}/{database or 0}" for host in hosts.split(",")]
    return ";".join(addresses), service or "mymaster"
