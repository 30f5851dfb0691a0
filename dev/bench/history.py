"""What a company has behind it: punches of days gone by, judged long ago."""

import psycopg

from dev.bench.company import Company

# Everybody's days until the day before yesterday: in at the start of the shift, out at its end.
# Where `count` ends within a day it is
# the oldest: a last check-in without its check-out would be judged once more with the next.
HISTORY = """
INSERT INTO punch (tenant_id, punch_id, person_id, site_id, is_check_in, occurred_at, person_name, latitude, longitude, accuracy_m,
    is_mock_location, device_id, biometric_method, biometric_score, biometric_liveness, biometric_person_id, content_hash, received_at)
SELECT s.tenant_id, format('h%%s-%%s-%%s', s.person_id, day, half), s.person_id, s.site_id, half = 0,
    CASE half WHEN 0 THEN s.starts_at ELSE s.ends_at END - (day + 1) * interval '1 day', 'Person ' || s.person_id,
    p.latitude, p.longitude, 10, false, 'kiosk-' || s.site_id, 'face', 0.95, 0.95, s.person_id,
    '\\x00'::bytea, clock_timestamp() - day * interval '1 day'
FROM (
    SELECT day, half, s.* FROM generate_series(1, %(days)s) AS day CROSS JOIN generate_series(1, 0, -1) AS half CROSS JOIN shift s
    ORDER BY day, half DESC LIMIT %(count)s
) AS s JOIN site p ON p.tenant_id = s.tenant_id AND p.site_id = s.site_id
ORDER BY day DESC, half
"""


# The fields are asked for so that the rows are read, and not only the index.
LAST_PUNCHES = """
SELECT count(p.accuracy_m) FROM (SELECT DISTINCT tenant_id, person_id FROM shift) AS s CROSS JOIN LATERAL (
    SELECT accuracy_m FROM punch WHERE tenant_id = s.tenant_id AND person_id = s.person_id ORDER BY occurred_at DESC LIMIT 2
) AS p
"""


def store_history(database_url: str, company: Company, count: int) -> None:
    """`count` punches, as a database that has been in use has them: with statistics, and frozen."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        if count:
            connection.execute(HISTORY, {"days": count // (2 * company.people) + 1, "count": count})
        connection.execute("VACUUM (FREEZE, ANALYZE)")
        connection.execute("CHECKPOINT")


def recall_last_punches(database_url: str) -> None:
    """Bring into Postgres' memory what people who punch daily keep there."""
    with psycopg.connect(database_url) as connection:
        connection.execute(LAST_PUNCHES)
