"""The floor under a batch: COPY of its punches into a table with the same indexes, three set-based
look-ups, a durable commit.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from dev.bench.company import Punch
from dev.bench.measure import cpu_seconds
from dev.bench.punch_rows import copy_into, read_rows, values

TABLE = "CREATE TABLE floor_punch (LIKE punch INCLUDING ALL)"
COPY = copy_into("floor_punch")
KEYS = """
unnest(
    %(tenants)s::bigint[], %(people)s::bigint[], %(sites)s::bigint[], %(times)s::timestamptz[]
) AS k (tenant, person, site, at)
"""
LOOK_UPS = (
    f"""
    SELECT k.person, p.punch_id, p.site_id, p.is_check_in, p.occurred_at, p.latitude, p.longitude
    FROM {KEYS}
    CROSS JOIN LATERAL (
        SELECT * FROM floor_punch f
        WHERE f.tenant_id = k.tenant AND f.person_id = k.person AND f.occurred_at < k.at
        ORDER BY f.occurred_at DESC
        LIMIT 1
    ) AS p
    """,
    f"""
    SELECT k.person, s.shift_id, s.site_id, s.starts_at, s.ends_at
    FROM {KEYS}
    JOIN shift s ON s.tenant_id = k.tenant AND s.person_id = k.person
        AND s.starts_at BETWEEN k.at - interval '12 hours' AND k.at + interval '4 hours'
    """,
    f"""
    SELECT k.person, a.site_id, s.latitude, s.longitude, s.radius_m
    FROM {KEYS}
    JOIN assignment a
        ON a.tenant_id = k.tenant AND a.person_id = k.person AND a.site_id = k.site
    JOIN site s ON s.tenant_id = k.tenant AND s.site_id = k.site
    """,
)


class Batch(NamedTuple):
    """Rows to copy, and by what the look-ups look for them."""

    rows: list[tuple[object, ...]]
    keys: dict[str, list[object]]


def cpu_per_punch(
    database_url: str, postgres_pid: int, batches: Sequence[Sequence[Punch]]
) -> float:
    """CPU seconds of this process and of Postgres for each punch. Reading the punches into rows is
    not counted.
    """
    prepared = [_prepare(batch) for batch in batches]
    with psycopg.connect(database_url) as connection:
        connection.execute(TABLE)
        connection.commit()
        own_before, postgres_before = time.process_time(), cpu_seconds(postgres_pid)
        for batch in prepared:
            _store(connection, batch)
        used = time.process_time() - own_before + cpu_seconds(postgres_pid) - postgres_before
        connection.execute("DROP TABLE floor_punch")
    return used / sum(map(len, batches))


def _prepare(punches: Sequence[Punch]) -> Batch:
    rows = read_rows(punches)
    keys = {
        "tenants": [row["tenant_id"] for row in rows],
        "people": [row["person_id"] for row in rows],
        "sites": [row["site_id"] for row in rows],
        "times": [row["occurred_at"] for row in rows],
    }
    return Batch([values(row) for row in rows], keys)


def _store(connection: psycopg.Connection, batch: Batch) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        with cursor.copy(COPY) as copy:
            for row in batch.rows:
                copy.write_row(row)
        for look_up in LOOK_UPS:
            cursor.execute(look_up, batch.keys).fetchall()
