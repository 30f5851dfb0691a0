"""How much a changed roster has judged anew."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from psycopg import Cursor

from models.ids import Id
from models.intake.roster.changed_keys import Change
from models.policy import merged

# It is not counted further, so that a roster of a whole company costs no look at all its punches.
MOST_COUNTED = 10_000


class Extent(NamedTuple):
    """How many punches and shifts lie in what changed; each is at most MOST_COUNTED."""

    punches: int
    shifts: int


_PUNCHES = """
SELECT punch_id FROM punch
WHERE punch.tenant_id = %(tenant_id)s AND {of_key}
    AND occurred_at >= greatest(since, %(oldest)s) AND occurred_at < coalesce(until, 'infinity')
    AND voided_at IS NULL
"""
_SHIFTS = """
SELECT shift_id FROM shift
WHERE shift.tenant_id = %(tenant_id)s AND {of_key}
    AND starts_at >= greatest(since, %(oldest)s) AND starts_at < coalesce(until, 'infinity')
    AND standing
"""
# By the kind of a change: of which punches and shifts it is.
_OF_KEY = {
    "person": "person_id = key::bigint",
    "site": "site_id = key::bigint",
    "device": "device_id = key",
    "tenant": "true",
}
# OFFSET 0, so that no key of another kind is ever read as a number.
_EACH = """
SELECT found.id
FROM (
    SELECT key, since, until FROM unnest(
        %(kind)s::text[], %(key)s::text[], %(since)s::timestamptz[], %(until)s::timestamptz[]
    ) AS noted(kind, key, since, until)
    WHERE kind = '{kind}' OFFSET 0
) AS noted CROSS JOIN LATERAL ({rows} LIMIT %(most)s) AS found(id)
"""


def _counted(rows: str, kinds: Sequence[str]) -> str:
    """Return a query that counts different rows, each kind up to the most."""
    each = (
        "(" + _EACH.format(rows=rows.format(of_key=_OF_KEY[kind]), kind=kind) + " LIMIT %(most)s)"
        for kind in kinds
    )
    return f"(SELECT count(DISTINCT id) FROM ({' UNION ALL '.join(each)}) AS of_kinds)"


_NAMED_SHIFTS = "(SELECT count(*) FROM unnest(%(kind)s::text[]) AS kind WHERE kind = 'shift')"
_EXTENT = f"""
SELECT {_counted(_PUNCHES, ("person", "site", "device", "tenant"))},
    {_counted(_SHIFTS, ("person", "site", "tenant"))} + {_NAMED_SHIFTS}
"""
_POLICY = "SELECT policy FROM tenant WHERE tenant_id = %s"


def extent(cursor: Cursor, tenant_id: Id, changes: Sequence[Change], now: datetime) -> Extent:
    """Return how many punches and shifts lie in the time for which something changed.

    That is `rejudge_days` back at most. Shifts that changed themselves are counted as well.
    """
    if not changes:
        return Extent(0, 0)
    oldest = rejudged_since(cursor, tenant_id, now)
    values: dict[str, Any] = {
        name: [getattr(change, name) for change in changes] for name in Change._fields
    }
    values |= {"tenant_id": tenant_id, "oldest": oldest, "most": MOST_COUNTED}
    punches, shifts = cursor.execute(_EXTENT, values).fetchone() or (0, 0)
    return Extent(min(punches, MOST_COUNTED), min(shifts, MOST_COUNTED))


def rejudged_since(cursor: Cursor, tenant_id: Id, now: datetime) -> datetime:
    """Return since when a change of the roster has anything judged anew."""
    row = cursor.execute(_POLICY, [tenant_id]).fetchone()
    days = merged(row[0] if row else {}, {}).rejudge_days
    return now - timedelta(days=days)
