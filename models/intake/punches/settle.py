"""Punches settle what was rejected of them before: it is resubmitted then."""

from collections.abc import Collection
from datetime import datetime

from psycopg import Cursor

from models.intake.punches.row import Row

# What waits for its tenant or site may be a correction that still counts, so another content of its
# punch does not settle it. A content that came before and changed nothing settles only itself: what
# was refused may be a correction of it.
_SETTLE = """
UPDATE rejected SET resubmitted_at = %(at)s
FROM unnest(%(tenant_id)s::bigint[], %(punch_id)s::text[], %(content_hash)s::bytea[], %(stands)s::boolean[])
    AS came(tenant_id, punch_id, content_hash, stands)
WHERE rejected.tenant_id = came.tenant_id AND rejected.punch_id = came.punch_id AND rejected.resubmitted_at IS NULL
    AND rejected.door NOT IN ('attendance.void', 'roster.sync', 'noc.publish')
    AND (rejected.content_hash = came.content_hash OR (came.stands AND rejected.waits_for IS NULL))
"""


def settle(cursor: Cursor, standing: Collection[Row], known: Collection[Row], at: datetime) -> None:
    """Be done with earlier rejections of contents that came to stand now, or were known already.

    Needs the `lock` of the tenants' rejected rows.
    """
    rows = (*standing, *known)
    columns = {name: [getattr(row, name) for row in rows] for name in ("tenant_id", "punch_id", "content_hash")}
    cursor.execute(_SETTLE, columns | {"stands": [True] * len(standing) + [False] * len(known), "at": at})
