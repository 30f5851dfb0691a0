"""The installation that a command works on: its database, with the logs of a process of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import DatabaseError
from psycopg import OperationalError as PostgresAway
from psycopg.errors import UndefinedColumn, UndefinedTable
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from models.commands.by_name import Failed
from models.database import make_engine
from models.migrations.revision import newest_revision
from models.misspelt import print_misspelt
from models.settings import load_settings
from models.starting import start_logs


@contextmanager
def database() -> Iterator[Engine]:
    """Yield an engine for DATABASE_URL. Logs go to standard error: standard output is for answers.

    Raises SettingsError, and Failed where Postgres is away, or lacks what this code needs.
    """
    settings = load_settings()
    start_logs(settings.log_level)
    print_misspelt()
    engine = make_engine(settings.database_url)
    try:
        yield engine
    except (DatabaseError, DBAPIError) as error:
        raise _explained(error) from error
    finally:
        engine.dispose()


def _explained(error: Exception) -> Exception:
    """Return an expected failure in words, any other as it is."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, UndefinedTable | UndefinedColumn):
        why = f"the database is not at revision {newest_revision()}, which this code needs"
        return Failed(f"{why}; `rollcall migrate` brings it there")
    if isinstance(cause, PostgresAway):
        reason = str(cause).strip().partition("\n")[0]
        return Failed(f"Postgres does not answer: {reason}; `rollcall check` tells more")
    return error
