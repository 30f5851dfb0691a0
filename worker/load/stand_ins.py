"""Check-ins that may stand in the place of those entitled to a shift that nobody came for.

Whether one does is judged as if it were a subject itself: so all is read for it that is read for
those. And whatever changes it is looked for in the shifts that it may stand for.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from models import bulk
from models.schemas.roster import LONGEST_SHIFT
from worker.load.others import STRANGERS
from worker.load.reading import Reading
from worker.load.rows import PUNCH
from worker.rules.window import Punch, Shift

FEW = 30  # check-ins for one shift, of which one almost always decides

_EVER = datetime.min.replace(tzinfo=UTC)
_FIRST = f"""
SELECT r.shift_id, {PUNCH}
FROM json_to_recordset(%(shifts)s::json)
  AS r(shift_id text, site_id bigint, since timestamptz, until timestamptz)
CROSS JOIN LATERAL (
    SELECT p.* FROM punch p
    WHERE p.tenant_id = %(tenant_id)s AND p.site_id = r.site_id
      AND p.occurred_at BETWEEN r.since AND r.until AND p.voided_at IS NULL
      AND p.is_check_in AND {STRANGERS}
    ORDER BY p.occurred_at, p.punch_id COLLATE "C" LIMIT %(most)s
) p
"""


class StandIns(NamedTuple):
    by_shift: Mapping[str, Sequence[Punch]]  # in order, by the shift_id of all that were asked for
    are_all: bool

    @property
    def punches(self) -> list[Punch]:
        return list({p.punch_id: p for some in self.by_shift.values() for p in some}.values())


def read_stand_ins(reading: Reading, missed: Iterable[Shift], most: int | None = None) -> StandIns:
    """Read the check-ins at the site of shifts that nobody came for, within their reach, by people
    who have no shift there: the first of each, or all.
    """
    shifts = [
        {
            "shift_id": shift.shift_id,
            "site_id": shift.site_id,
            "since": shift.starts_at - reading.reach.early,
            "until": shift.ends_at,
        }
        for shift in missed
    ]
    if not shifts:
        return StandIns({}, True)
    parameters = {
        "tenant_id": reading.tenant_id,
        "longest": LONGEST_SHIFT,
        "least_early": reading.reach.least_early,
        "shifts": bulk.document(shifts),
        "most": most,
    }
    by_shift: dict[str, list[Punch]] = {str(shift["shift_id"]): [] for shift in shifts}
    for shift_id, *columns in reading.cursor.execute(_FIRST, parameters).fetchall():
        by_shift[shift_id].append(Punch._make(columns))
    return StandIns(by_shift, most is None or all(len(some) < most for some in by_shift.values()))
