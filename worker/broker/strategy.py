"""The way of a message to the pool: Celery's own, but for messages of tasks only."""

from collections.abc import Callable
from typing import Any

from celery.exceptions import InvalidTaskError
from celery.worker.strategy import default


def strategy(task: Any, app: Any, consumer: Any, **options: Any) -> Callable[..., Any]:
    """Return Celery's handler of messages, but it refuses a body of no known shape.

    Celery would end the worker over one. Raises InvalidTaskError over it instead.
    """
    take = default(task, app, consumer, **options)

    def take_tasks_only(message: Any, body: Any, *rest: Any, **more: Any) -> Any:
        payload = message.payload if body is None else body
        is_call = isinstance(payload, list | tuple) and len(payload) == 3
        if not is_call and not isinstance(payload, dict):
            raise InvalidTaskError("no task message")
        return take(message, body, *rest, **more)

    return take_tasks_only
