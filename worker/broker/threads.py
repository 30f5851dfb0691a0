"""Refuse a pool of threads on RabbitMQ, where it does not work.

Its threads would acknowledge through one connection at once, which py-amqp is not made for (its
issue 267): it hangs.
"""

import sys
from typing import Any

from models.settings import load_settings


def refuse_threads(sender: Any, **_: Any) -> None:
    """Raise SystemExit where the starting worker has a pool of threads, and RabbitMQ as broker."""
    is_rabbitmq = load_settings().broker_url.startswith(("amqp", "pyamqp"))
    if is_rabbitmq and getattr(sender.pool_cls, "__module__", "") == "celery.concurrency.thread":
        print(
            "rollcall: --pool threads does not work on RabbitMQ; leave it out, or use --pool solo",
            file=sys.stderr,
        )
        raise SystemExit(2)
