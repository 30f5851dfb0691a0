"""One migration at a time in a database."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

# Migrations exclude only each other: no key of models.locks is this one, short of a collision of
# 64-bit hashes.
_KEY = {"key": -1}
_TAKE = text("SELECT pg_try_advisory_lock(:key)")
_GIVE_BACK = text("SELECT pg_advisory_unlock(:key)")


@contextmanager
def turn(connection: Connection) -> Iterator[None]:
    """Wait for other migrations of this database to end, and keep them out for the length of the
    block.

    The lock is the session's: each revision has a transaction of its own. It is asked for again and
    again, never waited for in one statement, which the building of an index would in turn wait for.
    """
    _wait(connection)
    try:
        yield
    finally:
        if not connection.invalidated:  # a session that is gone has given it back
            connection.rollback()
            connection.execute(_GIVE_BACK, _KEY)
            connection.commit()


def _wait(connection: Connection) -> None:
    told = False
    while not _take(connection):
        if not told:
            print("rollcall: waiting for another migration of this database to end", flush=True)
            told = True
        time.sleep(0.2)


def _take(connection: Connection) -> bool:
    taken = connection.execute(_TAKE, _KEY).scalar_one()
    connection.commit()
    return bool(taken)
