"""Filling a queue fast: one task is sent as any producer sends it, and its message on Redis is the
form for all the others.

What is to be done all at once waits under another name until then: nothing can tell a worker of
ours to hold back.
"""

import base64
import json
import time
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

import redis
from celery import Celery

QUEUE = "attendance"
FORMS = "bench-forms"  # which nobody consumes
HELD = "bench-held"  # likewise, until it is released


def fill(app: Celery, broker: redis.Redis, task: str, calls: Iterable[dict[str, Any]]) -> int:
    """Hold `task` once with each of the keyword arguments; returns how many."""
    form: dict[str, Any] | None = None
    envelopes = []
    for kwargs in calls:
        form = form or _sent(app, broker, task, kwargs)
        envelopes.append(_filled_in(form, kwargs))
    for start in range(0, len(envelopes), 1_000):
        broker.lpush(HELD, *envelopes[start : start + 1_000])
    return len(envelopes)


def _sent(app: Celery, broker: redis.Redis, task: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    app.send_task(task, kwargs=kwargs, queue=FORMS)
    message = broker.lpop(FORMS)
    assert isinstance(message, bytes)
    return json.loads(message)


def _filled_in(form: dict[str, Any], kwargs: dict[str, Any]) -> str:
    task_id = str(uuid4())
    body = json.dumps(
        [[], kwargs, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    )
    headers = {
        **form["headers"],
        "id": task_id,
        "root_id": task_id,
        "kwargsrepr": repr(kwargs)[:1024],
    }
    delivery = {"exchange": "", "routing_key": QUEUE}
    properties = {
        **form["properties"],
        "correlation_id": task_id,
        "delivery_tag": str(uuid4()),
        "delivery_info": delivery,
    }
    return json.dumps(
        {
            **form,
            "body": base64.b64encode(body.encode()).decode(),
            "headers": headers,
            "properties": properties,
        }
    )


def release(broker: redis.Redis) -> None:
    """Let the workers at all that is held, at once. What was in their queue would be lost: it is
    empty.
    """
    broker.rename(HELD, QUEUE)


def drained(broker: redis.Redis) -> bool:
    """Nothing queued, and nothing taken that was not acknowledged."""
    return not broker.llen(QUEUE) and not broker.hlen("unacked")


def wait_drained(broker: redis.Redis, seconds: float) -> None:
    """Three looks in a row: a task is in neither place while it moves from one to the other. Raises
    TimeoutError.
    """
    deadline = time.monotonic() + seconds
    quiet = 0
    while quiet < 3:
        quiet = quiet + 1 if drained(broker) else 0
        if time.monotonic() > deadline:
            raise TimeoutError(f"{broker.llen(QUEUE)} tasks still queued after {seconds} s")
        time.sleep(0.05)


def in_batches(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
