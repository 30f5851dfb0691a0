"""Bound how many shifts one step of a sweep judges.

Thousands of shifts may begin at one instant, each of which is due at the same moment. The others
wait as changes of the roster that touch nobody else, in the sweep's own transaction, and are judged
in the tenant's turns.
"""

from datetime import datetime

from psycopg import Cursor

from models.ids import Id
from worker.load.arrays import texts
from worker.rules.finding import Subject

MOST_SHIFTS = 250  # that one step of a sweep judges

_IDLE = """
SELECT shift_id FROM unnest(%(shifts)s::text[]) AS due(shift_id)
EXCEPT SELECT key FROM roster_change
WHERE tenant_id = %(tenant_id)s AND kind = 'shift' AND alone
"""
_LEAVE = """
INSERT INTO roster_change (tenant_id, kind, key, at, alone)
SELECT %(tenant_id)s, 'shift', shift_id, %(at)s, true
FROM unnest(%(shifts)s::text[]) AS due(shift_id)
"""


def some_shifts(
    cursor: Cursor, tenant_id: Id, subjects: frozenset[Subject], at: datetime
) -> frozenset[Subject]:
    """Return the subjects to judge now, and have the other shifts wait, once each.

    Needs the tenant's lock.
    """
    due = [subject.shift_id for subject in subjects if subject.shift_id]
    if len(due) <= MOST_SHIFTS:
        return subjects
    values = {"tenant_id": tenant_id, "shifts": texts(due)}
    idle = sorted(shift_id for (shift_id,) in cursor.execute(_IDLE, values).fetchall())
    if later := idle[MOST_SHIFTS:]:
        cursor.execute(_LEAVE, {"tenant_id": tenant_id, "shifts": texts(later), "at": at})
    put_off = set(due).difference(idle[:MOST_SHIFTS])
    return frozenset(subject for subject in subjects if subject.shift_id not in put_off)
