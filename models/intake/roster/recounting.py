"""Rewriting whose punches and shifts are, as people are merged.

The caller holds the tenant's lock. Rows are locked in the order of their keys, as those who correct
punches do.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from psycopg import Cursor

from models import substitutes
from models.ids import Id
from models.intake.roster.merges import as_text
from models.intake.roster.presence import COUNTS
from models.tables.punches import VERSION

_COUNTED = """coalesce((
    SELECT into_id FROM person_merge
    WHERE person_merge.tenant_id = %(tenant_id)s AND person_merge.person_id = {person}
        AND since <= {at} AND {at} < until
), {person})"""


def _counted(person: str, at: str) -> str:
    return _COUNTED.format(person=person, at=at)


_CHANGED = """
unnest(%(people)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[])
    AS changed(person_id, since, until)
"""
# The punches of a person, and those at which the reader recognised the person as somebody else.
_PUNCHES = f"""
SELECT DISTINCT found.punch_id FROM {_CHANGED} CROSS JOIN LATERAL (
    SELECT punch_id FROM punch
    WHERE tenant_id = %(tenant_id)s AND punch.person_id = changed.person_id
        AND occurred_at >= changed.since AND occurred_at < changed.until
    UNION ALL
    SELECT punch_id FROM punch
    WHERE tenant_id = %(tenant_id)s AND biometric_person_id = changed.person_id
        AND biometric_person_id <> punch.person_id
        AND occurred_at >= changed.since AND occurred_at < changed.until
    OFFSET 0
) AS found
"""
_LOCK_PUNCHES = """
SELECT FROM punch WHERE tenant_id = %(tenant_id)s AND punch_id = ANY(%(punches)s)
ORDER BY punch_id COLLATE "C" FOR NO KEY UPDATE
"""
_RECOUNT_PUNCHES = f"""
UPDATE punch SET
    person_id = now.person_id, said_person_id = nullif(now.said, now.person_id),
    biometric_person_id = now.body, said_biometric_person_id = nullif(now.said_body, now.body)
FROM (
    SELECT punch_id, said, said_body, {_counted("said", "occurred_at")} AS person_id,
        {_counted("said_body", "occurred_at")} AS body
    FROM (
        SELECT punch_id, occurred_at, coalesce(said_person_id, person_id) AS said,
            coalesce(said_biometric_person_id, biometric_person_id) AS said_body
        FROM punch WHERE tenant_id = %(tenant_id)s AND punch_id = ANY(%(punches)s)
    ) AS said
) AS now
WHERE punch.tenant_id = %(tenant_id)s AND punch.punch_id = now.punch_id
    AND (punch.person_id, punch.biometric_person_id) IS DISTINCT FROM (now.person_id, now.body)
"""
_VERSION = ", ".join(VERSION)
# Each that is somebody else's now is judged as it was and as it is: so all that is compared with it
# is judged again.
_RECOUNT_AND_AWAIT = f"""
WITH before AS MATERIALIZED (
    SELECT {_VERSION} FROM punch
    WHERE tenant_id = %(tenant_id)s AND punch_id = ANY(%(punches)s)
        AND voided_at IS NULL AND occurred_at >= %(oldest)s
), after AS (
    {_RECOUNT_PUNCHES} RETURNING {", ".join(f"punch.{name}" for name in VERSION)}
)
INSERT INTO pending ({_VERSION}, received_at)
SELECT {_VERSION}, %(at)s FROM (
    SELECT before.* FROM before JOIN after USING (tenant_id, punch_id)
    UNION ALL
    SELECT after.* FROM after JOIN before USING (tenant_id, punch_id)
) AS version
ORDER BY punch_id COLLATE "C"
"""
_SHIFTS = f"""
SELECT DISTINCT found.shift_id FROM {_CHANGED} CROSS JOIN LATERAL (
    SELECT shift_id FROM shift
    WHERE tenant_id = %(tenant_id)s AND shift.person_id = changed.person_id
        AND starts_at >= changed.since AND starts_at < changed.until
    UNION ALL
    SELECT shift_id FROM substitute
    WHERE tenant_id = %(tenant_id)s AND substitute.person_id = changed.person_id
        AND starts_at >= changed.since AND starts_at < changed.until
    OFFSET 0
) AS found
"""
_RECOUNT_SHIFTS = f"""
UPDATE shift SET
    person_id = now.whose, said_person_id = nullif(now.said, now.whose),
    substitutes = now.others, said_substitutes = nullif(now.said_others, now.others),
    standing = {COUNTS} AND (NOT person_left OR now.others <> '{{}}')
FROM (
    SELECT shift_id, said, said_others, {_counted("said", "starts_at")} AS whose,
        coalesce((
            SELECT array_agg(DISTINCT {_counted("other", "starts_at")})
            FROM unnest(said_others) AS other
        ), '{{}}') AS others
    FROM (
        SELECT shift_id, starts_at, coalesce(said_person_id, person_id) AS said,
            coalesce(said_substitutes, substitutes) AS said_others
        FROM shift WHERE tenant_id = %(tenant_id)s AND shift_id = ANY(%(shifts)s)
    ) AS said
) AS now
WHERE shift.tenant_id = %(tenant_id)s AND shift.shift_id = now.shift_id
    AND (shift.person_id, shift.substitutes) IS DISTINCT FROM (now.whose, now.others)
RETURNING shift.shift_id
"""

Changed = tuple[Id, datetime, datetime]  # a person, and from when to when they count otherwise


def recount_punches(
    cursor: Cursor, tenant_id: Id, changed: Iterable[Changed], *, oldest: datetime, at: datetime
) -> None:
    """Rewrite the punches that are stored as these people's, or as of their bodies.

    Put those since `oldest` up for judging that are somebody else's than before.
    """
    found = cursor.execute(_PUNCHES, _values(tenant_id, changed)).fetchall()
    values = {"tenant_id": tenant_id, "punches": [punch_id for (punch_id,) in found]}
    if found:
        cursor.execute(_LOCK_PUNCHES, values)
        cursor.execute(_RECOUNT_AND_AWAIT, values | {"oldest": oldest, "at": at})


def recount_named(cursor: Cursor, tenant_id: Id, punch_ids: Collection[str]) -> None:
    """Rewrite whose these punches are."""
    if punch_ids:
        values = {"tenant_id": tenant_id, "punches": list(punch_ids)}
        cursor.execute(_LOCK_PUNCHES, values)
        cursor.execute(_RECOUNT_PUNCHES, values)


def recount_shifts(
    cursor: Cursor, tenant_id: Id, changed: Iterable[Changed], written: Collection[str]
) -> list[str]:
    """Rewrite whose shifts are: those that are stored as these people's, and those `written`.

    Return the shifts that are somebody else's than before.
    """
    found = cursor.execute(_SHIFTS, _values(tenant_id, changed)).fetchall()
    shifts = sorted({*written, *(shift_id for (shift_id,) in found)})
    cursor.execute(_RECOUNT_SHIFTS, {"tenant_id": tenant_id, "shifts": shifts})
    recounted = [shift_id for (shift_id,) in cursor]
    substitutes.refresh(cursor, tenant_id, recounted)
    return recounted


def _values(tenant_id: Id, changed: Iterable[Changed]) -> dict[str, Any]:
    rows = list(changed)
    return {
        "tenant_id": tenant_id,
        "people": [person_id for person_id, _, _ in rows],
        "since": [as_text(since) for _, since, _ in rows],
        "until": [as_text(until) for _, _, until in rows],
    }
