"""Reading and writing roster rows: one statement for each kind, however many rows."""

import secrets
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Cursor

from models.bulk import records
from models.due import begin
from models.intake.content import as_json
from models.intake.roster.changed_keys import ChangedKey
from models.intake.roster.kinds import TENANT, Columns, Kind
from models.intake.submitter import Submitter

RowKey = tuple[Any, ...]


class Presence(NamedTuple):
    """Whether the tenant has any people and any assignments.

    Without people nobody is unknown, and without assignments no site is unauthorized.
    """

    people: bool
    assignments: bool


_PRESENCE = """
SELECT EXISTS (SELECT FROM person WHERE tenant_id = %(tenant_id)s AND NOT deleted),
    EXISTS (SELECT FROM assignment WHERE tenant_id = %(tenant_id)s AND NOT deleted)
"""

_SAVE_TENANT = """
INSERT INTO tenant (
    tenant_id, name, roster_complete, policy, sent_at, deleted, extra, epoch, submitted_by
)
SELECT %(tenant_id)s, name, roster_complete, policy, sent_at, deleted, extra, %(epoch)s,
    %(submitted_by)s::jsonb
FROM jsonb_populate_record(NULL::tenant, %(row)s::jsonb)
ON CONFLICT (tenant_id) DO UPDATE SET
    name = excluded.name, roster_complete = excluded.roster_complete, policy = excluded.policy,
    sent_at = excluded.sent_at, deleted = excluded.deleted, extra = excluded.extra,
    submitted_by = excluded.submitted_by
"""

_SAVE_POLICY = """
WITH bumped AS (
    UPDATE tenant SET policy_version = policy_version + %(step)s
    WHERE tenant_id = %(tenant_id)s
    RETURNING policy_version, policy
), sites AS (
    SELECT jsonb_object_agg(site_id, policy) AS policies FROM site
    WHERE tenant_id = %(tenant_id)s AND NOT deleted AND policy <> '{}'
)
INSERT INTO policy_version (tenant_id, version, created_at, policy, site_policies, submitted_by)
SELECT %(tenant_id)s, policy_version, %(at)s, policy, coalesce(policies, '{}'),
    %(submitted_by)s::jsonb
FROM bumped, sites
"""

_SAVE_FACTS = """
INSERT INTO roster_change (tenant_id, kind, key, at, submitted_by)
SELECT %(tenant_id)s, kind, key, %(at)s, %(submitted_by)s::jsonb
FROM unnest(%(kind)s::text[], %(key)s::text[]) AS fact(kind, key)
"""


def load_tenant(cursor: Cursor, tenant_id: int) -> Columns | None:
    cursor.execute(
        f"SELECT {', '.join(TENANT.columns)} FROM tenant WHERE tenant_id = %s", [tenant_id]
    )
    row = cursor.fetchone()
    return dict(zip(TENANT.columns, row, strict=True)) if row else None


def presence(cursor: Cursor, tenant_id: int) -> Presence:
    cursor.execute(_PRESENCE, {"tenant_id": tenant_id})
    return Presence(*next(cursor))


def load(
    cursor: Cursor, tenant_id: int, kind: Kind, keys: Iterable[RowKey]
) -> dict[RowKey, Columns]:
    """Return the stored rows with these keys, removed ones too."""
    key_columns = ", ".join(kind.key)
    sql = f"""
    SELECT {", ".join(kind.columns)} FROM {kind.table}
    JOIN (SELECT {key_columns} FROM {records(kind.table, "keys")}) AS wanted USING ({key_columns})
    WHERE tenant_id = %(tenant_id)s
    """
    rows = as_json([dict(zip(kind.key, key, strict=True)) for key in keys]).decode()
    cursor.execute(sql, {"tenant_id": tenant_id, "keys": rows})
    return {row[: len(kind.key)]: dict(zip(kind.columns, row, strict=True)) for row in cursor}


def save(
    cursor: Cursor, tenant_id: int, kind: Kind, rows: Sequence[Columns], by: Submitter
) -> None:
    """Write rows whole, new ones and those that are there."""
    columns = ", ".join(kind.columns)
    changing = [*(name for name in kind.columns if name not in kind.key), "submitted_by"]
    sql = f"""
    INSERT INTO {kind.table} (tenant_id, {columns}, submitted_by)
    SELECT %(tenant_id)s, {columns}, %(submitted_by)s::jsonb FROM {records(kind.table)}
    ON CONFLICT (tenant_id, {", ".join(kind.key)}) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in changing)}
    """
    document = as_json(rows).decode()
    cursor.execute(sql, {"tenant_id": tenant_id, "rows": document, "submitted_by": by.as_text()})


def save_tenant(cursor: Cursor, tenant_id: int, row: Columns, by: Submitter) -> None:
    """Write the tenant's own row. A new one gets an epoch, which names this history of its feed."""
    values = {"tenant_id": tenant_id, "row": as_json(row).decode(), "epoch": secrets.token_hex(6)}
    cursor.execute(_SAVE_TENANT, values | {"submitted_by": by.as_text()})
    begin(cursor, tenant_id)


def save_policy(
    cursor: Cursor, tenant_id: int, by: Submitter, *, is_first: bool, at: datetime
) -> None:
    """Keep the policies of the tenant and its sites, whole, under the next version."""
    values = {"tenant_id": tenant_id, "step": 0 if is_first else 1, "at": at}
    cursor.execute(_SAVE_POLICY, values | {"submitted_by": by.as_text()})


def save_changed_keys(
    cursor: Cursor,
    tenant_id: int,
    changed_keys: Collection[ChangedKey],
    by: Submitter,
    at: datetime,
) -> None:
    """Note what the judge has to look at again."""
    kinds, keys = zip(*sorted(changed_keys), strict=True)
    values = {"tenant_id": tenant_id, "kind": list(kinds), "key": list(keys), "at": at}
    cursor.execute(_SAVE_FACTS, values | {"submitted_by": by.as_text()})
