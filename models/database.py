"""Connecting to Postgres: one engine per process, made after any fork. That of a server's loop is
in realtime.postgres.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from psycopg import Connection, Cursor
from psycopg import Error as DatabaseError
from sqlalchemy import Engine, PoolProxiedConnection, create_engine, event
from sqlalchemy.exc import InvalidatePoolError, OperationalError

# Below Celery's soft time limit (60 s), so that Postgres gives up before a signal lands inside a
# COMMIT.
_SESSION = "-c timezone=UTC -c statement_timeout=30000 -c lock_timeout=20000 -c idle_in_transaction_session_timeout=30000"

# Of every engine. A Postgres that hangs, or a network that swallows packets, is noticed within
# seconds.
CONNECTING: dict[str, Any] = {
    "connect_args": {
        "options": _SESSION,
        "application_name": "rollcall",
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    },
    # an error's text ends up in logs, and parameters hold names and places
    "hide_parameters": True,
}

_CURSOR = "cursor of autocommitted"


def make_engine(url: str, *, pool_size: int = 2, trusted_seconds: float = 0.0) -> Engine:
    """A pool for one process. Under a forking pool call it in the child: connections do not survive
    a fork.

    A connection is pinged before it is used, unless it was used within `trusted_seconds`: for
    callers who try again.
    """
    engine = create_engine(
        psycopg_url(url),
        pool_size=pool_size,
        max_overflow=2,
        **CONNECTING,
    )
    _ping_after(engine, trusted_seconds)
    return engine


def _ping_after(engine: Engine, seconds: float) -> None:
    @event.listens_for(engine, "checkin")
    def note(_connection: Any, record: Any) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ping(connection: Any, record: Any, _proxy: Any) -> None:
        if "used_at" in record.info and time.monotonic() - record.info["used_at"] >= seconds:
            try:
                engine.dialect.do_ping(connection)
            except DatabaseError as dead:
                raise InvalidatePoolError("the database has closed the connection") from dead


def psycopg_url(url: str) -> str:
    """DATABASE_URL as SQLAlchemy wants it, whichever of the usual spellings the host gave it."""
    scheme, _, rest = url.partition("://")
    return (
        f"postgresql+psycopg://{rest}"
        if scheme in ("postgres", "postgresql", "postgresql+psycopg")
        else url
    )


@contextmanager
def transaction(engine: Engine) -> Iterator[Cursor]:
    """A psycopg cursor in a transaction of its own, which the end of the block commits: for SQL
    over whole batches.
    """
    with (
        engine.begin() as connection,
        cast(Connection, connection.connection.driver_connection).cursor() as cursor,
    ):
        yield cursor


@contextmanager
def autocommitted(engine: Engine) -> Iterator[Cursor]:
    """A psycopg cursor of which each statement is a transaction: one round trip instead of three.
    Fetch within the block.
    """
    pooled = _checked_out(engine)
    driver = cast(Connection, pooled.driver_connection)
    try:
        driver.autocommit = True
        # kept, as it remembers how to write and read each type: a fifth of a small statement
        if _CURSOR not in pooled.info:
            pooled.info[_CURSOR] = driver.cursor()
        yield pooled.info[_CURSOR]
        driver.autocommit = False
    except BaseException:
        pooled.invalidate()  # whatever state it is in
        raise
    finally:
        pooled.close()


def _checked_out(engine: Engine) -> PoolProxiedConnection:
    """A raw connection. Where none is to be had, it is the same error as of `engine.connect`, which
    costs twice as much.
    """
    try:
        return engine.raw_connection()
    except DatabaseError as away:
        raise OperationalError(None, None, away) from away


@contextmanager
def pipelined(engine: Engine) -> Iterator[Cursor]:
    """The same without waiting for each answer: statements are sent one after the other, and waited
    for where a row is fetched.

    An error shows with the next fetch, or at the end of the block.
    """
    with engine.begin() as connection:
        driver = cast(Connection, connection.connection.driver_connection)
        with driver.pipeline():
            yield Asking(driver)
            # in one round trip with what was sent last; the engine's finds nothing to do
            driver.execute("COMMIT", prepare=False)


class Asking(Cursor):
    """A cursor for several statements at a time: `execute` returns another, from which the rows are
    fetched, now or later.
    """

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        return self.connection.cursor().execute(query, params, **options)
