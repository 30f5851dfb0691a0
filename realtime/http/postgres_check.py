"""What Postgres is asked for readiness: its revision, how old the pulses are, if it can write."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from models.migrations.revision import IN_DATABASE, IS_MIGRATED
from models.pulse import AGES, NOTE, WRITTEN

# A full disk still takes what fits into pages and WAL that are there already. So half a megabyte is
# sorted in 64 kB of memory, by a file that is gone at once: no table or catalogue grows.
_LIMITS = (
    "SET LOCAL work_mem = '64kB'",
    "SET LOCAL temp_tablespaces = ''",
    "SET LOCAL statement_timeout = '2s'",
)
_SPILL = """
SELECT count(*) FROM (
    SELECT repeat(md5(n::text), 8) AS line FROM generate_series(1, 2000) AS n ORDER BY line OFFSET 1
) AS spilt
"""


class Seen(NamedTuple):
    """What was seen: the `revision`, None in a database that was never migrated.

    The rest is looked at only where it is ours: how old the pulses are, and the SQLSTATE with which
    writing failed, if it did.
    """

    revision: str | None
    ages: Sequence[tuple[str, timedelta]] | None = None
    unwritable: str = ""


class PostgresCheck:
    """`engine` is nobody else's, so that it waits for no viewer and no viewer for it."""

    def __init__(self, engine: AsyncEngine, revision: str) -> None:
        self._engine = engine
        self.revision = revision

    async def look(self) -> Seen:
        """Look. Raises SQLAlchemyError or OSError where Postgres does not answer."""
        async with self._engine.connect() as connection:
            migrated = (await connection.execute(text(IS_MIGRATED))).scalar_one()
            revision = (
                (await connection.execute(text(IN_DATABASE))).scalar_one() if migrated else None
            )
            if revision != self.revision:
                return Seen(revision)
            ages = (await connection.execute(text(AGES))).all()
            await connection.rollback()
            return Seen(revision, [(row[0], row[1]) for row in ages], await _unwritable(connection))


async def _unwritable(connection: AsyncConnection) -> str:
    """Return why Postgres cannot write, as an SQLSTATE; an empty text where it can.

    Raises SQLAlchemyError where it is gone by now.
    """
    try:
        async with connection.begin():
            for statement in (*_LIMITS, _SPILL):
                await connection.exec_driver_sql(statement)
            await connection.exec_driver_sql(NOTE, (WRITTEN,))
    except DBAPIError as error:
        sqlstate: str | None = getattr(error.orig, "sqlstate", None)
        if error.connection_invalidated or not sqlstate:
            raise
        return sqlstate
    return ""
