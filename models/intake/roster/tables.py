"""Reading and writing roster rows: one statement for each kind, however many rows."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from psycopg import Cursor

from models.bulk import numbered, records
from models.due import begin
from models.ids import Id
from models.intake.content import as_json
from models.intake.roster.changed_keys import Change
from models.intake.roster.kinds import Columns, Kind
from models.intake.submitter import Submitter

RowKey = tuple[Any, ...]


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
WITH by_now AS (
    SELECT policy, coalesce((
        SELECT jsonb_object_agg(site_id, site.policy) FROM site
        WHERE site.tenant_id = tenant.tenant_id AND NOT site.deleted AND site.policy <> '{}'
    ), '{}') AS site_policies
    FROM tenant WHERE tenant_id = %(tenant_id)s
), newest AS (
    SELECT policy, site_policies FROM policy_version WHERE tenant_id = %(tenant_id)s
    ORDER BY version DESC LIMIT 1
), numbered AS (
    UPDATE tenant SET policy_version = policy_version + (SELECT count(*) FROM newest)
    WHERE tenant_id = %(tenant_id)s AND NOT (
        %(if_new)s AND EXISTS (SELECT FROM newest JOIN by_now USING (policy, site_policies))
    )
    RETURNING policy_version
)
INSERT INTO policy_version (tenant_id, version, created_at, policy, site_policies, submitted_by)
SELECT %(tenant_id)s, policy_version, %(at)s, policy, site_policies, %(submitted_by)s::jsonb
FROM numbered, by_now
"""

_NOTE = """
INSERT INTO roster_change (tenant_id, kind, key, at, submitted_by, since, until)
SELECT %(tenant_id)s, kind, key, %(at)s, %(submitted_by)s::jsonb, since, until
FROM unnest(
    %(kind)s::text[], %(key)s::text[], %(since)s::timestamptz[], %(until)s::timestamptz[]
) AS noted(kind, key, since, until)
"""


def wanted(kind: Kind) -> str:
    """Return what joins the rows whose keys are in the parameter `keys`."""
    columns = ", ".join(kind.key)
    keys = f"JOIN (SELECT {columns} FROM {records(kind.table, 'keys')}) AS wanted USING ({columns})"
    return keys if kind.key else ""


def keys_document(kind: Kind, keys: Iterable[RowKey]) -> str:
    """Return the parameter `keys`."""
    return as_json([numbered(dict(zip(kind.key, key, strict=True))) for key in keys]).decode()


def load(
    cursor: Cursor, tenant_id: Id, kind: Kind, keys: Iterable[RowKey]
) -> dict[RowKey, Columns]:
    """Return the stored rows with these keys, removed ones too, as they were said."""
    said = {name: f"coalesce(said_{name}, {name})" for name in kind.counted}
    columns = ", ".join(said.get(name, name) for name in kind.columns)
    sql = f"""
    SELECT {columns} FROM {kind.table} {wanted(kind)}
    WHERE tenant_id = %(tenant_id)s
    """
    cursor.execute(sql, {"tenant_id": tenant_id, "keys": keys_document(kind, keys)})
    return {row[: len(kind.key)]: dict(zip(kind.columns, row, strict=True)) for row in cursor}


def save(cursor: Cursor, tenant_id: Id, kind: Kind, rows: Sequence[Columns], by: Submitter) -> None:
    """Write rows whole as they are said, new ones and those that are there."""
    columns = ", ".join(kind.columns)
    changing = [*(name for name in kind.columns if name not in kind.key), "submitted_by"]
    changing += [f"said_{name}" for name in kind.counted]
    sql = f"""
    INSERT INTO {kind.table} (tenant_id, {columns}, submitted_by)
    SELECT %(tenant_id)s, {columns}, %(submitted_by)s::jsonb FROM {records(kind.table)}
    ON CONFLICT (tenant_id, {", ".join(kind.key)}) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in changing)}
    """
    document = as_json([numbered(row) for row in rows]).decode()
    cursor.execute(sql, {"tenant_id": tenant_id, "rows": document, "submitted_by": by.as_text()})


def save_tenant(cursor: Cursor, tenant_id: Id, row: Columns, by: Submitter) -> None:
    """Write the tenant's own row. A new one gets an epoch, which names this history of its feed."""
    values = {"tenant_id": tenant_id, "row": as_json(row).decode(), "epoch": secrets.token_hex(6)}
    cursor.execute(_SAVE_TENANT, values | {"submitted_by": by.as_text()})
    begin(cursor, tenant_id)


def save_policy(
    cursor: Cursor, tenant_id: Id, by: Submitter, *, at: datetime, if_new: bool = False
) -> None:
    """Keep the policies of the tenant and its sites by now, whole, under the next version.

    With `if_new`, nothing is kept where they are as before.
    """
    values = {"tenant_id": tenant_id, "at": at, "if_new": if_new}
    cursor.execute(_SAVE_POLICY, values | {"submitted_by": by.as_text()})


def note(
    cursor: Cursor, tenant_id: Id, changes: Sequence[Change], by: Submitter, at: datetime
) -> None:
    """Note what the judge has to look at again."""
    values: dict[str, Any] = {
        name: [getattr(change, name) for change in changes] for name in Change._fields
    }
    values |= {"tenant_id": tenant_id, "at": at, "submitted_by": by.as_text()}
    cursor.execute(_NOTE, values)
