"""What waits to be judged: versions of punches (`pending`) and changes of the roster
(`roster_change`), oldest first.

Rows are deleted in the transaction that records their judgement, so a crash leaves them. Two
tables, one way to treat them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from psycopg import Cursor

from models.policy import Policy, merged
from worker.load.arrays import numbers
from worker.load.touched import Touched, TouchedPunch

BATCH = 1_000  # rows of `pending` in one judgement
CHANGES = 50  # keys of `roster_change`, each of which may reach back over weeks


class Batch(NamedTuple):
    """What one judgement takes. `received_at`, where it is about punches, is when the oldest came."""

    table: str
    ids: list[int]
    touched: Touched
    received_at: datetime | None = None


_WAITING = """
SELECT EXISTS (SELECT FROM pending WHERE tenant_id = %(tenant_id)s AND attempts = 0)
    OR EXISTS (SELECT FROM roster_change WHERE tenant_id = %(tenant_id)s AND attempts = 0)
"""
_PENDING = f"""
SELECT pending_id, {", ".join(TouchedPunch._fields)}
FROM pending
WHERE tenant_id = %(tenant_id)s AND CASE WHEN %(ids)s::bigint[] IS NULL THEN attempts = 0 ELSE pending_id = ANY(%(ids)s) END
ORDER BY pending_id LIMIT %(limit)s
"""
# Every row of a key is taken at once, however often it changed.
_CHANGED = """
SELECT array_agg(change_id), kind, key
FROM roster_change
WHERE tenant_id = %(tenant_id)s AND CASE WHEN %(ids)s::bigint[] IS NULL THEN attempts = 0 ELSE change_id = ANY(%(ids)s) END
GROUP BY kind, key ORDER BY min(change_id) LIMIT %(limit)s
"""
_POLICY = "SELECT policy FROM tenant WHERE tenant_id = %s"
# A tenant's or site's change touches everybody seen or expected there, also by their biometrics or
# by what names the site in others'
# anomalies: spread over people, so that no judgement grows with the company.
_SPREAD = """
INSERT INTO roster_change (tenant_id, kind, key, at)
SELECT %(tenant_id)s, 'person', person_id::text, %(as_of)s
FROM (
    SELECT person_id FROM punch
    WHERE tenant_id = %(tenant_id)s AND occurred_at >= %(since)s AND voided_at IS NULL AND (%(all)s OR site_id = ANY(%(sites)s))
    UNION
    SELECT person_id FROM shift
    WHERE tenant_id = %(tenant_id)s AND ends_at >= %(since)s AND (%(all)s OR site_id = ANY(%(sites)s))
    UNION
    SELECT biometric_person_id FROM punch
    WHERE tenant_id = %(tenant_id)s AND occurred_at >= %(since)s AND voided_at IS NULL AND NOT %(all)s AND site_id = ANY(%(sites)s)
        AND biometric_person_id IS NOT NULL
    UNION
    SELECT other.person_id FROM punch JOIN punch AS other ON other.tenant_id = punch.tenant_id AND other.voided_at IS NULL
        AND other.biometric_person_id = coalesce(punch.biometric_person_id, punch.person_id)
        AND other.biometric_person_id <> other.person_id
        AND other.occurred_at BETWEEN punch.occurred_at - %(near)s AND punch.occurred_at + %(near)s
    WHERE punch.tenant_id = %(tenant_id)s AND punch.occurred_at >= %(since)s AND punch.voided_at IS NULL AND NOT %(all)s
        AND punch.site_id = ANY(%(sites)s)
    UNION
    SELECT person_id FROM anomaly
    WHERE tenant_id = %(tenant_id)s AND standing AND detected_at >= %(since)s AND NOT %(all)s
        AND string_to_array(other_sites, ',')::bigint[] && %(sites)s::bigint[]
) AS concerned
"""
# Others' anomalies that speak of people by name, who came to be known or unknown: recognised by a
# reader, on a device near them or of theirs, expected as a substitute. Devices declared as shared
# tell nothing of anybody. Spread likewise.
_SPEAKING = """
INSERT INTO roster_change (tenant_id, kind, key, at)
SELECT %(tenant_id)s, kind, key, %(as_of)s
FROM (
    SELECT 'person' AS kind, person_id::text AS key FROM punch
    WHERE tenant_id = %(tenant_id)s AND biometric_person_id = ANY(%(people)s) AND biometric_person_id <> person_id
        AND occurred_at >= %(since)s AND voided_at IS NULL
    UNION
    SELECT 'person', other.person_id::text
    FROM punch JOIN punch AS other ON other.tenant_id = punch.tenant_id AND other.device_id = punch.device_id AND other.voided_at IS NULL
        AND other.occurred_at BETWEEN punch.occurred_at - %(near)s AND punch.occurred_at + %(near)s
        AND other.person_id <> punch.person_id
    WHERE punch.tenant_id = %(tenant_id)s AND punch.person_id = ANY(%(people)s) AND punch.occurred_at >= %(since)s
        AND punch.voided_at IS NULL AND NOT EXISTS (
            SELECT FROM device WHERE device.tenant_id = punch.tenant_id AND device.device_id = punch.device_id AND shared AND NOT deleted
        )
    UNION
    SELECT 'device', device_id FROM device
    WHERE tenant_id = %(tenant_id)s AND person_id = ANY(%(people)s) AND NOT shared AND NOT deleted
    UNION
    SELECT 'shift', shift_id FROM substitute WHERE tenant_id = %(tenant_id)s AND person_id = ANY(%(people)s) AND starts_at >= %(since)s
) AS speaking
WHERE NOT EXISTS (
    SELECT FROM roster_change AS waiting WHERE waiting.tenant_id = %(tenant_id)s AND waiting.attempts = 0
        AND waiting.kind = speaking.kind AND waiting.key = speaking.key
)
"""
# A shift that was over before, and of which nothing stands since, is too long ago.
_RECENT = """
SELECT shift_id FROM unnest(%(shifts)s::text[]) AS changed(shift_id)
WHERE EXISTS (SELECT FROM shift s WHERE s.tenant_id = %(tenant_id)s AND s.shift_id = changed.shift_id AND s.ends_at >= %(since)s)
    OR EXISTS (SELECT FROM anomaly a WHERE a.tenant_id = %(tenant_id)s AND a.punch_id = '' AND a.shift_id = changed.shift_id
        AND a.standing AND a.occurred_at >= %(since)s)
"""
_NEAR = timedelta(minutes=60)  # the longest buddy window that a policy may ask for


def anything_waits(cursor: Cursor, tenant_id: int) -> bool:
    """Whether there is work for the next judgement. Rows whose judge died are the sweep's."""
    return cursor.execute(_WAITING, {"tenant_id": tenant_id}).fetchone() == (True,)


def take_punches(cursor: Cursor, tenant_id: int, ids: Sequence[int] | None = None) -> Batch | None:
    """Up to 1,000 rows that no judge has died of, or those of `ids` that are still there."""
    rows = cursor.execute(_PENDING, {"tenant_id": tenant_id, "ids": ids, "limit": BATCH}).fetchall()
    if not rows:
        return None
    ids = [pending_id for pending_id, *_ in rows]
    punches = tuple(TouchedPunch._make(columns) for _, *columns in rows)
    oldest = min(punch.received_at for punch in punches if punch.received_at)
    return Batch("pending", ids, Touched(punches=punches), oldest)


def take_changes(
    cursor: Cursor, tenant_id: int, as_of: datetime, ids: Sequence[int] | None = None
) -> Batch | None:
    """Likewise of the roster. A change of a whole tenant or site is spread over its people, who
    follow in later batches.
    """
    rows = cursor.execute(
        _CHANGED, {"tenant_id": tenant_id, "ids": ids, "limit": CHANGES}
    ).fetchall()
    if not rows:
        return None
    since = as_of - timedelta(days=_policy(cursor, tenant_id).rejudge_days)
    keys: dict[str, set[str]] = {}
    for _, kind, key in rows:
        keys.setdefault(kind, set()).add(key)
    if named := [int(key) for key in keys.get("named", ())]:
        cursor.execute(
            _SPEAKING,
            {
                "tenant_id": tenant_id,
                "people": named,
                "since": since,
                "as_of": as_of,
                "near": _NEAR,
            },
        )
    sites = [int(key) for key in keys.get("site", ())]
    if "tenant" in keys or sites:
        spread = {"tenant_id": tenant_id, "as_of": as_of, "since": since, "near": _NEAR}
        cursor.execute(_SPREAD, {**spread, "all": "tenant" in keys, "sites": sites})
    touched = Touched(
        people=frozenset(int(key) for key in keys.get("person", ())),
        devices=frozenset(keys.get("device", ())),
        shifts=_recent(cursor, tenant_id, keys.get("shift", set()), since),
        since=since,
    )
    return Batch("roster_change", [change_id for ids, _, _ in rows for change_id in ids], touched)


def _recent(cursor: Cursor, tenant_id: int, shifts: set[str], since: datetime) -> frozenset[str]:
    if not shifts:
        return frozenset()
    found = cursor.execute(
        _RECENT, {"tenant_id": tenant_id, "shifts": sorted(shifts), "since": since}
    ).fetchall()
    return frozenset(shift_id for (shift_id,) in found)


def discard(cursor: Cursor, tenant_id: int, batch: Batch) -> None:
    """Drop what has been judged. In the transaction that records the outcome."""
    cursor.execute(_DISCARD[batch.table], (tenant_id, numbers(batch.ids)))


def _policy(cursor: Cursor, tenant_id: int) -> Policy:
    row = cursor.execute(_POLICY, (tenant_id,)).fetchone()
    return merged(row[0] if row else {}, {})


_DISCARD = {
    "pending": "DELETE FROM pending WHERE tenant_id = %s AND pending_id = ANY(%s)",
    "roster_change": "DELETE FROM roster_change WHERE tenant_id = %s AND change_id = ANY(%s)",
}
