"""Refusing: the one way to do it keeps a content once per tenant, with its reasons and count."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import Cursor
from sqlalchemy import Engine

from models.database import transaction
from models.ids import Id, time_ordered_id
from models.intake.content import as_json
from models.intake.refused.numbering import number_rejections
from models.intake.refused.outcome import Outcome, refusal
from models.intake.refused.rejection import Rejection
from models.intake.submitter import Submitter
from models.locks import rejected_lock_key


class Came(NamedTuple):
    """A content that came in, which settles its own earlier rejections.

    If it `stands` now, it settles those of its punch as well.
    """

    tenant_id: Id
    punch_id: str
    content_hash: bytes
    stands: bool


def refuse(
    cursor: Cursor,
    rejections: Sequence[Rejection],
    by: Submitter,
    at: datetime,
    *,
    door: str | None = None,
    backfill: bool = False,
    counted: bool = True,
    came: Sequence[Came] = (),
) -> list[Outcome]:
    """Settle earlier rejections of what `came`, then keep `rejections`. Return their outcomes.

    A rejection that is kept already gets its new reasons, and is counted if `counted`. `door` says
    which kind of submission it is, where `by` resubmits it and so came by another. It takes the
    tenants' locks, all at once and after all others.
    """
    tenant_ids = {rejection.tenant_id for rejection in rejections}
    tenant_ids |= {content.tenant_id for content in came}
    if tenant_ids:
        lock(cursor, tenant_ids)
    if came:
        _settle(cursor, came, at)
    if rejections:
        _keep(cursor, rejections, by, at, door or by.door, backfill, counted)
    return [refusal(rejection) for rejection in rejections]


def refuse_alone(
    engine: Engine, rejection: Rejection, by: Submitter, at: datetime, *, door: str | None = None
) -> Outcome:
    """Refuse a whole submission, and commit."""
    numbered = number_rejections(engine, [rejection])
    with transaction(engine) as cursor:
        (outcome,) = refuse(cursor, numbered, by, at, door=door)
    return outcome


def mark(engine: Engine, tenant_id: Id, rejected_ids: Sequence[UUID], at: datetime) -> None:
    """Note that these were submitted again and taken, and commit."""
    values = {"at": at, "tenant_id": tenant_id, "rejected_ids": list(rejected_ids)}
    with transaction(engine) as cursor:
        lock(cursor, [tenant_id])
        cursor.execute(_MARK, values)


_LOCK = "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key"

_MARK = """
UPDATE rejected SET resubmitted_at = %(at)s
WHERE tenant_id = %(tenant_id)s AND rejected_id = ANY(%(rejected_ids)s) AND resubmitted_at IS NULL
"""

# A submission that waits for its tenant or site may be a correction that still counts, so another
# content of its punch does not settle it. A content that came before and changed nothing settles
# only itself, as what was refused may be a correction of it.
_SETTLE = """
UPDATE rejected SET resubmitted_at = %(at)s
FROM unnest(
    %(tenant_id)s::bigint[], %(punch_id)s::text[], %(content_hash)s::bytea[], %(stands)s::boolean[]
) AS came(tenant_id, punch_id, content_hash, stands)
WHERE rejected.tenant_id = came.tenant_id AND rejected.punch_id = came.punch_id
    AND rejected.resubmitted_at IS NULL
    AND rejected.door NOT IN ('attendance.void', 'roster.sync', 'noc.publish')
    AND (rejected.content_hash = came.content_hash OR (came.stands AND rejected.waits_for IS NULL))
"""

_KEEP = """
INSERT INTO rejected (
    tenant_id, rejected_id, door, punch_id, person_id, site_id,
    content, content_hash, reasons, waits_for, occurred_at, backfill, times,
    received_at, submitted_by, confined
)
SELECT
    tenant_id, rejected_id, %(door)s, punch_id, person_id, site_id,
    content, content_hash, reasons, waits_for, occurred_at, %(backfill)s, times,
    %(received_at)s, %(submitted_by)s::jsonb, %(confined)s
FROM unnest(
    %(tenant_id)s::bigint[], %(rejected_id)s::uuid[],
    %(punch_id)s::text[], %(person_id)s::bigint[], %(site_id)s::bigint[],
    %(content)s::text[], %(content_hash)s::bytea[], %(reasons)s::jsonb[],
    %(waits_for)s::text[], %(occurred_at)s::timestamptz[], %(times)s::integer[]
) AS new(
    tenant_id, rejected_id, punch_id, person_id, site_id,
    content, content_hash, reasons, waits_for, occurred_at, times
)
ON CONFLICT (tenant_id, content_hash) DO UPDATE SET
    door = excluded.door,
    reasons = excluded.reasons,
    waits_for = excluded.waits_for,
    occurred_at = excluded.occurred_at,
    resubmitted_at = NULL,
    backfill = rejected.backfill AND excluded.backfill,
    times = rejected.times + excluded.times,
    submitted_by = excluded.submitted_by,
    confined = excluded.confined
"""


def lock(cursor: Cursor, tenant_ids: Iterable[Id]) -> None:
    """Let one transaction at a time write to a tenant's rejected rows.

    They have several keys, and no order of locking rows suits them all.
    """
    cursor.execute(_LOCK, [sorted({rejected_lock_key(tenant_id) for tenant_id in tenant_ids})])


def _settle(cursor: Cursor, came: Sequence[Came], at: datetime) -> None:
    columns = {name: [getattr(content, name) for content in came] for name in Came._fields}
    cursor.execute(_SETTLE, columns | {"at": at})


def _keep(
    cursor: Cursor,
    rejections: Sequence[Rejection],
    by: Submitter,
    at: datetime,
    door: str,
    backfill: bool,
    counted: bool,
) -> None:
    """Keep rejections; of several with the same content, the last one's reasons count."""
    times = Counter(rejection.key for rejection in rejections)
    last = {rejection.key: rejection for rejection in rejections}
    columns = {
        name: [getattr(rejection, name) for rejection in last.values()]
        for name in Rejection._fields
    }
    columns["reasons"] = [as_json(reasons).decode() for reasons in columns["reasons"]]
    columns["rejected_id"] = [time_ordered_id(at) for _ in last]
    columns["times"] = [times[key] if counted else 0 for key in last]
    common = {
        "door": door,
        "submitted_by": by.as_text(),
        "confined": by.sites is not None,
        "received_at": at,
        "backfill": backfill,
    }
    cursor.execute(_KEEP, columns | common)
