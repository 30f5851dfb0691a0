"""The work that waits to be judged: live punches, then the roster, then punches of a backfill.

It is versions of punches (`pending`) and changes of the roster (`roster_change`), each oldest
first. Both are treated alike: rows are deleted in the transaction that records their judgement, so
a crash leaves them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from psycopg import Cursor

from models.ids import Id
from models.intake.roster.merges import Said, by_person, counts_as, load
from models.intake.roster.recounting import recount_named
from models.policy import merged
from worker.judging.spread import spread
from worker.load.arrays import numbers
from worker.load.ranges import FOREVER, Range
from worker.load.touched import Touched, TouchedPunch

TABLES = ("pending", "roster_change")
# How many rows of `pending`, or keys of `roster_change`, one judgement takes: worker.judging.pace
# chooses between these.
MOST_A_BATCH = 1_000
LEAST_A_BATCH = 20


class Batch(NamedTuple):
    """The rows that one judgement takes, and how many there are of what cannot be judged apart.

    `received_at` is when the oldest punch came, if any.
    """

    table: str
    ids: list[int]
    units: int
    touched: Touched
    received_at: datetime | None = None
    backfill: bool = False


_WAITING = """
SELECT EXISTS (SELECT FROM pending WHERE tenant_id = %(tenant_id)s AND attempts = 0)
    OR EXISTS (SELECT FROM roster_change WHERE tenant_id = %(tenant_id)s AND attempts = 0)
"""
_MERGING = "EXISTS (SELECT FROM person_merge WHERE tenant_id = %(tenant_id)s) AS merging"
_PENDING = f"""
SELECT pending_id, {_MERGING}, {", ".join(TouchedPunch._fields)}
FROM pending
WHERE tenant_id = %(tenant_id)s AND backfill = %(backfill)s AND attempts = 0
ORDER BY pending_id LIMIT %(limit)s
"""
_SUSPECTS = f"""
SELECT pending_id, {_MERGING}, {", ".join(TouchedPunch._fields)}
FROM pending
WHERE tenant_id = %(tenant_id)s AND pending_id = ANY(%(ids)s)
ORDER BY pending_id
"""
# Every row of a key is taken at once, however often it changed: for all the time from the first to
# the last moment for which it did.
_CHANGED = """
SELECT array_agg(change_id), kind, key, bool_and(alone), bool_or(alone),
    nullif(min(coalesce(since, '-infinity')), '-infinity'),
    nullif(max(coalesce(until, 'infinity')), 'infinity'),
    CASE WHEN kind IN ('person', 'named', 'site') THEN key::bigint END
FROM roster_change
WHERE tenant_id = %(tenant_id)s
    AND CASE
        WHEN %(ids)s::bigint[] IS NULL THEN attempts = 0
        ELSE change_id = ANY(%(ids)s)
    END
GROUP BY kind, key ORDER BY min(change_id) LIMIT %(limit)s
"""
_POLICY = """
SELECT policy FROM tenant_version
WHERE tenant_id = %(tenant_id)s AND since <= %(as_of)s AND %(as_of)s < until
"""
# The shifts that were not over before `since`, or have an anomaly since that stands.
_RECENT = """
SELECT shift_id FROM unnest(%(shifts)s::text[]) AS changed(shift_id)
WHERE EXISTS (
        SELECT FROM shift s
        WHERE s.tenant_id = %(tenant_id)s
            AND s.shift_id = changed.shift_id
            AND s.ends_at >= %(since)s
    )
    OR EXISTS (
        SELECT FROM anomaly a
        WHERE a.tenant_id = %(tenant_id)s
            AND a.punch_id = ''
            AND a.shift_id = changed.shift_id
            AND a.standing
            AND a.occurred_at >= %(since)s
    )
"""
# How many rows of a backfill were judged is noted with them, for GET /api/v1/backfill.
_DISCARD = {
    "pending": """
        WITH gone AS (
            DELETE FROM pending
            WHERE tenant_id = %(tenant_id)s AND pending_id = ANY(%(ids)s)
            RETURNING backfill AND cause->'again' IS NULL AS backfill
        ), old AS (
            DELETE FROM backfill_pace
            WHERE tenant_id = %(tenant_id)s AND since < clock_timestamp() - interval '5 minutes'
        )
        INSERT INTO backfill_pace (tenant_id, since, rows)
        SELECT %(tenant_id)s, date_bin('10 seconds', clock_timestamp(), 'epoch'), count(*)
        FROM gone WHERE backfill HAVING count(*) > 0
        ON CONFLICT (tenant_id, since) DO UPDATE SET rows = backfill_pace.rows + excluded.rows
    """,
    "roster_change": """
        DELETE FROM roster_change WHERE tenant_id = %(tenant_id)s AND change_id = ANY(%(ids)s)
    """,
}


def anything_waits(cursor: Cursor, tenant_id: Id) -> bool:
    """Tell whether there is work for the next judgement. Rows whose judge died are the sweep's."""
    return cursor.execute(_WAITING, {"tenant_id": tenant_id}).fetchone() == (True,)


def take_batch(
    cursor: Cursor, tenant_id: Id, as_of: datetime, limits: Mapping[str, int]
) -> Batch | None:
    """Take what is to be judged next, of what was never tried.

    `limits` are by table, and of punches of a backfill `limits["backfill"]`.

    A tenant's own history keeps neither its live punches nor its roster waiting for more than the
    judgement that is at work. Return None where nothing waits.
    """
    punches, keys = (limits[table] for table in TABLES)
    return (
        take_punches(cursor, tenant_id, limit=punches)
        or take_changes(cursor, tenant_id, as_of, limit=keys)
        or take_punches(cursor, tenant_id, limit=limits["backfill"], backfill=True)
    )


def take_punches(
    cursor: Cursor,
    tenant_id: Id,
    ids: Sequence[int] | None = None,
    *,
    limit: int = MOST_A_BATCH,
    backfill: bool = False,
) -> Batch | None:
    """Take versions of punches: these, or without `ids` those that were never tried.

    The latter are live ones, or of a `backfill`, up to `limit`. Return None where there are none.
    """
    values = {"tenant_id": tenant_id, "ids": ids, "limit": limit, "backfill": backfill}
    rows = cursor.execute(_PENDING if ids is None else _SUSPECTS, values).fetchall()
    if not rows:
        return None
    versions = [TouchedPunch._make(columns) for _, _, *columns in rows]
    punches = tuple(punch for punch in versions if not _is_again(punch))
    if rows[0][1]:
        punches = _counted(cursor, tenant_id, punches)
    again = frozenset(punch.punch_id for punch in versions if _is_again(punch))
    oldest = min((punch.received_at for punch in punches if punch.received_at), default=None)
    ids = [pending_id for pending_id, *_ in rows]
    return Batch("pending", ids, len(ids), Touched(punches=punches, again=again), oldest, backfill)


def _counted(
    cursor: Cursor, tenant_id: Id, punches: Sequence[TouchedPunch]
) -> tuple[TouchedPunch, ...]:
    """Return versions of punches as they count, as people are merged, and have them stored so.

    Until now those that came were stored as submitted, and may have been seen so: both are touched.
    """
    merges = by_person(load(cursor, tenant_id))
    counted = [_as_counted(punch, merges) for punch in punches]
    moved = [(one, other) for one, other in zip(punches, counted, strict=True) if one != other]
    recount_named(cursor, tenant_id, sorted({one.punch_id for one, _ in moved}))
    return (*punches, *(other for _, other in moved))


def _as_counted(punch: TouchedPunch, merges: Said) -> TouchedPunch:
    at, body = punch.occurred_at, punch.biometric_person_id
    return punch._replace(
        person_id=counts_as(merges, punch.person_id, at),
        biometric_person_id=None if body is None else counts_as(merges, body, at),
    )


def _is_again(punch: TouchedPunch) -> bool:
    return bool((punch.cause or {}).get("again"))


def take_changes(
    cursor: Cursor,
    tenant_id: Id,
    as_of: datetime,
    ids: Sequence[int] | None = None,
    *,
    limit: int = MOST_A_BATCH,
) -> Batch | None:
    """Take up to `limit` keys of the roster that have changed: these, or those never tried.

    A change of a whole tenant or site is spread over its people, who follow in later batches.
    """
    rows = cursor.execute(_CHANGED, {"tenant_id": tenant_id, "ids": ids, "limit": limit}).fetchall()
    if not rows:
        return None
    since = as_of - timedelta(days=_rejudge_days(cursor, tenant_id, as_of))
    changes: dict[str, list[Range[Any]]] = {}
    for _, kind, key, is_alone, _, changed_since, changed_until, id_ in rows:
        if not is_alone:
            until = min(changed_until or FOREVER, FOREVER)
            of_key = key if id_ is None else id_
            changed = Range(of_key, max(changed_since or since, since), until)
            changes.setdefault(kind, []).append(changed)
    spread(cursor, changes, {"tenant_id": tenant_id, "as_of": as_of, "since": since})
    touched = Touched(
        people=tuple(changes.get("person", ())),
        devices=tuple(changes.get("device", ())),
        shifts=_recent(cursor, tenant_id, {key for key, *_ in changes.get("shift", ())}, since),
        since=since,
        due_shifts=frozenset(key for _, _, key, _, was_left, *_ in rows if was_left),
    )
    change_ids = [change_id for key_ids, *_ in rows for change_id in key_ids]
    return Batch("roster_change", change_ids, len(rows), touched)


def _recent(cursor: Cursor, tenant_id: Id, shifts: set[str], since: datetime) -> frozenset[str]:
    if not shifts:
        return frozenset()
    values = {"tenant_id": tenant_id, "shifts": sorted(shifts), "since": since}
    return frozenset(shift_id for (shift_id,) in cursor.execute(_RECENT, values))


def discard(cursor: Cursor, tenant_id: Id, batch: Batch) -> None:
    """Drop the batch from what waits, in the transaction that records its judgement."""
    cursor.execute(_DISCARD[batch.table], {"tenant_id": tenant_id, "ids": numbers(batch.ids)})


def _rejudge_days(cursor: Cursor, tenant_id: Id, as_of: datetime) -> float:
    """Return how far back a change has punches judged again, by the tenant's policy by now."""
    row = cursor.execute(_POLICY, {"tenant_id": tenant_id, "as_of": as_of}).fetchone()
    return merged(row[0] if row else {}, {}).rejudge_days
