"""Filling a queue fast: one task is sent as any producer sends it, and its message on Redis is the
form for all the others.

Tasks that are to be done all at once wait in another queue until then: nothing can tell a worker of
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
# Nobody consumes these two.
FORM_QUEUE = "bench-forms"
PREPARED_QUEUE = "bench-prepared"  # which `release` renames to QUEUE


def prepare(app: Celery, broker: redis.Redis, task: str, calls: Iterable[dict[str, Any]]) -> int:
    """Prepare one call of `task` with each of the keyword arguments; return how many there are."""
    form: dict[str, Any] | None = None
    envelopes = []
    for kwargs in calls:
        form = form or _message_of(app, broker, task, kwargs)
        envelopes.append(_filled_in(form, kwargs))
    for start in range(0, len(envelopes), 1_000):
        broker.lpush(PREPARED_QUEUE, *envelopes[start : start + 1_000])
    return len(envelopes)


def _message_of(
    app: Celery, broker: redis.Redis, task: str, kwargs: dict[str, Any]
) -> dict[str, Any]:
    """The message that Celery makes of the call."""
    app.send_task(task, kwargs=kwargs, queue=FORM_QUEUE)
    raw = broker.lpop(FORM_QUEUE)
    assert isinstance(raw, bytes)
    message: dict[str, Any] = json.loads(raw)
    return message


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
    """Hand all prepared tasks to the workers at once. Their own queue must be empty: what is in it
    would be lost.
    """
    broker.rename(PREPARED_QUEUE, QUEUE)


def drained(broker: redis.Redis) -> bool:
    """Whether nothing is queued, and nothing taken that was not acknowledged."""
    return not broker.llen(QUEUE) and not broker.hlen("unacked")


def wait_drained(broker: redis.Redis, seconds: float) -> None:
    """Wait until three looks in a row find the broker drained: a task is in neither place while it
    moves from one to the other. Raises TimeoutError.
    """
    deadline = time.monotonic() + seconds
    empty_looks = 0
    while empty_looks < 3:
        empty_looks = empty_looks + 1 if drained(broker) else 0
        if time.monotonic() > deadline:
            raise TimeoutError(f"{broker.llen(QUEUE)} tasks still queued after {seconds} s")
        time.sleep(0.05)


def in_batches(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
