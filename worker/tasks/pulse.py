"""Note when a sweep has finished, and when a task came through the queue `attendance`.

Servers tell by these notes whether work is done.
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
# A process notes each sweep, and the tasks of `attendance`, once in so many seconds.
SECONDS_BETWEEN_NOTES = 5.0

log = structlog.get_logger(__name__)

_noted_at: dict[str, float] = {}


def note_success(sender: Any, **_: Any) -> None:
    """Note that the task `sender` came through.

    Called in the process that ran it, after it has done what it owed.
    """
    name = _pulse_of(sender)
    now = time.monotonic()
    if name is None or now - _noted_at.get(name, -SECONDS_BETWEEN_NOTES) < SECONDS_BETWEEN_NOTES:
        return
    _noted_at[name] = now
    try:
        with autocommitted(this_process().engine) as cursor:
            pulse.note(cursor, name)
    except (SQLAlchemyError, DatabaseError) as error:
        log.warning(PULSE_NOT_NOTED, pulse=name, exc_info=error)


signals.task_success.connect(note_success)


def _pulse_of(task: Any) -> str | None:
    sweep: str = task.name.removeprefix("upkeep.")
    if sweep in pulse.SWEEPS:
        return sweep
    queue = (task.request.delivery_info or {}).get("routing_key")
    return pulse.TASKS if queue == pulse.TASKS else None
