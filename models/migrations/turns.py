"""One migration at a time in a database."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

# No key of models.locks is this one, short of a collision of 64-bit hashes.
_KEY = {"key": -1}
_TAKE = text("SELECT pg_try_advisory_lock(:key)")
_GIVE_BACK = text("SELECT pg_advisory_unlock(:key)")


@contextmanager
def turn(connection: Connection) -> Iterator[None]:
    """Wait for other migrations of this database to end, and keep them out during the block.

    The lock is the session's, as each revision has a transaction of its own. We ask for it again
    and again: the building of an index would wait for a statement that waits for it.
    """
    _wait(connection)
    try:
        yield
    finally:
        if not connection.invalidated:  # else the session is gone, and the lock with it
            connection.rollback()
            connection.execute(_GIVE_BACK, _KEY)
            connection.commit()


def _wait(connection: Connection) -> None:
    is_announced = False
    while not _take(connection):
        if not is_announced:
            print("rollcall: waiting for another migration of this database to end", flush=True)
            is_announced = True
        time.sleep(0.2)


def _take(connection: Connection) -> bool:
    taken = connection.execute(_TAKE, _KEY).scalar_one()
    connection.commit()
    return bool(taken)
