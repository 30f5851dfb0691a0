"""Keeping what was refused: once per tenant and content, with its reasons and how often it came."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import Cursor

from models.ids import time_ordered_id
from models.intake.content import as_json, as_text, digest
from models.intake.refused.reasons import Reason, reason
from models.intake.submitter import Submitter
from models.locks import rejected_lock_key

LARGEST_ID = 2**53 - 1

TENANT_UNKNOWN = reason("unknown_tenant", "tenant_id", "is not known; bring it with roster.sync, and this is taken up again by itself")
SITE_UNKNOWN = reason(
    "unknown_site", "site_id", "is not in the tenant's roster; bring it with roster.sync, and this is taken up again by itself"
)


OTHER_SITE = reason(
    "other_site", "site_id", "may not be written to by whoever submitted this, nor may the punch be taken from another; resubmit it"
)


class Rejection(NamedTuple):
    """Something refused. tenant_id is 0 where none could be read; `waits_for` names what a roster.sync has to bring."""

    tenant_id: int
    punch_id: str | None
    person_id: int | None
    site_id: int | None
    content: str
    content_hash: bytes
    reasons: list[Reason]
    waits_for: str | None  # 'tenant' or 'site'


def unreadable(content: object, reasons: list[Reason]) -> Rejection:
    """The rejection of a content that was no punch, under whatever ids could be made out."""
    text = as_text(content)
    fields = content if isinstance(content, dict) else {}
    punch_id = fields.get("punch_id")
    return Rejection(
        _id(fields.get("tenant_id")) or 0,
        punch_id if isinstance(punch_id, str) and punch_id.isprintable() and len(punch_id) <= 64 else None,
        _id(fields.get("person_id")),
        _id(fields.get("site_id")),
        text,
        digest(text.encode()),
        reasons,
        None,
    )


def _id(value: object) -> int | None:
    return value if type(value) is int and 1 <= value <= LARGEST_ID else None


_LOCK = "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key"

_KEEP = """
INSERT INTO rejected (
    tenant_id, rejected_id, door, punch_id, person_id, site_id, content, content_hash, reasons, waits_for, backfill, times, received_at,
    submitted_by, confined
)
SELECT tenant_id, rejected_id, %(door)s, punch_id, person_id, site_id, content, content_hash, reasons, waits_for, %(backfill)s, times,
    %(received_at)s, %(submitted_by)s::jsonb, %(confined)s
FROM unnest(
    %(tenant_id)s::bigint[], %(rejected_id)s::uuid[], %(punch_id)s::text[], %(person_id)s::bigint[], %(site_id)s::bigint[],
    %(content)s::text[], %(content_hash)s::bytea[], %(reasons)s::jsonb[], %(waits_for)s::text[], %(times)s::integer[]
) AS new(tenant_id, rejected_id, punch_id, person_id, site_id, content, content_hash, reasons, waits_for, times)
ON CONFLICT (tenant_id, content_hash) DO UPDATE SET
    door = excluded.door, reasons = excluded.reasons, waits_for = excluded.waits_for, resubmitted_at = NULL,
    backfill = rejected.backfill AND excluded.backfill, times = rejected.times + excluded.times,
    submitted_by = excluded.submitted_by, confined = excluded.confined
"""


def lock(cursor: Cursor, tenant_ids: Iterable[int]) -> None:
    """One transaction at a time writes to a tenant's rejected rows: those have several keys, and no order suits them all."""
    cursor.execute(_LOCK, [sorted({rejected_lock_key(tenant_id) for tenant_id in tenant_ids})])


def keep(
    cursor: Cursor,
    rejections: Sequence[Rejection],
    by: Submitter,
    received_at: datetime,
    *,
    door: str | None = None,
    backfill: bool = False,
    counted: bool = True,
) -> None:
    """Store what was refused; what is there already gets its new reasons, and is counted. Needs the tenants' `lock`.

    `door` says what kind of submission it is, where `by` came by another: resubmitting.
    """
    times: dict[tuple[int, bytes], int] = {}
    last: dict[tuple[int, bytes], Rejection] = {}
    for rejection in rejections:
        key = rejection.tenant_id, rejection.content_hash
        times[key] = times.get(key, 0) + 1
        last[key] = rejection
    columns = {name: list(values) for name, values in zip(Rejection._fields, zip(*last.values(), strict=True), strict=True)}
    columns["reasons"] = [as_json(reasons).decode() for reasons in columns["reasons"]]
    made = {"rejected_id": [time_ordered_id(received_at) for _ in last], "times": list(times.values()) if counted else [0] * len(last)}
    made |= {"door": door or by.door, "submitted_by": by.as_text(), "confined": by.sites is not None}
    cursor.execute(_KEEP, columns | made | {"received_at": received_at, "backfill": backfill})
