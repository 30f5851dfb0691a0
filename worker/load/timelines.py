"""People's punches in order: all within a range, and the nearest ones beyond it on either side."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from psycopg import Cursor

from models.ids import Id
from worker.load.once import Once, Piece
from worker.load.ranges import Range, document, unnest
from worker.load.rows import PUNCH
from worker.rules.taps import DAY, LONGEST_RUN
from worker.rules.window import Punch, Stretch, in_order

# At an instant of both kinds their order depends on what came before: these are read through, to
# the next on either side that is of one kind. Where there is none, all the rest is such. Subqueries
# of their own keep the planner to one look into the index each.
_MOMENTS = """
    SELECT p.occurred_at FROM punch p
    WHERE p.tenant_id = %(tenant_id)s AND p.person_id = r.person_id AND p.voided_at IS NULL
      AND (SELECT NOT EXISTS (
        SELECT FROM punch q
        WHERE q.tenant_id = p.tenant_id AND q.person_id = p.person_id
          AND q.occurred_at = p.occurred_at AND q.is_check_in <> p.is_check_in
          AND q.voided_at IS NULL
      ))"""
# What a tap is read as depends on those around it.
_TAPS = """
    SELECT t.occurred_at FROM punch t
    WHERE t.tenant_id = %(tenant_id)s AND t.person_id = r.person_id AND t.voided_at IS NULL
      AND t.is_tap"""
# From the moment of the punch before to that of the punch after, in one go along the index.
_TIMELINES = f"""
WITH bounds AS MATERIALIZED (
  SELECT r.ordinal, r.person_id,
    least(coalesce((
      {_MOMENTS} AND p.occurred_at < r.since ORDER BY p.occurred_at DESC LIMIT 1
    ), '-infinity'), (
      {_TAPS} AND t.occurred_at >= r.since - %(taps_before)s AND t.occurred_at < r.since
      ORDER BY t.occurred_at LIMIT 1
    )) AS first,
    greatest(coalesce((
      {_MOMENTS} AND p.occurred_at > r.until ORDER BY p.occurred_at LIMIT 1
    ), 'infinity'), (
      {_TAPS} AND t.occurred_at > r.until AND t.occurred_at <= r.until + %(taps_after)s
      ORDER BY t.occurred_at DESC LIMIT 1
    )) AS last
  FROM {unnest("ranges", "person_id", "bigint")}
)
SELECT b.ordinal, {PUNCH} FROM bounds b
CROSS JOIN LATERAL (
  SELECT * FROM punch
  WHERE punch.tenant_id = %(tenant_id)s AND punch.person_id = b.person_id
    AND punch.occurred_at >= b.first AND punch.occurred_at <= b.last
    AND punch.voided_at IS NULL
  OFFSET 0
) AS p
"""

_AT = attrgetter("occurred_at")


class Timelines:
    """The punches of one judgement's people, each range read once."""

    def __init__(self, cursor: Cursor, tenant_id: Id) -> None:
        self._cursor, self._tenant_id = cursor, tenant_id
        self._once: Once[Id, Punch] = Once(self._send, self._rows, in_order)
        self.punches: dict[str, Punch] = {}  # all that were read, by punch_id

    def ask(self, ranges: Iterable[Range[Id]]) -> None:
        """Send for ranges that are to be read."""
        self._once.ask(ranges)

    def read(self, ranges: Iterable[Range[Id]]) -> list[Stretch]:
        """Return the stretches that hold these ranges; they may go on beyond them."""
        by_person: dict[Id, dict[Id, Piece[Id, Punch]]] = {}
        for range_, piece in self._once.pieces(ranges):
            if piece.rows:
                by_person.setdefault(range_.key, {})[id(piece)] = piece
        return join(_in_turn(list(pieces.values())) for pieces in by_person.values())

    def within(self, ranges: Iterable[Range[Id]]) -> Iterator[Punch]:
        """Yield just the punches within these ranges."""
        for range_, piece in self._once.pieces(ranges):
            first = bisect_left(piece.rows, range_.since, key=_AT)
            last = bisect_right(piece.rows, range_.until, key=_AT)
            yield from piece.rows[first:last]

    def _send(self, ranges: Sequence[Range[Id]]) -> Cursor:
        parameters = {
            "tenant_id": self._tenant_id,
            "ranges": document(ranges),
            # A stay of taps begins no longer before one than two of the longest runs, and whether
            # it does rests on one more.
            "taps_before": 3 * LONGEST_RUN,
            "taps_after": LONGEST_RUN + DAY,
        }
        return self._cursor.execute(_TIMELINES, parameters)

    def _rows(self, answer: Cursor) -> list[tuple[int, Punch]]:
        rows = [(ordinal, Punch._make(columns)) for ordinal, *columns in answer.fetchall()]
        self.punches.update((punch.punch_id, punch) for _, punch in rows)
        return rows


def _in_turn(pieces: list[Piece[Id, Punch]]) -> Iterator[tuple[list[Punch], bool]]:
    """Yield one person's pieces in order, each with whether no punch of the person comes after."""
    if len(pieces) > 1:
        pieces.sort(key=lambda piece: piece.range.since)
    for piece in pieces:
        yield piece.rows, piece.rows[-1].occurred_at <= piece.range.until


def join(people: Iterable[Iterable[tuple[list[Punch], bool]]]) -> list[Stretch]:
    """Return each person's pieces as stretches. Pieces that share a punch are one stretch: they do
    where the punch after one is the punch before the other, or within it.
    """
    stretches: list[Stretch] = []
    for pieces in people:
        last: Stretch | None = None
        for piece, is_latest in pieces:
            if last and in_order(piece[0]) <= in_order(last.punches[-1]):
                beyond = [punch for punch in piece if in_order(punch) > in_order(last.punches[-1])]
                last = stretches[-1] = Stretch(
                    last.person_id,
                    (*last.punches, *beyond),
                    is_latest or (last.is_latest and not beyond),
                )
            else:
                last = Stretch(piece[0].person_id, piece, is_latest)
                stretches.append(last)
    return stretches
