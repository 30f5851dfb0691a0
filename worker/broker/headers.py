"""Read the headers of a task's message, and keep only those that are used and make sense.

A producer may write anything there. Celery believes all of it, and may end over it.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from celery.utils.time import maybe_iso8601

_KEPT = ("root_id", "parent_id", "origin")


def headers_in(headers: dict[str, Any]) -> dict[str, Any]:
    """Return the headers that are kept. Raises KeyError where no task is named."""
    task_id, retries = headers.get("id"), headers.get("retries")
    return {
        "task": headers["task"],
        "id": str(task_id) if isinstance(task_id, str | UUID) and task_id else str(uuid4()),
        "retries": retries if type(retries) is int else 0,
        **{name: headers[name] for name in _KEPT if isinstance(headers.get(name), str)},
    }


def deadline_in(headers: dict[str, Any], *, keeps_expired: bool) -> dict[str, Any]:
    """Return the header `expires`, by which Celery drops the task.

    For a task that `keeps_expired`, return `expired` instead: whether it is too late now, or was
    when it came first.
    """
    if keeps_expired and headers.get("expired") is True:
        return {"expired": True}
    moment = _moment(headers.get("expires"))
    if moment is None:
        return {}
    if keeps_expired:
        return {"expired": moment < datetime.now(UTC)}
    return {"expires": headers["expires"]}


def _moment(value: object) -> datetime | None:
    """Read a moment, in UTC where it has no offset, as Celery writes it. None for all else."""
    try:
        moment = maybe_iso8601(value) if isinstance(value, str) else None
        return moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None
    except (OverflowError, ValueError):
        return None
