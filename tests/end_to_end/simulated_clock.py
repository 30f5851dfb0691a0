"""A database whose clock the test sets: what waits for a moment is judged when the simulated moment
comes, by unchanged code.

`clock_timestamp()` and `now()` are found in a schema of the database's search path before those of
Postgres.
"""

from datetime import datetime

import psycopg

_INSTALL = """
CREATE SCHEMA simulated;
CREATE TABLE simulated.clock (moment timestamptz NOT NULL);
INSERT INTO simulated.clock VALUES ('2000-01-01Z');
CREATE FUNCTION simulated.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT moment FROM simulated.clock';
CREATE FUNCTION simulated.now() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT moment FROM simulated.clock';
"""


class SimulatedClock:
    """Install it before anything else connects."""

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
