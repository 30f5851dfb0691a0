"""Shifts that people are entitled to, their own and those in which they substitute, each range read
once.
"""

from collections.abc import Iterable, Iterator, Sequence

from psycopg import Cursor

from models.schemas.roster import LONGEST_SHIFT
from worker.load.arrays import texts
from worker.load.once import Once
from worker.load.ranges import Range, document, unnest
from worker.load.rows import SHIFT, STANDING, shift, shifts
from worker.rules.window import Shift

_OWN_SHIFTS = f"""
SELECT r.ordinal, {SHIFT} FROM {unnest("ranges", "person_id", "bigint")}
CROSS JOIN LATERAL (
    SELECT s.* FROM shift s
    WHERE s.tenant_id = %(tenant_id)s AND s.person_id = r.person_id
      AND s.starts_at BETWEEN r.since - %(longest)s AND r.until
      AND s.ends_at >= r.since AND {STANDING}
    UNION ALL
    SELECT s.* FROM substitute u
    JOIN shift s ON s.tenant_id = u.tenant_id AND s.shift_id = u.shift_id
      AND s.starts_at = u.starts_at
    WHERE u.tenant_id = %(tenant_id)s AND u.person_id = r.person_id
      AND u.starts_at BETWEEN r.since - %(longest)s AND r.until
      AND s.ends_at >= r.since AND u.person_id = ANY(s.substitutes) AND {STANDING}
) s
"""
_NAMED = (
    f"SELECT {SHIFT} FROM shift s WHERE s.tenant_id = %s AND s.shift_id = ANY(%s) AND {STANDING}"
)


class OwnShifts:
    """Uncancelled shifts of one judgement."""

    def __init__(self, cursor: Cursor, tenant_id: int) -> None:
        self._cursor, self._tenant_id = cursor, tenant_id
        self._once: Once[int, Shift] = Once(self._send, self._rows)
        self._known: dict[str, Shift] = {}

    def ask(self, ranges: Iterable[Range[int]]) -> None:
        """Send for ranges that are to be read."""
        self._once.ask(ranges)

    def read(self, ranges: Iterable[Range[int]]) -> list[Shift]:
        """Return, each once, the shifts that touch the range of somebody entitled to them."""
        found = {}
        for wanted, piece in self._once.pieces(ranges):
            for each in piece.rows:
                if each.starts_at <= wanted.until and wanted.since <= each.ends_at:
                    found[each.shift_id] = each
        return list(found.values())

    def named(self, shift_ids: Iterable[str]) -> list[Shift]:
        """Those of these ids, if they are still there."""
        wanted = list(shift_ids)
        if missing := [shift_id for shift_id in wanted if shift_id not in self._known]:
            self.know(
                shifts(self._cursor.execute(_NAMED, [self._tenant_id, texts(missing)]).fetchall())
            )
        return [self._known[shift_id] for shift_id in wanted if shift_id in self._known]

    def know(self, some: Iterable[Shift]) -> None:
        """Remember shifts that were read elsewhere."""
        self._known.update((each.shift_id, each) for each in some)

    def _send(self, ranges: Sequence[Range[int]]) -> Cursor:
        parameters = {
            "tenant_id": self._tenant_id,
            "longest": LONGEST_SHIFT,
            "ranges": document(ranges),
        }
        return self._cursor.execute(_OWN_SHIFTS, parameters)

    def _rows(self, answer: Cursor) -> Iterator[tuple[int, Shift]]:
        for ordinal, *columns in answer.fetchall():
            read = shift(columns)
            yield ordinal, self._known.setdefault(read.shift_id, read)
