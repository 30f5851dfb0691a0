"""Trying a revision again where somebody else has locked the table that it changes.

Whoever waits for a table's strongest lock makes all its later readers and writers wait as well. So
a revision gives up after LOCK_TIMEOUT, and asks again after a pause in which they get on.
"""

import time

from psycopg import errors
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

LOCK_TIMEOUT = 1.0  # seconds
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0

_LIMIT = text("SELECT set_config('lock_timeout', :value, false)")
_OLDEST = text(
    """
    SELECT pid, coalesce(nullif(application_name, ''), 'unnamed') AS name,
        extract(epoch FROM clock_timestamp() - xact_start)::bigint AS seconds
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
    ORDER BY xact_start LIMIT 1
    """
)
_REVISION = text("SELECT max(version_num) FROM alembic_version")


def limit_locks(connection: Connection, seconds: float) -> None:
    """Let no statement of this session wait longer for a lock, once this is committed.

    It is no option of the connection, as poolers refuse those or leave them out.
    """
    connection.execute(_LIMIT, {"value": f"{max(1, int(seconds * 1000))}ms"})


class TableBusy(SystemExit):
    """A revision needs a table that somebody else kept locked for too long.

    The revisions before it stand.
    """


class Patience:
    """Allows each revision `seconds` of trying again, from when it first got no lock."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._revision: str | None = None
        self._deadline: float | None = None
        self._pause = _FIRST_PAUSE

    def wait(self, connection: Connection, error: OperationalError) -> None:
        """Pause. Raises `error` unless it is about a lock, and TableBusy where time is up."""
        if not isinstance(error.orig, errors.LockNotAvailable | errors.DeadlockDetected):
            raise error
        revision = connection.execute(_REVISION).scalar_one()
        why = _why(connection, error)
        connection.rollback()
        if self._deadline is None or revision != self._revision:
            self._revision, self._pause = revision, _FIRST_PAUSE
            self._deadline = time.monotonic() + self._seconds
            print(
                f"rollcall: the revision after {revision} waits for a lock: {why};"
                f" trying again for {self._seconds:.0f} s",
                flush=True,
            )
        if time.monotonic() >= self._deadline:
            raise TableBusy(
                f"rollcall: gave up on the revision after {revision}, which got no lock in"
                f" {self._seconds:.0f} s: {why}. The database is whole, at {revision}; end what"
                " holds the lock and migrate again, or give it longer with --patience"
            ) from None
        time.sleep(min(self._pause, max(0.0, self._deadline - time.monotonic())))
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


def _why(connection: Connection, error: OperationalError) -> str:
    """Say which statement got no lock, and which transaction is the oldest.

    That one most likely has the lock.
    """
    statement = " ".join((error.statement or "").split())[:100]
    oldest = connection.execute(_OLDEST).one_or_none()
    culprit = (
        f"pid {oldest.pid} ({oldest.name}) has a transaction open since {oldest.seconds} s"
        if oldest
        else "no transaction is open now"
    )
    return f"`{statement}`, and {culprit}"
