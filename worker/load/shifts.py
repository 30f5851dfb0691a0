"""Shifts that people are entitled to: their own and those in which they substitute."""

from collections.abc import Iterable, Iterator, Sequence

from psycopg import Cursor

from models.ids import Id
from models.schemas.roster import LONGEST_SHIFT
from worker.load.arrays import texts
from worker.load.once import Once
from worker.load.ranges import Range, document, unnest
from worker.load.rows import SHIFT, STANDING, as_shift, as_shifts
from worker.rules.window import Shift

# Until the table is analyzed, and in a generic plan, the planner takes everybody's shifts of a week
# for as few as one person's. Rows compared as a whole, and sums, keep it to the person's; `+ 0` has
# it expect no more of them than there are.
_OWN_SHIFTS = f"""
SELECT r.ordinal, {SHIFT} FROM {unnest("ranges", "person_id", "bigint")}
CROSS JOIN LATERAL (
    SELECT s.* FROM shift s
    WHERE s.tenant_id = %(tenant_id)s AND s.person_id + 0 = r.person_id
      AND (s.person_id, s.starts_at) >= (r.person_id, r.since - %(longest)s)
      AND (s.person_id, s.starts_at) <= (r.person_id, r.until)
      AND s.ends_at + interval '0' >= r.since AND {STANDING} AND NOT s.person_left
    UNION ALL
    SELECT s.* FROM substitute u
    JOIN shift s ON s.tenant_id = u.tenant_id AND s.shift_id = u.shift_id
      AND s.starts_at + interval '0' = u.starts_at
    WHERE u.tenant_id = %(tenant_id)s AND u.person_id = r.person_id
      AND u.starts_at BETWEEN r.since - %(longest)s AND r.until
      AND s.ends_at >= r.since AND u.person_id = ANY(s.substitutes) AND {STANDING}
) s
"""
_NAMED = (
    f"SELECT {SHIFT} FROM shift s WHERE s.tenant_id = %s AND s.shift_id = ANY(%s) AND {STANDING}"
)


class OwnShifts:
    """The shifts that count of one judgement, each range read once."""

    def __init__(self, cursor: Cursor, tenant_id: Id) -> None:
        self._cursor, self._tenant_id = cursor, tenant_id
        self._once: Once[Id, Shift] = Once(self._send, self._rows)
        self._by_id: dict[str, Shift] = {}  # all that were read

    def ask(self, ranges: Iterable[Range[Id]]) -> None:
        """Send for ranges that are to be read."""
        self._once.ask(ranges)

    def read(self, ranges: Iterable[Range[Id]]) -> list[Shift]:
        """Return, each once, the shifts that touch the range of somebody entitled to them."""
        by_id = {}
        for range_, piece in self._once.pieces(ranges):
            for shift in piece.rows:
                if shift.starts_at <= range_.until and range_.since <= shift.ends_at:
                    by_id[shift.shift_id] = shift
        return list(by_id.values())

    def named(self, shift_ids: Iterable[str]) -> list[Shift]:
        """Return the shifts of these ids that count."""
        names = list(shift_ids)
        if missing := [shift_id for shift_id in names if shift_id not in self._by_id]:
            answer = self._cursor.execute(_NAMED, [self._tenant_id, texts(missing)])
            self.know(as_shifts(answer.fetchall()))
        return [self._by_id[shift_id] for shift_id in names if shift_id in self._by_id]

    def know(self, shifts: Iterable[Shift]) -> None:
        """Remember shifts that were read elsewhere, so that `named` does not read them again."""
        self._by_id.update((shift.shift_id, shift) for shift in shifts)

    def _send(self, ranges: Sequence[Range[Id]]) -> Cursor:
        parameters = {
            "tenant_id": self._tenant_id,
            "longest": LONGEST_SHIFT,
            "ranges": document(ranges),
        }
        return self._cursor.execute(_OWN_SHIFTS, parameters)

    def _rows(self, answer: Cursor) -> Iterator[tuple[int, Shift]]:
        for ordinal, *columns in answer.fetchall():
            shift = as_shift(columns)
            yield ordinal, self._by_id.setdefault(shift.shift_id, shift)
