"""Reading and writing what was said of roster rows, and their versions.

Each is one SQL statement for each kind, however many rows.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Cursor

from models.bulk import document, numbered, records
from models.ids import Id, key_text
from models.intake.content import as_json
from models.intake.roster import tables
from models.intake.roster.kinds import Columns, Kind
from models.intake.roster.laying import BEGINNING, END, Version
from models.intake.roster.statement import Statement
from models.intake.roster.tables import RowKey
from models.intake.submitter import Submitter
from models.numbering import ids_of

_INFINITE = {BEGINNING: "-infinity", END: "infinity"}
# Beyond 64 bits Postgres gives floats back as whole numbers, which JSON cannot hold here.
_LARGEST = 2**63 - 1


class Stored(NamedTuple):
    """What is stored of a row: as it is by now, its versions, and when it was spoken of.

    `row` is None where it was never there, `first` and `last` where nothing was said.
    """

    row: Columns | None = None
    versions: Sequence[Version] = ()
    first: datetime | None = None
    last: tuple[datetime, bytes] | None = None  # when, and the digest


class Written(NamedTuple):
    """What a row is to be: its statement, unless that is left out, its row and its versions.

    `row` and `versions` are None where they stay.
    """

    key: RowKey
    statement: Statement | None
    row: Columns | None = None
    versions: Sequence[Version] | None = None


_SPOKEN_OF = """
SELECT wanted.key, first.said_at, last.said_at, last.digest
FROM unnest(%(keys)s::text[]) AS wanted(key) CROSS JOIN LATERAL (
    SELECT said_at FROM statement
    WHERE tenant_id = %(tenant_id)s AND kind = %(kind)s AND statement.key = wanted.key
    ORDER BY said_at LIMIT 1
) AS first CROSS JOIN LATERAL (
    SELECT said_at, digest FROM statement
    WHERE tenant_id = %(tenant_id)s AND kind = %(kind)s AND statement.key = wanted.key
    ORDER BY said_at DESC, digest DESC LIMIT 1
) AS last
"""
# OFFSET 0, so that each row's are looked up by the key: a join may read everybody's for each.
_STATEMENTS = """
SELECT wanted.key, said.*
FROM unnest(%(keys)s::text[]) AS wanted(key) CROSS JOIN LATERAL (
    SELECT said_at, digest, content, extra, effective_from, effective_date, correction, deleted
    FROM statement
    WHERE tenant_id = %(tenant_id)s AND kind = %(kind)s AND statement.key = wanted.key OFFSET 0
) AS said
"""
_SAY = f"""
INSERT INTO statement (
    tenant_id, kind, key, said_at, digest, effective_from, effective_date, correction, deleted,
    content, extra, received_at, sent_at, submitted_by
)
SELECT %(tenant_id)s, %(kind)s, key, said_at, digest, effective_from, effective_date, correction,
    deleted, content, extra, %(received_at)s, %(sent_at)s, %(submitted_by)s::jsonb
FROM {records("statement")}
ON CONFLICT DO NOTHING
"""


def text_of(key: RowKey) -> str:
    """Return the key as statements have it."""
    return "/".join(map(key_text, key))


def load(
    cursor: Cursor, tenant_id: Id, kind: Kind, keys: Collection[RowKey]
) -> dict[RowKey, Stored]:
    """Return what is stored of the rows with these keys, by three SQL statements."""
    rows = tables.load(cursor, tenant_id, kind, keys)
    versions = _load_versions(cursor, tenant_id, kind, keys)
    values = {"tenant_id": tenant_id, "kind": kind.table, "keys": list(map(text_of, keys))}
    spoken_of = {
        key: (first, (last, digest))
        for key, first, last, digest in cursor.execute(_SPOKEN_OF, values)
    }
    return {
        key: Stored(
            rows.get(key), versions.get(key, ()), *spoken_of.get(text_of(key), (None, None))
        )
        for key in keys
    }


def _load_versions(
    cursor: Cursor, tenant_id: Id, kind: Kind, keys: Collection[RowKey]
) -> dict[RowKey, list[Version]]:
    columns = [*kind.key, "nullif(since, '-infinity')", "nullif(until, 'infinity')", *kind.past]
    sql = f"""
    SELECT {", ".join(columns)} FROM {kind.table}_version {tables.wanted(kind)}
    WHERE tenant_id = %(tenant_id)s ORDER BY since
    """
    cursor.execute(sql, {"tenant_id": tenant_id, "keys": tables.keys_document(kind, keys)})
    versions: dict[RowKey, list[Version]] = defaultdict(list)
    count = len(kind.key)
    for row in cursor:
        since, until, *values = row[count:]
        columns_then = dict(zip(kind.past, values, strict=True))
        versions[row[:count]].append(Version(since or BEGINNING, until or END, columns_then))
    return versions


def statements(
    cursor: Cursor, tenant_id: Id, kind: Kind, keys: Collection[RowKey]
) -> Mapping[RowKey, list[Statement]]:
    """Return all that was said of the rows with these keys."""
    told: dict[RowKey, list[Statement]] = {key: [] for key in keys}
    by_text = {text_of(key): key for key in keys}
    values = {"tenant_id": tenant_id, "kind": kind.table, "keys": list(by_text)}
    rows = cursor.execute(_STATEMENTS, values).fetchall()
    named = kind.ids_beside_key
    ids = ids_of(cursor, tenant_id, (row[3].get(name) for row in rows for name in named))
    for text, said_at, digest, content, extra, moment, day, *rest in rows:
        known = {name: ids[content[name]] for name in named if isinstance(content.get(name), str)}
        said = Statement(
            said_at, bytes(digest), content | known, extra and kept(extra), moment or day, *rest
        )
        told[by_text[text]].append(said)
    return told


def kept(value: Any) -> Any:
    """Return JSON as it was before Postgres made whole numbers of large floats."""
    if isinstance(value, dict):
        return {name: kept(item) for name, item in value.items()}
    if isinstance(value, list):
        return [kept(item) for item in value]
    return float(value) if type(value) is int and abs(value) > _LARGEST else value


def say(
    cursor: Cursor,
    tenant_id: Id,
    kind: Kind,
    said: Iterable[tuple[RowKey, Statement]],
    by: Submitter,
    *,
    sent_at: datetime | None,
    received_at: datetime,
) -> None:
    """Keep what was said. The same again changes nothing."""
    rows = [_columns(key, statement) for key, statement in said]
    if rows:
        cursor.execute(
            _SAY,
            {
                "tenant_id": tenant_id,
                "kind": kind.table,
                "rows": document(rows),
                "received_at": received_at,
                "sent_at": sent_at,
                "submitted_by": by.as_text(),
            },
        )


def _columns(key: RowKey, statement: Statement) -> Columns:
    columns = statement._asdict() | {"key": text_of(key)}
    if not isinstance(statement.effective_from, datetime):
        columns["effective_date"] = columns.pop("effective_from")
    return columns


def save_versions(
    cursor: Cursor,
    tenant_id: Id,
    kind: Kind,
    versions: Mapping[RowKey, Sequence[Version]],
    *,
    replacing: Collection[RowKey],
) -> None:
    """Write the versions of rows, those of `replacing` in place of the ones they have."""
    if not versions:
        return
    sql = f"DELETE FROM {kind.table}_version {_of_wanted(kind)}"
    keys = tables.keys_document(kind, replacing)
    cursor.execute(sql, {"tenant_id": tenant_id, "keys": keys})
    rows = [
        {
            **dict(zip(kind.key, key, strict=True)),
            **version.columns,
            "since": _INFINITE.get(version.since, version.since),
            "until": _INFINITE.get(version.until, version.until),
        }
        for key, of_row in versions.items()
        for version in of_row
    ]
    columns = ", ".join([*kind.key, "since", "until", *kind.past])
    sql = f"""
    INSERT INTO {kind.table}_version (tenant_id, {columns})
    SELECT %(tenant_id)s, {columns} FROM {records(f"{kind.table}_version")}
    """
    written = as_json([numbered(row) for row in rows]).decode()
    cursor.execute(sql, {"tenant_id": tenant_id, "rows": written})


def _of_wanted(kind: Kind) -> str:
    """Return the condition of a DELETE of the rows that tables.wanted joins."""
    if not kind.key:
        return "WHERE tenant_id = %(tenant_id)s"
    columns = ", ".join(kind.key)
    return f"""
    WHERE tenant_id = %(tenant_id)s
        AND ({columns}) IN (SELECT {columns} FROM {records(kind.table, "keys")})
    """
