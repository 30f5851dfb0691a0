"""Shifts that nobody came for, as it stands: looked for where something may say another reason now.

A shift that is due, was judged and is attended by nobody has an anomaly that stands. So what may
change the reason alone is looked for among these, which are few, and not among all shifts.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from models import bulk
from models.ids import Id
from models.schemas.roster import LONGEST_SHIFT
from worker.load.arrays import texts
from worker.load.others import STRANGERS
from worker.load.ranges import Range, document, unnest
from worker.load.reading import Reading
from worker.load.touched import Touched
from worker.rules.sources import SOURCE_DAYS

_EVER = datetime.min.replace(tzinfo=UTC)
# `ix_anomaly_missed` holds these.
_STANDING = "a.standing AND a.reason IN ('no_show', 'no_show_unheard', 'stood_in_for')"
_MISSED = f"""
    SELECT a.shift_id, a.person_id, a.occurred_at FROM anomaly a
    WHERE a.tenant_id = %(tenant_id)s AND a.site_id = r.site_id
      AND a.occurred_at BETWEEN r.since AND r.until
      AND {_STANDING}
    OFFSET 0"""
_AT_SITES = f"""
SELECT m.shift_id FROM {unnest("sites", "site_id", "bigint")}
CROSS JOIN LATERAL ({_MISSED}) m
"""
# At all sites that a device was ever used at: shifts of people who may usually punch by it.
_BY_DEVICES = f"""
WITH RECURSIVE used AS (
    SELECT r.device_id, r.since, r.until, (
        SELECT p.site_id FROM punch p
        WHERE p.tenant_id = %(tenant_id)s AND p.device_id = r.device_id
        ORDER BY p.site_id LIMIT 1
    ) AS site_id
    FROM {unnest("devices", "device_id", "text")}
    UNION ALL
    SELECT r.device_id, r.since, r.until, (
        SELECT p.site_id FROM punch p
        WHERE p.tenant_id = %(tenant_id)s AND p.device_id = r.device_id AND p.site_id > r.site_id
        ORDER BY p.site_id LIMIT 1
    )
    FROM used r WHERE r.site_id IS NOT NULL
)
SELECT m.shift_id FROM used r
CROSS JOIN LATERAL ({_MISSED}) m
WHERE (SELECT EXISTS (
    SELECT FROM punch p
    WHERE p.tenant_id = %(tenant_id)s AND p.person_id = m.person_id
      AND p.occurred_at >= m.occurred_at - %(days)s AND p.occurred_at < m.occurred_at
      AND p.device_id || '' = r.device_id AND p.site_id + 0 = r.site_id
))
"""
_OF_SHIFTS = f"""
SELECT m.shift_id FROM (SELECT unnest(%(shifts)s::text[]) AS shift_id) r
CROSS JOIN LATERAL (
    SELECT a.shift_id FROM anomaly a
    WHERE a.tenant_id = %(tenant_id)s AND a.punch_id = '' AND a.shift_id = r.shift_id
      AND {_STANDING}
    OFFSET 0
) m
"""
# Where the roster changed, who has a shift there now may have been a stranger before.
_STOOD_FOR = f"""
WITH came AS MATERIALIZED (
    SELECT DISTINCT p.site_id, p.occurred_at FROM (
        SELECT tenant_id, person_id, site_id, occurred_at FROM punch
        WHERE tenant_id = %(tenant_id)s AND punch_id = ANY(%(punches)s::text[])
          AND is_check_in AND voided_at IS NULL
        UNION ALL
        SELECT %(tenant_id)s, person_id, site_id, occurred_at
        FROM json_to_recordset(%(versions)s::json)
          AS v(person_id bigint, site_id bigint, occurred_at timestamptz)
    ) p WHERE %(roster_changed)s OR ({STRANGERS})
)
SELECT m.shift_id FROM (
    SELECT site_id, occurred_at, greatest(occurred_at - %(longest)s, %(oldest)s) AS since,
        occurred_at + %(early)s AS until
    FROM came
) r
CROSS JOIN LATERAL ({_MISSED}) m
WHERE (
    SELECT s.ends_at FROM shift s
    WHERE s.tenant_id = %(tenant_id)s AND s.shift_id = m.shift_id
) >= r.occurred_at
"""


def find_missed(
    reading: Reading,
    sites: Sequence[Range[Id]],
    devices: Sequence[Range[str]],
    shifts: Collection[str],
) -> set[str]:
    """Return the ids of shifts that nobody came for: of those that begin within the ranges at their
    site, of those of people who used a device there in the days before, and of these `shifts`.
    """
    asked = [
        reading.cursor.execute(sql, {"tenant_id": reading.tenant_id, **parameters})
        for sql, asked_for, parameters in (
            (_AT_SITES, sites, {"sites": document(sites)}),
            (_BY_DEVICES, devices, {"devices": document(devices), "days": SOURCE_DAYS}),
            (_OF_SHIFTS, shifts, {"shifts": texts(shifts)}),
        )
        if asked_for
    ]
    return {shift_id for answer in asked for (shift_id,) in answer.fetchall()}


def find_stood_for(reading: Reading, touched: Touched, punch_ids: Iterable[str]) -> set[str]:
    """Return the ids of shifts that nobody came for, and in which check-ins may stand in or may
    have stood in: of these punches, and those that were touched.
    """
    punches = texts(punch_ids)
    if punches == "{}":
        return set()
    versions = [
        {"person_id": p.person_id, "site_id": p.site_id, "occurred_at": p.occurred_at}
        for p in touched.punches
    ]
    parameters: dict[str, Any] = {
        "tenant_id": reading.tenant_id,
        "least_early": reading.reach.least_early,
        "early": reading.reach.early,
        "longest": LONGEST_SHIFT,
        "punches": punches,
        "versions": bulk.document(versions),
        "oldest": touched.since or _EVER,
        "roster_changed": bool(touched.shifts or touched.people),
    }
    answer = reading.cursor.execute(_STOOD_FOR, parameters)
    return {row[0] for row in answer.fetchall()}
