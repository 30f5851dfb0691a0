"""Bringing a database up to a revision: once Postgres answers, and one process at a time."""

import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, NullPool, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from models.database import psycopg_url
from models.migrations.patience import LOCK_TIMEOUT, Patience, limit_locks
from models.migrations.turns import turn


class PostgresAway(SystemExit):
    """Postgres did not answer in time, or did not let us in."""


def migrate(url: str, *, revision: str = "head", patience: float = 60.0) -> None:
    """Upgrade the database to `revision`, with a transaction for each one on the way.

    Two at once take turns, and the second finds nothing to do. Readers and writers go on meanwhile:
    none waits longer for us than LOCK_TIMEOUT. Raises PostgresAway after `patience` seconds without
    an answer, and TableBusy after as long without a lock.
    """
    engine = _make_engine(url)
    with _connected(engine, patience) as connection, turn(connection):
        limit_locks(connection, LOCK_TIMEOUT)
        connection.commit()
        retries = Patience(patience)
        while True:
            try:
                command.upgrade(alembic_config(connection, patience), revision)
                return
            except OperationalError as error:
                connection.rollback()
                retries.wait(connection, error)


def _make_engine(url: str) -> Engine:
    """Return an engine without the limits of models.database, as migrations may take longer."""
    options = {"connect_timeout": 5, "application_name": "rollcall migrate"}
    return create_engine(psycopg_url(url), poolclass=NullPool, connect_args=options)


def write_revision(url: str, message: str) -> None:
    """Write a revision into versions/, from the database as it is to models.tables.

    The database is at the newest revision. Whoever asked for the file reads and corrects it.
    """
    with create_engine(psycopg_url(url), poolclass=NullPool).connect() as connection:
        newest = max(path.name[:4] for path in (Path(__file__).parent / "versions").glob("0*.py"))
        command.revision(
            alembic_config(connection), message, autogenerate=True, rev_id=f"{int(newest) + 1:04}"
        )


def alembic_config(connection: Connection, patience: float = 60.0) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["patience"] = patience
    return config


def _connected(engine: Engine, patience: float) -> Connection:
    """Return a connection once Postgres gives one; meanwhile one line says what we wait for."""
    deadline = time.monotonic() + patience
    is_announced = False
    while True:
        try:
            return engine.connect()
        except OperationalError as error:
            where = make_url(str(engine.url)).render_as_string(hide_password=True)
            reason = str(error.orig).strip().splitlines()[0]
            if time.monotonic() >= deadline:
                raise PostgresAway(
                    f"rollcall: no Postgres at {where} after {patience:.0f} s: {reason}"
                ) from None
            if not is_announced:
                print(f"rollcall: waiting for Postgres at {where}: {reason}", flush=True)
                is_announced = True
            time.sleep(0.2)
