"""Bound what one judgement judges beside the punches that it takes.

In a pile, thousands of punches of one person or device near each other in time, each batch may
change the outcome of all the others. Those that still wait are left to their own batch, where they
are judged with everything there is. Of the rest a judgement takes some, and puts the others at the
end of what waits, once each, as punches to judge again that touch nobody else: like a backfill
they let live punches go first. So a pile costs about what as many punches apart do.

What a correction or a void withdraws names it, also where it is withdrawn later: its cause waits
with each punch that was left, whichever row it waits by, as `by`.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Cursor

from models.bulk import document
from models.ids import Id
from models.intake.punches import cause
from models.tables.punches import VERSION
from worker.judging.corrections import (
    NONE,
    Correction,
    Corrections,
    as_json,
    behind,
    corrections_of,
    left_with,
)
from worker.load.arrays import texts
from worker.load.touched import Touched
from worker.rules.finding import Subject

MOST_ALONG = 250  # punches that one judgement judges beside those that were touched

_IDLE = """
SELECT punch_id FROM unnest(%(punches)s::text[]) AS along(punch_id)
EXCEPT SELECT punch_id FROM pending WHERE tenant_id = %(tenant_id)s
"""
_VERSION = ", ".join(VERSION)
_LEAVE = f"""
INSERT INTO pending ({_VERSION}, received_at, cause, backfill)
SELECT {_VERSION}, %(at)s, %(cause)s::jsonb, true FROM punch
WHERE tenant_id = %(tenant_id)s AND punch_id = ANY(%(punches)s) AND voided_at IS NULL
"""


# What withdrawal would look at of the anomalies of a punch, if they were withdrawn now.
_STANDING = """
SELECT punch_id, person_id, policy_version, evidence, private_evidence FROM anomaly
WHERE tenant_id = %(tenant_id)s AND punch_id = ANY(%(punches)s) AND standing
"""
_EXPLAIN = """
UPDATE pending SET cause = coalesce(cause, '{}') || jsonb_build_object('by', left_by.by)
FROM jsonb_to_recordset(%(rows)s::jsonb) AS left_by (punch_id text, by jsonb)
WHERE pending.tenant_id = %(tenant_id)s AND pending.punch_id = left_by.punch_id
    AND cause->'by' IS DISTINCT FROM left_by.by
"""


class _Standing(NamedTuple):
    punch_id: str
    person_id: Id
    policy_version: int
    evidence: dict[str, Any]
    private_evidence: dict[str, Any] | None


def bounded(
    cursor: Cursor, tenant_id: Id, touched: Touched, subjects: frozenset[Subject], at: datetime
) -> frozenset[Subject]:
    """Return the subjects to judge now, and have the others wait. Needs the tenant's lock."""
    own = {punch.punch_id for punch in touched.punches} | touched.again
    along = [s.punch_id for s in subjects if s.punch_id and s.punch_id not in own]
    if len(along) <= MOST_ALONG:
        return subjects
    put_off = set(along).difference(_leave(cursor, tenant_id, touched, along, MOST_ALONG, at))
    return frozenset(subject for subject in subjects if subject.punch_id not in put_off)


def leave(
    cursor: Cursor, tenant_id: Id, touched: Touched, punch_ids: Collection[str], at: datetime
) -> None:
    """Have punches wait to be judged again by themselves. Needs the tenant's lock."""
    if punch_ids:
        _leave(cursor, tenant_id, touched, punch_ids, 0, at)


def _leave(
    cursor: Cursor,
    tenant_id: Id,
    touched: Touched,
    punch_ids: Collection[str],
    but: int,
    at: datetime,
) -> list[str]:
    """Have punches wait, each once, `but` for so many of those that do not wait yet: return
    these.
    """
    values = {"tenant_id": tenant_id, "punches": texts(punch_ids)}
    idle = sorted(punch_id for (punch_id,) in cursor.execute(_IDLE, values).fetchall())
    if later := idle[but:]:
        cursor.execute(
            _LEAVE,
            {"tenant_id": tenant_id, "punches": texts(later), "at": at, "cause": cause.AGAIN},
        )
    put_off = set(punch_ids).difference(idle[:but])
    if put_off and (corrections := corrections_of(touched.punches)):
        _leave_with(cursor, tenant_id, put_off, corrections)
    return idle[:but]


def _leave_with(
    cursor: Cursor, tenant_id: Id, put_off: Collection[str], corrections: Corrections
) -> None:
    """Note with the punches that wait what their anomalies are to name if they are withdrawn.

    Of several corrections it is that which would be named now, for each anomaly that stands.
    """
    before = left_with(cursor, tenant_id, put_off)
    values = {"tenant_id": tenant_id, "punches": texts(put_off)}
    by: dict[str, list[Correction]] = {}
    for anomaly in map(_Standing._make, cursor.execute(_STANDING, values).fetchall()):
        correction = behind(anomaly, None, corrections, before.get(anomaly.punch_id, NONE))
        named = by.setdefault(anomaly.punch_id, [])
        if correction and correction not in named:
            named.append(correction)
    rows = [
        {"punch_id": punch_id, "by": [as_json(correction) for correction in _latest_first(named)]}
        for punch_id, named in by.items()
        if named
    ]
    if rows:
        cursor.execute(_EXPLAIN, {"tenant_id": tenant_id, "rows": document(rows)})


def _latest_first(corrections: list[Correction]) -> list[Correction]:
    return sorted(corrections, key=lambda each: (each.received_at, each.punch_id), reverse=True)
