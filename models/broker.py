"""The broker's address and options as kombu wants them, from the spellings that the settings allow."""

import ssl
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kombu import Exchange, Queue

# Redis hands a task on when its worker has said nothing for this long; then it may run twice, which
# changes nothing.
VISIBILITY_SECONDS = 15

# The task by which a server has the workers judge a tenant at once, and its queue.
JUDGE_TASK = "upkeep.judge"
UPKEEP_QUEUE = "upkeep"


def task_queue(name: str, queue_type: str) -> Queue:
    """A queue as every process of ours declares it. A classic one is declared as a Celery without
    any settings does, so that such producers may come first or last; to RabbitMQ a queue of another
    type is a mistake of one of the two.
    """
    arguments = {"x-queue-type": "quorum"} if queue_type == "quorum" else None
    return Queue(name, Exchange(name), routing_key=name, queue_arguments=arguments)


def broker_configuration(url: str, queue_type: str = "classic") -> dict[str, Any]:
    """Celery's settings that depend on the broker. `url` is a broker_url of the settings,
    `queue_type` its broker_queue_type.

    `redis+sentinel://user:password@host:26379,host:26379/0/service` becomes kombu's list of
    sentinels.
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
    # Only one worker at a time hands on what others held; killed while it does, it keeps the rest
    # from it for so long (else 300 s).
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
    """Certificates are verified unless the address says otherwise (`?ssl_cert_reqs=none`); files
    are named as redis-py does.
    """
    given = {
        name: values[-1]
        for name, values in parse_qs(urlsplit(url).query).items()
        if name.startswith("ssl_")
    }
    required = {"required": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "none": ssl.CERT_NONE}
    return given | {"ssl_cert_reqs": required[given.get("ssl_cert_reqs", "required")]}


def _sentinels(url: str) -> tuple[str, str]:
    """The sentinels as `sentinel://...;sentinel://...`, and the name of the service they watch."""
    parts = urlsplit(url)
    credentials, at, hosts = parts.netloc.rpartition("@")
    database, _, service = parts.path.lstrip("/").partition("/")
    addresses = [f"sentinel://{credentials}{at}{host}/{database or 0}" for host in hosts.split(",")]
    return ";".join(addresses), service or "mymaster"
