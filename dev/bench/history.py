"""A company's history: punches of days gone by, judged long ago."""

import psycopg

from dev.bench.company import Company, punches
from dev.bench.punch_rows import copy_into, read_rows, values
from models.intake.punches.row import COLUMNS

# One punch of each person, of which the history has copies that differ in the columns below.
TABLE = "CREATE TEMP TABLE usual_punch (LIKE punch INCLUDING DEFAULTS)"
USUAL_SCORE = 0.95
DIFFERS = {
    "punch_id": "format('h%%s-%%s-%%s', planned.person_id, day, half)",
    "is_check_in": "half = 0",
    "occurred_at": """
        CASE half WHEN 0 THEN planned.starts_at ELSE planned.ends_at END
        - (day + 1) * interval '1 day'
    """,
    "sent_at": "NULL",  # by which it is told from the punches that are measured
}

# Everybody's days until the day before yesterday: in at the start of the shift, out at its end.
# Where `count` ends within a day it is the oldest: a last check-in without its check-out would be
# judged once more with the next.
HISTORY = f"""
INSERT INTO punch ({", ".join(COLUMNS)}, received_at)
SELECT
    {", ".join(DIFFERS.get(column, f"usual_punch.{column}") for column in COLUMNS)},
    clock_timestamp() - day * interval '1 day'
FROM (
    SELECT day, half, shift.*
    FROM generate_series(1, %(days)s) AS day
    CROSS JOIN generate_series(1, 0, -1) AS half
    CROSS JOIN shift
    ORDER BY day, half DESC
    LIMIT %(count)s
) AS planned
JOIN usual_punch USING (tenant_id, person_id)
ORDER BY day DESC, half
"""

# The fields are asked for so that the rows are read, and not only the index.
LAST_PUNCHES = """
SELECT count(last.accuracy_m)
FROM (SELECT DISTINCT tenant_id, person_id FROM shift) AS person
CROSS JOIN LATERAL (
    SELECT accuracy_m FROM punch
    WHERE tenant_id = person.tenant_id AND person_id = person.person_id
    ORDER BY occurred_at DESC
    LIMIT 2
) AS last
"""


def store_history(database_url: str, company: Company, count: int) -> None:
    """Store `count` punches, as a database that has been in use has them: with statistics, and
    frozen.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        if count:
            _copy_usual_punches(connection, company)
            connection.execute(HISTORY, {"days": count // (2 * company.people) + 1, "count": count})
        connection.execute("VACUUM (FREEZE, ANALYZE)")
        connection.execute("CHECKPOINT")


def recall_last_punches(database_url: str) -> None:
    """Bring into Postgres' memory what people who punch daily keep there."""
    with psycopg.connect(database_url) as connection:
        connection.execute(LAST_PUNCHES)


def _copy_usual_punches(connection: psycopg.Connection, company: Company) -> None:
    connection.execute(TABLE)
    rows = read_rows(
        punch | {"biometric": punch["biometric"] | {"score": USUAL_SCORE}}
        for punch in punches(company, 0.0)
    )
    with connection.cursor() as cursor, cursor.copy(copy_into("usual_punch")) as copy:
        for row in rows:
            copy.write_row(values(row))
