"""What a producer says of its task, in the headers of the message: what is used and makes sense.

Celery believes the rest as well, and may end over it.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from celery.utils.time import maybe_iso8601

_KEPT = ("root_id", "parent_id", "origin")


def headers_in(given: dict[str, Any]) -> dict[str, Any]:
    """The headers that are kept of those given. Raises KeyError where no task is named."""
    task_id, retries = given.get("id"), given.get("retries")
    return {
        "task": given["task"],
        "id": str(task_id) if isinstance(task_id, str | UUID) and task_id else str(uuid4()),
        "retries": retries if type(retries) is int else 0,
        **{name: given[name] for name in _KEPT if isinstance(given.get(name), str)},
    }


def deadline_in(given: dict[str, Any], *, keeps_expired: bool) -> dict[str, Any]:
    """`expires`, for Celery to drop the task by.

    Where what is too late is kept: whether it is too late, or was when it came first.
    """
    if keeps_expired and given.get("expired") is True:
        return {"expired": True}
    moment = _moment(given.get("expires"))
    if moment is None:
        return {}
    if keeps_expired:
        return {"expired": moment < datetime.now(UTC)}
    return {"expires": given["expires"]}


def _moment(value: object) -> datetime | None:
    """One without an offset is in UTC, as Celery writes it. Nothing else is a deadline."""
    try:
        moment = maybe_iso8601(value) if isinstance(value, str) else None
        return moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None
    except (OverflowError, ValueError):
        return None
