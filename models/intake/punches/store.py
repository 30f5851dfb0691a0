"""Storing punches with SQL over whole batches, as many statements for one as for ten thousand.

Transactions that overlap cannot deadlock: each first inserts in the order of the keys, then locks
what was there in the same order, and only then writes the rest, which those locks guard.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from psycopg import Cursor
from psycopg.rows import class_row, dict_row

from models.bulk import numbered
from models.ids import Id
from models.intake.content import as_json
from models.intake.punches.corrections import Content
from models.intake.punches.row import COLUMNS, SENT_AHEAD, ContentKey, Key, Row, content_of, row_of
from models.intake.submitter import Submitter
from models.tables.punches import VERSION, punch

# The reason of a void where judging the punch brought its worker down.
KILLS_WORKER = "kills_worker"

# These hold people as they are merged; columns with `said_` before their names, what was submitted
# where that is another. So they are once a punch is judged.
COUNTED = ("person_id", "biometric_person_id")

_NAMES = ", ".join(COLUMNS)
_VERSION = ", ".join(VERSION)
_KEY = {column.name for column in punch.primary_key}
# One JSON document costs both sides a third of what an array for each column does, and JSONB nearly
# twice as much as JSON.
_NEW = "ROWS FROM (json_populate_recordset(NULL::punch, %(rows)s::json)) WITH ORDINALITY AS new"


class Placed(NamedTuple):
    """What `insert` says of a content that needs another look.

    Either it was not stored, or an earlier content of its punch had been rejected. Whether tenant
    and site are known is asked at its `occurred_at`.
    """

    tenant_id: Id
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
    """A version of a punch that came or went.

    `cause` is the correction or void (models.intake.punches.cause); it is None for a new punch.
    """

    row: Row
    cause: str | None


class Stored(NamedTuple):
    """A punch as it stands. `row` is None where only its void has come."""

    row: Row | None
    voided: bool


_INSERT = f"""
WITH placed AS MATERIALIZED (
    SELECT {", ".join(f"new.{name}" for name in COLUMNS)}, ordinality,
        tenant_version.tenant_id IS NOT NULL AS tenant_known,
        site_version.site_id IS NOT NULL AS site_known,
        EXISTS (
            SELECT FROM rejected
            WHERE rejected.tenant_id = new.tenant_id AND rejected.punch_id = new.punch_id
                AND rejected.resubmitted_at IS NULL
        ) AS rejected_before
    FROM {_NEW}
    LEFT JOIN tenant_version
        ON tenant_version.tenant_id = new.tenant_id
        AND tenant_version.since <= new.occurred_at AND new.occurred_at < tenant_version.until
    LEFT JOIN site_version
        ON site_version.tenant_id = new.tenant_id AND site_version.site_id = new.site_id
        AND site_version.since <= new.occurred_at AND new.occurred_at < site_version.until
), stored AS (
    INSERT INTO punch ({_NAMES}, received_at, backfill, submitted_by)
    SELECT {_NAMES}, %(received_at)s, %(backfill)s, %(submitted_by)s::jsonb FROM placed
    WHERE tenant_known AND site_known AND (%(settling)s OR NOT rejected_before)
    ORDER BY tenant_id, punch_id COLLATE "C", ordinality
    ON CONFLICT (tenant_id, punch_id) DO NOTHING
    RETURNING {_VERSION}, received_at, backfill, content_hash
), waiting AS (
    INSERT INTO pending ({_VERSION}, received_at, backfill)
    SELECT {_VERSION}, received_at, backfill FROM stored
)
SELECT tenant_id, punch_id, content_hash, stored.person_id IS NOT NULL AS stored,
    tenant_known, site_known, rejected_before
FROM placed LEFT JOIN stored USING (tenant_id, punch_id, content_hash)
WHERE stored.person_id IS NULL OR rejected_before
"""

_WANTED = "unnest(%(tenant_id)s::bigint[], %(punch_id)s::text[]) AS wanted(tenant_id, punch_id)"

# Rows from before a `sent_at` ahead of its receipt counted as the receipt: they are read so now, as
# nothing was sent later than now.
_IS_AHEAD = "sent_at > %(ahead)s"
_SENT_AT = f"CASE WHEN {_IS_AHEAD} THEN received_at ELSE sent_at END"
_CLAIMED_AT = f"CASE WHEN {_IS_AHEAD} THEN sent_at ELSE claimed_at END"
_READ_AS = {
    **{name: f"coalesce(said_{name}, {name}) AS {name}" for name in COUNTED},
    "extra": "extra::text AS extra",
    "sent_at": f"{_SENT_AT} AS sent_at",
    "claimed_at": f"{_CLAIMED_AT} AS claimed_at",
}

_LOCK = f"""
SELECT {", ".join(_READ_AS.get(name, name) for name in COLUMNS)},
    voided_at IS NOT NULL AND void_reason IS DISTINCT FROM '{KILLS_WORKER}' AS voided
FROM punch JOIN {_WANTED} USING (tenant_id, punch_id)
ORDER BY tenant_id, punch_id COLLATE "C"
FOR NO KEY UPDATE OF punch
"""

_REVISIONS = f"""
SELECT tenant_id, punch_id, content_hash, {_READ_AS["sent_at"]}, {_READ_AS["claimed_at"]}
FROM punch_revision JOIN {_WANTED} USING (tenant_id, punch_id)
ORDER BY received_at
"""

_IS_SAME = "punch.content_hash = new.content_hash"
_REVIVES = f"punch.void_reason = '{KILLS_WORKER}' AND punch.content_hash <> new.content_hash"

# Whose it is stays as it was found for the same content: only its `sent_at` is another.
_COUNTED = [
    f"{name} = CASE WHEN {_IS_SAME} THEN punch.{name} ELSE new.{name} END,"
    f" said_{name} = CASE WHEN {_IS_SAME} THEN punch.said_{name} END"
    for name in COUNTED
]

# A punch that was set aside because it killed its worker is judged again with its new content.
_UPDATE = f"""
UPDATE punch SET
    {", ".join(f"{name} = new.{name}" for name in COLUMNS if name not in (*_KEY, *COUNTED))},
    {", ".join(_COUNTED)},
    received_at = CASE WHEN {_IS_SAME} THEN punch.received_at ELSE %(received_at)s END,
    backfill = punch.backfill AND %(backfill)s,
    submitted_by = CASE WHEN {_IS_SAME} THEN punch.submitted_by ELSE %(submitted_by)s::jsonb END,
    voided_at = CASE WHEN {_REVIVES} THEN NULL ELSE punch.voided_at END,
    voided_by = CASE WHEN {_REVIVES} THEN NULL ELSE punch.voided_by END
FROM {_NEW}
WHERE punch.tenant_id = new.tenant_id AND punch.punch_id = new.punch_id
"""

# The content that stands so far has its receipt and its submitter in the punch.
_REVISE = """
INSERT INTO punch_revision (
    tenant_id, punch_id, content_hash, content, sent_at, claimed_at, received_at, submitted_by
)
SELECT new.tenant_id, new.punch_id, new.content_hash, new.content, new.sent_at, new.claimed_at,
    coalesce(punch.received_at, %(received_at)s),
    CASE WHEN punch.punch_id IS NULL THEN %(submitted_by)s::jsonb ELSE punch.submitted_by END
FROM json_populate_recordset(NULL::punch_revision, %(rows)s::json) AS new
LEFT JOIN punch USING (tenant_id, punch_id, content_hash)
ON CONFLICT (tenant_id, punch_id, content_hash) DO UPDATE SET
    sent_at = excluded.sent_at, claimed_at = excluded.claimed_at
"""

_AWAIT = f"""
INSERT INTO pending ({_VERSION}, received_at, backfill, cause)
SELECT {_VERSION}, %(received_at)s, %(backfill)s, cause
FROM ROWS FROM (json_populate_recordset(NULL::pending, %(rows)s::json)) WITH ORDINALITY AS new
ORDER BY ordinality
"""


def insert(
    cursor: Cursor,
    rows: Sequence[Row],
    received_at: datetime,
    backfill: bool,
    by: Submitter,
    *,
    settling: bool,
) -> list[Placed]:
    """Store what is new, and put it up for judging. Return what needs another look.

    Of several contents of one punch, the first whose site was known then is stored. Unless
    `settling`, it leaves out punches of which something was rejected before, as to store them
    settles that.
    """
    values = _values(rows, received_at, by) | {"backfill": backfill, "settling": settling}
    cursor.execute(_INSERT, values)
    return list(map(class_row(Placed)(cursor), cursor))


def lock(cursor: Cursor, keys: Collection[Key], now: datetime) -> dict[Key, Stored]:
    """Return the punches as they stand; nobody else changes them before this transaction ends."""
    cursor.execute(_LOCK, _key_columns(keys) | {"ahead": now + SENT_AHEAD})
    stored = {}
    for columns in map(dict_row(cursor), cursor):
        row = row_of(columns)
        stored[row.key] = Stored(row if row.content_hash else None, columns["voided"])
    return stored


def revisions(
    cursor: Cursor, keys: Collection[Key], now: datetime
) -> dict[Key, dict[bytes, Content]]:
    """Return each content that a corrected punch has had, by hash, with its latest `sent_at`."""
    cursor.execute(_REVISIONS, _key_columns(keys) | {"ahead": now + SENT_AHEAD})
    contents: dict[Key, dict[bytes, Content]] = defaultdict(dict)
    for tenant_id, punch_id, content_hash, sent_at, claimed_at in cursor:
        contents[tenant_id, punch_id][content_hash] = Content(content_hash, sent_at, claimed_at)
    return contents


def update(
    cursor: Cursor, rows: Sequence[Row], received_at: datetime, backfill: bool, by: Submitter
) -> None:
    """Let other contents stand. The punches must be locked."""
    cursor.execute(_UPDATE, _values(rows, received_at, by) | {"backfill": backfill})


def revise(cursor: Cursor, rows: Sequence[Row], received_at: datetime, by: Submitter) -> None:
    """Keep contents of corrected punches for the record, before another one stands.

    The punches must be locked.
    """
    names = ("tenant_id", "punch_id", "content_hash", "sent_at", "claimed_at")
    contents = [
        {**numbered({name: getattr(row, name) for name in names})}
        | {"content": orjson.Fragment(as_json(content_of(row)))}
        for row in rows
    ]
    cursor.execute(
        _REVISE,
        {"rows": _document(contents), "received_at": received_at, "submitted_by": by.as_text()},
    )


def put_up(
    cursor: Cursor, versions: Sequence[Version], received_at: datetime, backfill: bool
) -> None:
    """Put versions of punches that came or went up for judging, after live ones if `backfill`."""
    waiting = [
        _columns(row) | {"cause": cause and orjson.Fragment(cause)} for row, cause in versions
    ]
    values = {"rows": _document(waiting), "received_at": received_at, "backfill": backfill}
    cursor.execute(_AWAIT, values)


def _values(rows: Sequence[Row], received_at: datetime, by: Submitter) -> dict[str, Any]:
    document = _document([_columns(row) for row in rows])
    return {"rows": document, "received_at": received_at, "submitted_by": by.as_text()}


def _columns(row: Row) -> dict[str, object]:
    columns = row.columns()
    if row.names_string:
        columns = dict(numbered(columns))
    if row.extra is not None:
        columns["extra"] = orjson.Fragment(row.extra)
    return columns


def _document(rows: Sequence[dict[str, object]]) -> str:
    """Return the parameter `rows`: objects whose names are columns."""
    return orjson.dumps(rows, default=_bytea).decode()


def _bytea(value: object) -> str:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError(f"{type(value).__name__} is no column of a punch")


def _key_columns(keys: Collection[Key]) -> dict[str, list[object]]:
    return {
        "tenant_id": [tenant_id for tenant_id, _ in keys],
        "punch_id": [punch_id for _, punch_id in keys],
    }
