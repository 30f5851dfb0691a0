"""From a message to the pool: Celery's own way, for what is the message of a task."""

from collections.abc import Callable
from typing import Any

from celery.exceptions import InvalidTaskError
from celery.worker.strategy import default


def strategy(task: Any, app: Any, consumer: Any, **options: Any) -> Callable[..., Any]:
    """Take a message as Celery does, but refuse a body of no known shape: it ends the worker."""
    take = default(task, app, consumer, **options)

    def take_tasks_only(message: Any, body: Any, *rest: Any, **more: Any) -> Any:
        payload = message.payload if body is None else body
        is_call = isinstance(payload, list | tuple) and len(payload) == 3
        if not is_call and not isinstance(payload, dict):
            raise InvalidTaskError("no task message")
        return take(message, body, *rest, **more)

    return take_tasks_only
