"""Storing punches: SQL over whole batches, the same number of statements for one punch as for ten thousand.

Transactions that overlap cannot deadlock: each first inserts in the order of the keys, then locks what was there in the
same order, and only then writes the rest, which is guarded by those locks.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson
from psycopg import Cursor

from models.intake.content import as_json
from models.intake.punches.corrections import Content
from models.intake.punches.row import SENT_AHEAD, ContentKey, Key, Row, content_of
from models.intake.submitter import Submitter

# The reason of a void that says no more than that judging the punch brought its worker down.
KILLS_WORKER = "kills_worker"

_TYPES = {
    "tenant_id": "bigint",
    "punch_id": "text",
    "person_id": "bigint",
    "site_id": "bigint",
    "is_check_in": "boolean",
    "occurred_at": "timestamptz",
    "person_name": "text",
    "latitude": "double precision",
    "longitude": "double precision",
    "accuracy_m": "double precision",
    "is_mock_location": "boolean",
    "device_id": "text",
    "biometric_method": "text",
    "biometric_score": "double precision",
    "biometric_liveness": "double precision",
    "biometric_person_id": "bigint",
    "extra": "jsonb",
    "content_hash": "bytea",
    "sent_at": "timestamptz",
    "claimed_at": "timestamptz",
}
_NAMES = ", ".join(Row._fields)
# One JSON document is a third of the work, on both sides, that an array for each column is.
_RECORDS = f"json_to_recordset(%(rows)s::json) AS ({', '.join(f'{name} {kind}' for name, kind in _TYPES.items())})"
_NEW = f"ROWS FROM ({_RECORDS}) WITH ORDINALITY AS new({_NAMES}, ordinal)"
_PENDING = "tenant_id, punch_id, person_id, site_id, occurred_at, device_id, biometric_person_id"


class Placed(NamedTuple):
    """What `insert` says of a content worth another look: not stored, or an earlier one of its punch had been rejected."""

    tenant_id: int
    punch_id: str
    content_hash: bytes
    stored: bool
    tenant_known: bool
    site_known: bool
    rejected_before: bool

    @property
    def content_key(self) -> ContentKey:
        return self.tenant_id, self.punch_id, self.content_hash


class Version(NamedTuple):
    """A version of a punch that came or went, and what brought that about (models.intake.punches.cause), where it was not its coming."""

    row: Row
    cause: str | None


class Stored(NamedTuple):
    """A punch as it stands. A void that came before its punch is a row without content: `row` is then None."""

    row: Row | None
    voided: bool


_INSERT = f"""
WITH placed AS MATERIALIZED (
    SELECT new.*, tenant.tenant_id IS NOT NULL AS tenant_known, site.site_id IS NOT NULL AS site_known, EXISTS (
        SELECT FROM rejected
        WHERE rejected.tenant_id = new.tenant_id AND rejected.punch_id = new.punch_id AND rejected.resubmitted_at IS NULL
    ) AS rejected_before
    FROM {_NEW}
    LEFT JOIN tenant ON tenant.tenant_id = new.tenant_id AND NOT tenant.deleted
    LEFT JOIN site ON site.tenant_id = new.tenant_id AND site.site_id = new.site_id AND NOT site.deleted
), stored AS (
    INSERT INTO punch ({_NAMES}, received_at, backfill, submitted_by)
    SELECT {_NAMES}, %(received_at)s, %(backfill)s, %(submitted_by)s::jsonb FROM placed
    WHERE tenant_known AND site_known AND (%(settling)s OR NOT rejected_before)
    ORDER BY tenant_id, punch_id COLLATE "C", ordinal
    ON CONFLICT (tenant_id, punch_id) DO NOTHING
    RETURNING {_PENDING}, received_at, content_hash
), waiting AS (
    INSERT INTO pending ({_PENDING}, received_at) SELECT {_PENDING}, received_at FROM stored
)
SELECT tenant_id, punch_id, content_hash, stored.person_id IS NOT NULL, tenant_known, site_known, rejected_before
FROM placed LEFT JOIN stored USING (tenant_id, punch_id, content_hash)
WHERE stored.person_id IS NULL OR rejected_before
"""

_WANTED = "unnest(%(tenant_id)s::bigint[], %(punch_id)s::text[]) AS wanted(tenant_id, punch_id)"

# Kept from before such a `sent_at` counted as its receipt: no content has come yet that was sent later than now.
_IS_AHEAD = "sent_at > %(ahead)s"
_SENT_AT = f"CASE WHEN {_IS_AHEAD} THEN received_at ELSE sent_at END"
_CLAIMED_AT = f"CASE WHEN {_IS_AHEAD} THEN sent_at ELSE claimed_at END"
_COLUMNS = ", ".join({"extra": "extra::text", "sent_at": _SENT_AT, "claimed_at": _CLAIMED_AT}.get(name, name) for name in Row._fields)

_LOCK = f"""
SELECT {_COLUMNS}, voided_at IS NOT NULL AND void_reason IS DISTINCT FROM '{KILLS_WORKER}'
FROM punch JOIN {_WANTED} USING (tenant_id, punch_id)
ORDER BY tenant_id, punch_id COLLATE "C"
FOR NO KEY UPDATE OF punch
"""

_REVISIONS = f"""
SELECT tenant_id, punch_id, content_hash, {_SENT_AT}, {_CLAIMED_AT}
FROM punch_revision JOIN {_WANTED} USING (tenant_id, punch_id)
ORDER BY received_at
"""

_REVIVES = f"void_reason = '{KILLS_WORKER}' AND punch.content_hash <> new.content_hash"

# A punch that was set aside because it killed its worker is judged again with its new content.
_UPDATE = f"""
UPDATE punch SET
    {", ".join(f"{name} = new.{name}" for name in Row._fields[2:])},
    received_at = CASE WHEN punch.content_hash = new.content_hash THEN punch.received_at ELSE %(received_at)s END,
    backfill = punch.backfill AND %(backfill)s,
    submitted_by = CASE WHEN punch.content_hash = new.content_hash THEN punch.submitted_by ELSE %(submitted_by)s::jsonb END,
    voided_at = CASE WHEN {_REVIVES} THEN NULL ELSE voided_at END,
    voided_by = CASE WHEN {_REVIVES} THEN NULL ELSE voided_by END
FROM {_NEW}
WHERE punch.tenant_id = new.tenant_id AND punch.punch_id = new.punch_id
"""

# The content that stands so far has its receipt and its submitter in the punch.
_REVISE = """
INSERT INTO punch_revision (tenant_id, punch_id, content_hash, content, sent_at, claimed_at, received_at, submitted_by)
SELECT new.tenant_id, new.punch_id, new.content_hash, new.content, new.sent_at, new.claimed_at,
    coalesce(punch.received_at, %(received_at)s),
    CASE WHEN punch.punch_id IS NULL THEN %(submitted_by)s::jsonb ELSE punch.submitted_by END
FROM unnest(
    %(tenant_id)s::bigint[], %(punch_id)s::text[], %(content_hash)s::bytea[], %(content)s::jsonb[],
    %(sent_at)s::timestamptz[], %(claimed_at)s::timestamptz[]
) AS new(tenant_id, punch_id, content_hash, content, sent_at, claimed_at)
LEFT JOIN punch USING (tenant_id, punch_id, content_hash)
ON CONFLICT (tenant_id, punch_id, content_hash) DO UPDATE SET sent_at = excluded.sent_at, claimed_at = excluded.claimed_at
"""

_AWAIT = f"""
INSERT INTO pending ({_PENDING}, received_at, cause)
SELECT {_PENDING}, %(received_at)s, cause
FROM ROWS FROM ({_RECORDS}, unnest(%(causes)s::jsonb[])) WITH ORDINALITY AS new({_NAMES}, cause, ordinal)
ORDER BY ordinal
"""


def insert(cursor: Cursor, rows: Sequence[Row], received_at: datetime, backfill: bool, by: Submitter, *, settling: bool) -> list[Placed]:
    """Store what is new, and put it up for judging. Of several contents of one punch the first whose site is known is stored.

    Unless `settling`, punches are left out of which something was rejected before: to store them settles that.
    """
    given = {"rows": _document(rows), "received_at": received_at, "backfill": backfill, "submitted_by": by.as_text()}
    given |= {"settling": settling}
    return [Placed(*values) for values in cursor.execute(_INSERT, given).fetchall()]


def lock(cursor: Cursor, keys: Collection[Key], now: datetime) -> dict[Key, Stored]:
    """The punches as they stand, which nobody else changes before this transaction ends."""
    cursor.execute(_LOCK, _key_columns(keys) | {"ahead": now + SENT_AHEAD})
    return {values[:2]: Stored(Row(*values[:-1]) if values[17] else None, values[-1]) for values in cursor}


def revisions(cursor: Cursor, keys: Collection[Key], now: datetime) -> dict[Key, dict[bytes, Content]]:
    """Each content that a corrected punch has had, by hash, with the latest `sent_at` it came with."""
    cursor.execute(_REVISIONS, _key_columns(keys) | {"ahead": now + SENT_AHEAD})
    found: dict[Key, dict[bytes, Content]] = defaultdict(dict)
    for tenant_id, punch_id, *content in cursor:
        found[tenant_id, punch_id][content[0]] = Content(*content)
    return found


def update(cursor: Cursor, rows: Sequence[Row], received_at: datetime, backfill: bool, by: Submitter) -> None:
    """Let other contents stand. The punches must be locked."""
    given = {"rows": _document(rows), "received_at": received_at, "backfill": backfill, "submitted_by": by.as_text()}
    cursor.execute(_UPDATE, given)


def revise(cursor: Cursor, rows: Sequence[Row], received_at: datetime, by: Submitter) -> None:
    """Keep contents of corrected punches for the record, before another one stands. The punches must be locked."""
    names = ("tenant_id", "punch_id", "content_hash", "sent_at", "claimed_at")
    columns = {name: [getattr(row, name) for row in rows] for name in names}
    contents = [as_json(content_of(row)).decode() for row in rows]
    cursor.execute(_REVISE, columns | {"content": contents, "received_at": received_at, "submitted_by": by.as_text()})


def put_up(cursor: Cursor, versions: Sequence[Version], received_at: datetime) -> None:
    """Put versions of punches that came or went up for judging."""
    rows, causes = zip(*versions, strict=True)
    cursor.execute(_AWAIT, {"rows": _document(rows), "causes": list(causes), "received_at": received_at})


def _document(rows: Sequence[Row]) -> str:
    return orjson.dumps([_record(row) for row in rows], default=_bytea).decode()


def _record(row: Row) -> dict[str, object]:
    record: dict[str, object] = dict(zip(Row._fields, row, strict=True))
    if row.extra is not None:
        record["extra"] = orjson.Fragment(row.extra)
    return record


def _bytea(value: object) -> str:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError(f"{type(value).__name__} is no column of a punch")


def _key_columns(keys: Collection[Key]) -> dict[str, list[object]]:
    return {"tenant_id": [tenant_id for tenant_id, _ in keys], "punch_id": [punch_id for _, punch_id in keys]}
