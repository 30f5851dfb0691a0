"""The floor under a batch: COPY of its punches into a table with the same indexes, three set-based
look-ups, a durable commit.
"""

import time
from collections.abc import Sequence

import psycopg

from dev.bench.company import Punch
from dev.bench.measure import cpu_seconds

TABLE = "CREATE TABLE floor_punch (LIKE punch INCLUDING ALL)"
COPY = (
    "COPY floor_punch (tenant_id, punch_id, person_id, site_id, is_check_in, occurred_at, person_name, latitude, longitude, accuracy_m,"
    " is_mock_location, device_id, biometric_method, biometric_score, biometric_liveness, biometric_person_id, content_hash, sent_at,"
    " received_at) FROM STDIN"
)
KEYS = "unnest(%(tenants)s::bigint[], %(people)s::bigint[], %(sites)s::bigint[], %(times)s::timestamptz[]) AS k (tenant, person, site, at)"
LOOK_UPS = (
    f"""SELECT k.person, p.punch_id, p.site_id, p.is_check_in, p.occurred_at, p.latitude, p.longitude FROM {KEYS} CROSS JOIN LATERAL (
        SELECT * FROM floor_punch f WHERE f.tenant_id = k.tenant AND f.person_id = k.person AND f.occurred_at < k.at
        ORDER BY f.occurred_at DESC LIMIT 1) AS p""",
    f"""SELECT k.person, s.shift_id, s.site_id, s.starts_at, s.ends_at FROM {KEYS} JOIN shift s
        ON s.tenant_id = k.tenant AND s.person_id = k.person AND s.starts_at
        BETWEEN k.at - interval '12 hours' AND k.at + interval '4 hours'""",
    f"""SELECT k.person, a.site_id, s.latitude, s.longitude, s.radius_m FROM {KEYS}
        JOIN assignment a ON a.tenant_id = k.tenant AND a.person_id = k.person AND a.site_id = k.site
        JOIN site s ON s.tenant_id = k.tenant AND s.site_id = k.site""",
)
HASH = bytes(16)


def cpu_per_punch(
    database_url: str, postgres_pid: int, batches: Sequence[Sequence[Punch]]
) -> float:
    """CPU seconds of this process and of Postgres for each punch."""
    rows = [[_row(punch) for punch in batch] for batch in batches]
    with psycopg.connect(database_url) as connection:
        connection.execute(TABLE)
        connection.commit()
        here, there = time.process_time(), cpu_seconds(postgres_pid)
        for batch in rows:
            _store(connection, batch)
        used = time.process_time() - here + cpu_seconds(postgres_pid) - there
        connection.execute("DROP TABLE floor_punch")
    return used / sum(map(len, batches))


def _store(connection: psycopg.Connection, rows: Sequence[tuple[object, ...]]) -> None:
    keys = {
        "tenants": [r[0] for r in rows],
        "people": [r[2] for r in rows],
        "sites": [r[3] for r in rows],
        "times": [r[5] for r in rows],
    }
    with connection.transaction(), connection.cursor() as cursor:
        with cursor.copy(COPY) as copy:
            for row in rows:
                copy.write_row(row)
        for look_up in LOOK_UPS:
            cursor.execute(look_up, keys).fetchall()


def _row(punch: Punch) -> tuple[object, ...]:
    biometric = punch["biometric"]
    return (
        *(punch[name] for name in ("tenant_id", "punch_id", "person_id", "site_id")),
        punch["kind"] == "check_in",
        *(
            punch[name]
            for name in (
                "occurred_at",
                "person_name",
                "latitude",
                "longitude",
                "accuracy_m",
                "is_mock_location",
                "device_id",
            )
        ),
        *(biometric[name] for name in ("method", "score", "liveness", "matched_person_id")),
        HASH,
        punch["sent_at"],
        punch["sent_at"],
    )
