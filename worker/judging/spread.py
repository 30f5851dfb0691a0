"""Spread a change of a tenant, a site or a name over whoever it touches, for its time only.

Each is judged by a row of `roster_change` of its own, so that no judgement grows with the tenant.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from psycopg import Cursor

from models.schemas.roster import LONGEST_SHIFT
from worker.load.ranges import FOREVER, Range, document, unnest
from worker.load.tenant import DAY

_NEAR = timedelta(minutes=60)  # the longest buddy window that a policy may ask for
# Between a change and the start of a shift that it may matter to: the longest spell, and the
# longest window before a shift, that a policy may ask for.
_PRESENCE = timedelta(hours=72) + timedelta(hours=24)

# A change of a tenant or site touches everybody who was seen or is expected there at the time. It
# is spread over people, one row each, so that no judgement grows with the tenant. Punches are found
# by their sites, since no index has a tenant's by time alone: `OFFSET 0` keeps the planner to that.
_SPREAD_TENANT = """
INSERT INTO roster_change (tenant_id, kind, key, at, since, until)
SELECT %(tenant_id)s, 'person', person_id::text, %(as_of)s, %(from)s, nullif(%(to)s, %(forever)s)
FROM (
    SELECT seen.person_id
    FROM site
    CROSS JOIN LATERAL (
        SELECT person_id, biometric_person_id FROM punch
        WHERE punch.tenant_id = site.tenant_id
            AND punch.site_id = site.site_id
            AND punch.occurred_at BETWEEN %(from)s - %(presence)s AND %(to)s + %(presence)s
            AND punch.voided_at IS NULL
        OFFSET 0
    ) AS there
    CROSS JOIN LATERAL (
        VALUES (there.person_id), (there.biometric_person_id)
    ) AS seen (person_id)
    WHERE site.tenant_id = %(tenant_id)s AND seen.person_id IS NOT NULL
    UNION
    SELECT person_id FROM shift
    WHERE tenant_id = %(tenant_id)s
        AND starts_at >= %(from)s - %(presence)s - %(longest)s
        AND starts_at <= %(to)s + %(presence)s
        AND ends_at >= %(from)s - %(presence)s
) AS concerned
"""
# At a site, also by their biometrics, or in an anomaly elsewhere that names the site. A shift that
# is there no more leaves its site behind, and is told of for a day before it and after it. A shift
# that begins later may find people there who came at the time.
_SPREAD_SITES = f"""
INSERT INTO roster_change (tenant_id, kind, key, at, since, until)
SELECT %(tenant_id)s, 'person', person_id::text, %(as_of)s, min(since),
    nullif(max(until), %(forever)s)
FROM (
    SELECT seen.person_id, r.since, r.until
    FROM {unnest("sites", "site_id", "bigint")}
    JOIN punch
        ON punch.tenant_id = %(tenant_id)s
        AND punch.site_id = r.site_id
        AND punch.occurred_at BETWEEN r.since - %(day)s AND r.until + %(day)s
        AND punch.voided_at IS NULL
    CROSS JOIN LATERAL (
        VALUES (punch.person_id), (punch.biometric_person_id)
    ) AS seen (person_id)
    WHERE seen.person_id IS NOT NULL
    UNION
    SELECT person_id, r.since, r.until
    FROM {unnest("sites", "site_id", "bigint")}
    JOIN shift
        ON shift.tenant_id = %(tenant_id)s
        AND shift.site_id = r.site_id
        AND shift.starts_at >= r.since - %(presence)s - %(longest)s
        AND shift.starts_at <= r.until + %(presence)s
        AND shift.ends_at >= r.since - %(presence)s
    UNION
    SELECT other.person_id, r.since, r.until
    FROM {unnest("sites", "site_id", "bigint")}
    JOIN punch
        ON punch.tenant_id = %(tenant_id)s
        AND punch.site_id = r.site_id
        AND punch.occurred_at BETWEEN r.since - %(day)s AND r.until + %(day)s
        AND punch.voided_at IS NULL
    JOIN punch AS other
        ON other.tenant_id = punch.tenant_id
        AND other.voided_at IS NULL
        AND other.biometric_person_id = coalesce(punch.biometric_person_id, punch.person_id)
        AND other.biometric_person_id <> other.person_id
        AND other.occurred_at BETWEEN punch.occurred_at - %(near)s AND punch.occurred_at + %(near)s
    UNION
    SELECT person_id, r.since, r.until
    FROM anomaly
    CROSS JOIN LATERAL unnest(
        string_to_array(anomaly.other_sites, ',')::bigint[]
    ) AS other(site_id)
    JOIN {unnest("sites", "site_id", "bigint")}
        ON r.site_id = other.site_id
        AND anomaly.occurred_at BETWEEN r.since - %(day)s AND r.until + %(day)s
    WHERE anomaly.tenant_id = %(tenant_id)s
        AND anomaly.standing
        AND anomaly.other_sites <> ''
        AND anomaly.detected_at >= %(since)s - %(day)s
) AS concerned
GROUP BY person_id
"""
# Where a person comes to be known, or unknown, the anomalies of others change that name them: who
# were taken for the person by a reader, used the same device at nearly the same time, used one that
# is registered to the person, or have the person as substitute. Devices declared as shared tell
# nothing of anybody. This is spread in the same way, but for what waits already.
_SPREAD_NAMES = f"""
INSERT INTO roster_change (tenant_id, kind, key, at, since, until)
SELECT %(tenant_id)s, kind, key, %(as_of)s, since, nullif(until, %(forever)s)
FROM (
    SELECT kind, key, min(since) AS since, max(until) AS until
    FROM (
        SELECT 'person' AS kind, punch.person_id::text AS key, r.since, r.until
        FROM {unnest("people", "person_id", "bigint")}
        JOIN punch
            ON punch.tenant_id = %(tenant_id)s
            AND punch.biometric_person_id = r.person_id
            AND punch.biometric_person_id <> punch.person_id
            AND punch.occurred_at BETWEEN r.since AND r.until
            AND punch.voided_at IS NULL
        UNION
        SELECT 'person', other.person_id::text, r.since, r.until
        FROM {unnest("people", "person_id", "bigint")}
        JOIN punch
            ON punch.tenant_id = %(tenant_id)s
            AND punch.person_id = r.person_id
            AND punch.occurred_at BETWEEN r.since AND r.until
            AND punch.voided_at IS NULL
        JOIN punch AS other
            ON other.tenant_id = punch.tenant_id
            AND other.device_id = punch.device_id
            AND other.voided_at IS NULL
            AND other.occurred_at >= punch.occurred_at - %(near)s
            AND other.occurred_at <= punch.occurred_at + %(near)s
            AND other.person_id <> punch.person_id
        WHERE NOT EXISTS (
            SELECT FROM device_version AS declared
            WHERE declared.tenant_id = punch.tenant_id
                AND declared.device_id = punch.device_id
                AND declared.shared
                AND declared.since <= punch.occurred_at - %(near)s
                AND declared.until > punch.occurred_at + %(near)s
        )
        UNION
        SELECT 'device', device_id, r.since, r.until
        FROM {unnest("people", "person_id", "bigint")}
        JOIN device_version AS owned
            ON owned.tenant_id = %(tenant_id)s
            AND owned.person_id = r.person_id
            AND NOT owned.shared
            AND owned.since <= r.until
            AND owned.until >= r.since
        UNION
        SELECT 'shift', shift_id, r.since, r.until
        FROM {unnest("people", "person_id", "bigint")}
        JOIN substitute
            ON substitute.tenant_id = %(tenant_id)s
            AND substitute.person_id = r.person_id
            AND substitute.starts_at BETWEEN r.since - %(longest)s AND r.until + %(day)s
    ) AS concerned
    GROUP BY kind, key
) AS named
WHERE NOT EXISTS (
    SELECT FROM roster_change AS waiting
    WHERE waiting.tenant_id = %(tenant_id)s
        AND waiting.attempts = 0
        AND waiting.kind = named.kind
        AND waiting.key = named.key
        AND NOT waiting.alone
        AND coalesce(waiting.since, '-infinity') <= named.since
        AND coalesce(waiting.until, 'infinity') >= named.until
)
"""


def spread(
    cursor: Cursor, changes: Mapping[str, Sequence[Range[Any]]], values: dict[str, Any]
) -> None:
    """Have everybody judged whom a changed name, site or tenant touches, in later batches.

    `changes` are by kind, and of people and sites by their ids. `values` are the tenant_id,
    `as_of`, and since when anything is judged again.
    """
    values |= {
        "near": _NEAR,
        "presence": _PRESENCE,
        "day": DAY,
        "longest": LONGEST_SHIFT,
        "forever": FOREVER,
    }
    if people := changes.get("named"):
        cursor.execute(_SPREAD_NAMES, {**values, "people": document(people)})
    if sites := changes.get("site"):
        cursor.execute(_SPREAD_SITES, {**values, "sites": document(sites)})
    for _, since, until in changes.get("tenant", ()):
        cursor.execute(_SPREAD_TENANT, {**values, "from": since, "to": until})
