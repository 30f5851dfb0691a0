"""Bound what one judgement judges beside the punches that it takes.

In a pile, thousands of punches of one person or device near each other in time, each batch may
change the outcome of all the others. Those that still wait are left to their own batch, where they
are judged with everything there is. Of the rest a judgement takes some, and puts the others at the
end of what waits, once each, as punches to judge again that touch nobody else: like a backfill
they let live punches go first. So a pile costs about what as many punches apart do.
"""

from datetime import datetime

from psycopg import Cursor

from models.intake.punches import cause
from models.tables.punches import VERSION
from worker.load.arrays import texts
from worker.load.touched import Touched
from worker.rules.finding import Subject

MOST_ALONG = 250  # punches that one judgement judges beside those that were touched

_IDLE = """
SELECT punch_id FROM unnest(%(punches)s::text[]) AS along(punch_id)
EXCEPT SELECT punch_id FROM pending WHERE tenant_id = %(tenant_id)s
"""
_VERSION = ", ".join(VERSION)
_LEAVE = f"""
INSERT INTO pending ({_VERSION}, received_at, cause, backfill)
SELECT {_VERSION}, %(at)s, %(cause)s::jsonb, true FROM punch
WHERE tenant_id = %(tenant_id)s AND punch_id = ANY(%(punches)s) AND voided_at IS NULL
"""


def bounded(
    cursor: Cursor, tenant_id: int, touched: Touched, subjects: frozenset[Subject], at: datetime
) -> frozenset[Subject]:
    """Return the subjects to judge now, and have the others wait. Needs the tenant's lock.

    What a correction or a void withdraws is to name it: those are judged whole.
    """
    own = {punch.punch_id for punch in touched.punches} | touched.again
    along = [s.punch_id for s in subjects if s.punch_id and s.punch_id not in own]
    if len(along) <= MOST_ALONG or any((p.cause or {}).get("what") for p in touched.punches):
        return subjects
    values = {"tenant_id": tenant_id, "punches": texts(along)}
    idle = sorted(punch_id for (punch_id,) in cursor.execute(_IDLE, values).fetchall())
    if later := idle[MOST_ALONG:]:
        cursor.execute(
            _LEAVE,
            {"tenant_id": tenant_id, "punches": texts(later), "at": at, "cause": cause.AGAIN},
        )
    put_off = set(along).difference(idle[:MOST_ALONG])
    return frozenset(subject for subject in subjects if subject.punch_id not in put_off)
