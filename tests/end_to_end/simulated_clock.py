"""A database with a clock that the test sets: what waits for a moment is judged by unchanged code
when the simulated moment comes.

A schema of the database's search path has `clock_timestamp()`, `statement_timestamp()` and `now()`,
and comes before that of Postgres.
"""

from datetime import datetime

import psycopg

_INSTALL = """
CREATE SCHEMA simulated;
CREATE TABLE simulated.clock (moment timestamptz NOT NULL);
INSERT INTO simulated.clock VALUES ('2000-01-01Z');
CREATE FUNCTION simulated.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS 'SELECT moment FROM simulated.clock';
CREATE FUNCTION simulated.statement_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS 'SELECT moment FROM simulated.clock';
CREATE FUNCTION simulated.now() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS 'SELECT moment FROM simulated.clock';
"""


class SimulatedClock:
    """The simulated clock of a database. It must be installed before anything else connects."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(database_url, autocommit=True)
        name = self._connection.info.dbname
        self._connection.execute(_INSTALL)
        self._connection.execute(
            f'ALTER DATABASE "{name}" SET search_path TO simulated, pg_catalog, public'
        )

    def set(self, moment: datetime) -> None:
        self._connection.execute("UPDATE simulated.clock SET moment = %s", (moment,))

    def close(self) -> None:
        self._connection.close()
