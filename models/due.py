"""When each chore of a tenant is due next: whoever does a chore asks an index, not every tenant.

A tenant that lacks its row, as the release before made it, gets one by `enrol`, due at once. So a
chore may be done once too often, and is never forgotten.
"""

from datetime import datetime

from psycopg import Cursor

from models.ids import Id

# The chores of every tenant. Others have rows only where there is something to do.
CHORES = ("sweep", "prune", "adopt")

# By the time at which the statement began: clock_timestamp() could differ from row to row, so the
# index would not be used.
_DUE = """
SELECT tenant_id FROM due WHERE chore = %s AND at <= statement_timestamp() ORDER BY at
"""
_SET = """
INSERT INTO due (tenant_id, chore, at) VALUES (%(tenant_id)s, %(chore)s, %(at)s)
ON CONFLICT (tenant_id, chore) DO UPDATE SET at = least(due.at, excluded.at)
"""
_BEGIN = """
INSERT INTO due (tenant_id, chore, at)
SELECT %s, chore, statement_timestamp() FROM unnest(%s::text[]) AS chore
ON CONFLICT DO NOTHING
"""
_PUT_OFF = "UPDATE due SET at = %s WHERE tenant_id = %s AND chore = %s"
# The row is locked, and written, only where it says something later.
_HASTEN = """
UPDATE due SET at = %(at)s WHERE tenant_id = %(tenant_id)s AND chore = %(chore)s AND at > %(at)s
"""
_ENROL = """
INSERT INTO due (tenant_id, chore, at)
SELECT tenant_id, chore, statement_timestamp() FROM tenant CROSS JOIN unnest(%s::text[]) AS chore
WHERE NOT EXISTS (
    SELECT FROM due WHERE due.tenant_id = tenant.tenant_id AND due.chore = chore
)
ON CONFLICT DO NOTHING
"""


def begin(cursor: Cursor, tenant_id: Id) -> None:
    """Have the chores of a tenant done that is new."""
    cursor.execute(_BEGIN, (tenant_id, list(CHORES)))


def tenants_due(cursor: Cursor, chore: str) -> list[int]:
    """Return the tenants of which the chore is due, the longest due first."""
    return [tenant_id for (tenant_id,) in cursor.execute(_DUE, (chore,))]


def set_due(cursor: Cursor, tenant_id: Id, chore: str, at: datetime) -> None:
    """Have the chore done at `at`, or before where it is due before."""
    cursor.execute(_SET, {"tenant_id": tenant_id, "chore": chore, "at": at})


def hasten(cursor: Cursor, tenant_id: Id, chore: str, at: datetime) -> None:
    """Have a chore that has its row done at `at` at the latest; it writes only what changes."""
    cursor.execute(_HASTEN, {"tenant_id": tenant_id, "chore": chore, "at": at})


def put_off(cursor: Cursor, tenant_id: Id, chore: str, at: datetime) -> None:
    """Have a chore that was done now done again at `at`."""
    cursor.execute(_PUT_OFF, (at, tenant_id, chore))


def enrol(cursor: Cursor) -> int:
    """Give each tenant the rows that it lacks, due at once, and return how many those were."""
    return cursor.execute(_ENROL, (list(CHORES),)).rowcount
