"""Workers note when a sweep has finished, and when a task came through `attendance`: servers tell
by it whether work is done.
"""

import time
from typing import Any

import structlog
from celery import signals
from psycopg import Error as DatabaseError
from sqlalchemy.exc import SQLAlchemyError

from models import pulse
from models.database import autocommitted
from worker.process import this_process

PULSE_NOT_NOTED = "pulse_not_noted"
# Of the tasks of one name, or of those of `attendance`, a process notes one in so many seconds.
EVERY = 5.0

log = structlog.get_logger(__name__)

_noted_at: dict[str, float] = {}


@signals.task_success.connect(weak=False)
def note_success(sender: Any, **_: Any) -> None:
    """In the process that ran the task, after it has done what it owed."""
    name = _pulse_of(sender)
    now = time.monotonic()
    if name is None or now - _noted_at.get(name, -EVERY) < EVERY:
        return
    _noted_at[name] = now
    try:
        with autocommitted(this_process().engine) as cursor:
            pulse.note(cursor, name)
    except (SQLAlchemyError, DatabaseError) as error:
        log.warning(PULSE_NOT_NOTED, pulse=name, exc_info=error)


def _pulse_of(task: Any) -> str | None:
    sweep = task.name.removeprefix("upkeep.")
    if sweep in pulse.SWEEPS:
        return sweep
    came_by = (task.request.delivery_info or {}).get("routing_key")
    return pulse.TASKS if came_by == pulse.TASKS else None
