"""Rows that nothing was said of, or something else: what they hold is taken as said by them.

Workers of the release before write rows without a statement and without versions, while they are
replaced.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from psycopg import Cursor

from models.bulk import records
from models.ids import Id
from models.intake.content import as_json, digest
from models.intake.punches.row import SENT_AHEAD
from models.intake.roster import past_tables, tables
from models.intake.roster.kinds import DEVICE, EPOCH, TENANT, Columns, Kind
from models.intake.roster.laying import BEGINNING, Version, lay, said_of, version_at
from models.intake.roster.past_rows import row_by_now
from models.intake.roster.past_tables import Stored
from models.intake.roster.statement import Statement
from models.intake.roster.tables import RowKey
from models.intake.submitter import Submitter

_INSTANT = timedelta(microseconds=1)


class Taken(NamedTuple):
    """A row that was taken as said by it, and what was there before.

    `throughout` are its fields without a past as they were said before, None where nothing was.
    """

    key: RowKey
    before: Sequence[Version]
    after: Sequence[Version]
    throughout: Columns | None
    row: Columns


class _Said(NamedTuple):
    """What a row is taken to say: its statements, its versions, and the row that they make."""

    statements: list[Statement]
    versions: Sequence[Version]
    row: Columns | None  # None where it stays
    throughout: Columns | None


# What the row is by now, of its versions and of what has no past; a row without a statement too.
_UNSAID = """
SELECT stored.tenant_id{columns}
FROM {table} AS stored
LEFT JOIN {table}_version AS version ON version.tenant_id = stored.tenant_id {same_key}
    AND since <= %(now)s AND %(now)s < until
{said}
WHERE stored.tenant_id = ANY(%(tenant_ids)s) {named}
    AND (
        CASE WHEN stored.deleted THEN since IS NOT NULL
            ELSE since IS NULL OR ({past}) IS DISTINCT FROM ({past_then}) {otherwise}
        END
        OR NOT EXISTS (
            SELECT FROM statement
            WHERE statement.tenant_id = stored.tenant_id AND kind = '{table}'
                AND statement.key = {key}
        )
    )
"""
# The last that was said of a field that is in no version.
_LAST_SAID = """
LEFT JOIN LATERAL (
    SELECT content -> '{name}' FROM statement
    WHERE statement.tenant_id = stored.tenant_id AND kind = '{table}' AND statement.key = {key}
        AND content ? '{name}'
    ORDER BY said_at DESC LIMIT 1
) AS of_{name}({name}_said) ON true
"""
_SUBMITTERS = "SELECT {columns} FROM {table} {wanted} WHERE tenant_id = %(tenant_id)s"


def unsaid(
    cursor: Cursor,
    kind: Kind,
    tenant_ids: Collection[Id],
    now: datetime,
    keys: Collection[RowKey] | None = None,
) -> dict[Id, list[RowKey]]:
    """Return the rows that may say what no statement says, by tenant: all, or those of `keys`.

    It is one SQL statement, and finds too many at most: those that are to be brought up to date.
    """
    named = ""
    if kind.key and keys is not None:
        columns = ", ".join(kind.key)
        theirs = ", ".join(f"stored.{name}" for name in kind.key)
        named = f"AND ({theirs}) IN (SELECT {columns} FROM {records(kind.table, 'keys')})"
    values = {
        "tenant_ids": list(tenant_ids),
        "now": now,
        "keys": tables.keys_document(kind, keys or ()),
    }
    found = defaultdict(list)
    for tenant_id, *key in cursor.execute(_sql(kind).replace("{named}", named), values):
        found[tenant_id].append(tuple(key))
    return found


def _sql(kind: Kind) -> str:
    key = f"stored.{kind.key[0]}::text" if kind.key else "''"
    beside = [name for name in (*kind.required, *kind.blank) if name not in kind.past]
    defaults = {**kind.required, **kind.blank}
    return _UNSAID.format(
        table=kind.table,
        key=key,
        columns="".join(f", stored.{name}" for name in kind.key),
        same_key="".join(f"AND version.{name} = stored.{name}" for name in kind.key),
        past=", ".join(f"stored.{name}" for name in kind.past),
        past_then=", ".join(f"version.{name}" for name in kind.past),
        said="".join(_LAST_SAID.format(table=kind.table, key=key, name=name) for name in beside),
        otherwise="".join(
            f" OR to_jsonb(stored.{name}) <> coalesce({name}_said,"
            f" '{as_json(defaults[name]).decode()}')"
            for name in beside
        ),
        named="{named}",
    )


def take(
    cursor: Cursor,
    tenant_id: Id,
    kind: Kind,
    keys: Collection[RowKey],
    *,
    by: datetime,
    now: datetime,
) -> list[Taken]:
    """Take those rows of `keys` as said by them of which something else was said, or nothing.

    They were written `by` a moment at the latest. The others are up to date, and the tenant's lock
    is held.
    """
    found = unsaid(cursor, kind, [tenant_id], now, keys).get(tenant_id, [])
    if not found:
        return []
    stored = past_tables.load(cursor, tenant_id, kind, found)
    told = past_tables.statements(cursor, tenant_id, kind, found)
    said = {
        key: new
        for key in found
        if (new := _as_said(kind, key, stored[key], told[key], by, now)) is not None
    }
    _write(cursor, tenant_id, kind, stored, said, now)
    return [_taken(key, stored[key], new) for key, new in said.items()]


def _taken(key: RowKey, stored: Stored, new: _Said) -> Taken:
    assert stored.row is not None
    row = new.row or stored.row
    return Taken(key, stored.versions, new.versions, new.throughout, row)


def _as_said(
    kind: Kind,
    key: RowKey,
    stored: Stored,
    told: Sequence[Statement],
    by: datetime,
    now: datetime,
) -> _Said | None:
    """Return what a row is taken to say, or None where it is as it was said to be."""
    row = stored.row
    assert row is not None
    before = lay(kind, told)
    throughout = {
        name: before.throughout.get(name, {**kind.required, **kind.blank}[name])
        for name in kind.throughout
    }
    if told and _is_so(row, version_at(before.versions, now), throughout):
        return None
    new = _statements(kind, row, told, by, now)
    laid = lay(kind, [*told, *new])
    by_now = row_by_now(kind, key, row, laid.versions, laid.throughout, None, now)
    return _Said(new, laid.versions, by_now, throughout if told else None)


def _is_so(row: Columns, version: Version | None, throughout: Columns) -> bool:
    """Tell whether a row is as was said. Fields that nobody knows make no difference."""
    if row["deleted"] or version is None:
        return bool(row["deleted"]) and version is None
    return all(row[name] == value for name, value in {**version.columns, **throughout}.items())


def _statements(
    kind: Kind, row: Columns, told: Sequence[Statement], by: datetime, now: datetime
) -> list[Statement]:
    """Return what the row is taken to say beside those `told`, which it differs from.

    The first of all was said long ago, unless the row names a moment; any other after those that
    hold by now.
    """
    sent_at = row["sent_at"]
    if sent_at and sent_at > now + SENT_AHEAD:
        sent_at = None
    if told:
        last = max((held for held in map(_from, told) if held <= now), default=BEGINNING)
        is_later = sent_at and last < sent_at <= now
        at = sent_at if is_later else min(max(by, _next(last)), now)
        if row["deleted"]:
            return [_statement(at, {}, deleted=True)]
        return [_content(kind, row, said_of(kind, told, now), at)]
    removal = [_statement(sent_at or by, {}, deleted=True)] if row["deleted"] else []
    if row["deleted"] and kind is not DEVICE and row["name"] == "":
        return removal  # which came before any content
    again = [_content(kind, row, {}, sent_at)] if sent_at and not row["deleted"] else []
    return [_content(kind, row, {}, EPOCH), *again, *removal]


def _from(statement: Statement) -> datetime:
    """Return about when a statement began to be laid over others; days count by UTC."""
    moment = statement.effective_from
    return max(statement.said_at, moment) if isinstance(moment, datetime) else statement.said_at


def _next(moment: datetime) -> datetime:
    return moment + _INSTANT


def _content(kind: Kind, row: Columns, said: Columns, at: datetime) -> Statement:
    """Return the fields of a row that differ from what is said, or were never said."""
    content = {}
    for name, blank in {**kind.required, **kind.blank}.items():
        if name == "policy":
            value = _instead(said.get(name), row[name])
            is_new = value != {} and row[name] != said.get(name, {})
        else:
            value = row[name]
            is_new = value != said.get(name, blank) or (name in kind.required and name not in said)
        if is_new:
            content[name] = value
    extra = _instead(said.get("extra"), row["extra"])
    return _statement(at, content, extra if row["extra"] != said.get("extra") else None)


def _instead(before: Columns | None, after: Columns | None) -> Columns:
    """Return what, merged by key, makes of one object the other."""
    return {**dict.fromkeys(before or {}), **(after or {})}


def _statement(
    at: datetime, content: Columns, extra: Columns | None = None, *, deleted: bool = False
) -> Statement:
    said = Statement(at, b"", content, extra or None, deleted=deleted)
    return said._replace(digest=digest(as_json(said[2:])))


def _write(
    cursor: Cursor,
    tenant_id: Id,
    kind: Kind,
    stored: Mapping[RowKey, Stored],
    said: Mapping[RowKey, _Said],
    now: datetime,
) -> None:
    """Write it as submitted by those who wrote the rows."""
    for submitter, keys in _by_submitter(cursor, tenant_id, kind, said).items():
        statements = [(key, one) for key in keys for one in said[key].statements]
        past_tables.say(
            cursor, tenant_id, kind, statements, submitter, sent_at=None, received_at=now
        )
        rows = [row for key in keys if (row := said[key].row) is not None]
        if rows and kind is TENANT:
            tables.save_tenant(cursor, tenant_id, rows[0], submitter)
        elif rows:
            tables.save(cursor, tenant_id, kind, rows, submitter)
    versions = {
        key: new.versions for key, new in said.items() if new.versions != stored[key].versions
    }
    replacing = [key for key in versions if stored[key].versions]
    past_tables.save_versions(cursor, tenant_id, kind, versions, replacing=replacing)


def _by_submitter(
    cursor: Cursor, tenant_id: Id, kind: Kind, keys: Iterable[RowKey]
) -> dict[Submitter, list[RowKey]]:
    sql = _SUBMITTERS.format(
        columns=", ".join([*kind.key, "submitted_by"]), table=kind.table, wanted=tables.wanted(kind)
    )
    values = {"tenant_id": tenant_id, "keys": tables.keys_document(kind, keys)}
    found = defaultdict(list)
    for *key, submitted_by in cursor.execute(sql, values):
        found[Submitter.kept("roster.sync", submitted_by)].append(tuple(key))
    return found
