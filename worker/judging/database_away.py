"""A database that is away: tell it by its errors, and wait for it."""

import time

import psycopg
import sqlalchemy.exc
from sqlalchemy import Engine

DATABASE_ERRORS = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    sqlalchemy.exc.OperationalError,
    sqlalchemy.exc.InterfaceError,
)
# SQLSTATE classes of a database that is away, restarting or out of resources. An error without one
# means that it did not answer at all.
_AWAY = ("08", "53", "57P", "25006")
# How long a task waits in its place for the database, before the worker goes on to the next task.
# The broker would wait longer before it hands the task to another.
_WAIT_SECONDS = 5.0


def is_away(error: Exception) -> bool:
    """Tell whether the error is of a database that is away, be it psycopg's or SQLAlchemy's."""
    sqlstate = getattr(getattr(error, "orig", error), "sqlstate", None)
    return (isinstance(error, DATABASE_ERRORS) and sqlstate is None) or (sqlstate or "").startswith(
        _AWAY
    )


def wait_for(engine: Engine) -> None:
    """Wait until the database answers, a few seconds at most.

    The more tasks wait in their places, the fewer go to the broker and come back.
    """
    deadline, pause = time.monotonic() + _WAIT_SECONDS, 0.05
    while time.monotonic() < deadline:
        try:
            engine.connect().close()
        except DATABASE_ERRORS:
            time.sleep(pause)
            pause = min(2 * pause, 1.0)
        else:
            return
