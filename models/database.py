"""Connecting to Postgres: one engine per process, made after any fork.

The asynchronous engine of a server's loop is in realtime.postgres.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from psycopg import Connection, Cursor
from psycopg import Error as DatabaseError
from sqlalchemy import Engine, PoolProxiedConnection, create_engine, event
from sqlalchemy.exc import InvalidatePoolError, OperationalError

from models.string_ids.adapting import CONNECTING as WITH_IDS
from models.string_ids.adapting import IdCursor
from models.string_ids.directory import DIRECTORY

# In milliseconds, and below Celery's soft time limit (60 s), so that Postgres gives up before a
# signal lands inside a COMMIT.
_SESSION = (
    "-c timezone=UTC -c statement_timeout=30000 -c lock_timeout=20000"
    " -c idle_in_transaction_session_timeout=30000"
)

# For a transaction in which Python works long between two statements, up to the hard limit of a
# task (90 s). If Postgres ended its session as idle, its locks would be lost, and its work.
KEEP_SESSION = "SET LOCAL idle_in_transaction_session_timeout = '95s'"

# The options of every engine. A Postgres that hangs, or a network that swallows packets, is noticed
# within seconds.
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
    # An error's text ends up in logs, and parameters hold names and places.
    "hide_parameters": True,
}


def connecting(with_ids: dict[str, Any]) -> dict[str, Any]:
    """Return CONNECTING for connections that read and write ids as models.string_ids has them."""
    return CONNECTING | {"connect_args": CONNECTING["connect_args"] | with_ids}


_CURSOR = "cursor of autocommitted"


def make_engine(url: str, *, pool_size: int = 2, trusted_seconds: float = 0.0) -> Engine:
    """Return an engine with a pool for one process. Call it after a fork, in the child.

    A connection is pinged before it is used, unless it was last used less than `trusted_seconds`
    ago: that saves a round trip to callers who try again where it turns out to be dead.
    """
    engine = create_engine(
        psycopg_url(url),
        pool_size=pool_size,
        max_overflow=2,
        **connecting(WITH_IDS),
    )
    _ping_after(engine, trusted_seconds)
    forget_ids_with_connections(engine)
    return engine


def forget_ids_with_connections(engine: Engine) -> None:
    """Forget string ids with each new connection: it may be to a restored database, which lacks
    some.
    """

    @event.listens_for(engine, "connect")
    def forget(_connection: Any, _record: Any) -> None:
        DIRECTORY.forget()


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
    """Return DATABASE_URL as SQLAlchemy wants it, whichever of the usual spellings it has."""
    scheme, _, rest = url.partition("://")
    return (
        f"postgresql+psycopg://{rest}"
        if scheme in ("postgres", "postgresql", "postgresql+psycopg")
        else url
    )


@contextmanager
def transaction(engine: Engine) -> Iterator[Cursor]:
    """Yield a psycopg cursor in a transaction, which the end of the block commits."""
    with (
        engine.begin() as connection,
        cast(Connection, connection.connection.driver_connection).cursor() as cursor,
    ):
        yield cursor


@contextmanager
def autocommitted(engine: Engine) -> Iterator[Cursor]:
    """Yield a psycopg cursor of which each statement is a transaction. Fetch within the block.

    A statement costs one round trip instead of three.
    """
    pooled = _checked_out(engine)
    driver = cast(Connection, pooled.driver_connection)
    try:
        driver.autocommit = True
        # It is kept, as it remembers how to write and read each type, which is a fifth of the cost
        # of a small statement.
        if _CURSOR not in pooled.info:
            pooled.info[_CURSOR] = driver.cursor()
        yield pooled.info[_CURSOR]
        driver.autocommit = False
    except BaseException:
        pooled.invalidate()  # nobody knows what state it is in
        raise
    finally:
        pooled.close()


def _checked_out(engine: Engine) -> PoolProxiedConnection:
    """Return a raw connection, which costs half of what `engine.connect` does.

    Raises the same OperationalError where there is none.
    """
    try:
        return engine.raw_connection()
    except DatabaseError as error:
        raise OperationalError(None, None, error) from error


@contextmanager
def pipelined(engine: Engine) -> Iterator[Cursor]:
    """Yield a psycopg cursor in a transaction, which waits for answers only where rows are fetched.

    So an error shows with the next fetch, or at the end of the block, which commits.
    """
    with engine.begin() as connection:
        driver = cast(Connection, connection.connection.driver_connection)
        with driver.pipeline():
            yield PipelinedCursor(driver)
            # In one round trip with what was sent last; the engine's own has nothing left to do.
            driver.execute("COMMIT", prepare=False)


class PipelinedCursor(IdCursor):
    """A cursor whose `execute` returns another, from which the rows are fetched, now or later."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        return self.connection.cursor().execute(query, params, **options)
