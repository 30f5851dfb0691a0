"""Read each range once: a range within one that was read before is not read again, whichever step
asks for it.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from psycopg import Cursor

from worker.load.ranges import K, Range

R = TypeVar("R")


class Piece(NamedTuple, Generic[K, R]):
    """A range that was read, and the rows it had."""

    range: Range[K]
    rows: list[R]


class Once(Generic[K, R]):
    """Ranges of one kind of row, read by the functions given.

    `send` sends for ranges. `rows` reads its answer: each row with the place of its range, counted
    from 1. `order` is the sort key of a piece's rows.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Range[K]]], Cursor],
        rows: Callable[[Cursor], Iterable[tuple[int, R]]],
        order: Callable[[R], Any] | None = None,
    ) -> None:
        self._send, self._rows, self._order = send, rows, order
        self._asked: list[tuple[list[Range[K]], Cursor]] = []
        # by key: one list for each time of asking, whose ranges are in order and do not overlap
        self._pieces: dict[K, list[list[Piece[K, R]]]] = {}

    def ask(self, ranges: Iterable[Range[K]]) -> None:
        """Send for ranges that were merged, none of which was asked for before; `pieces` waits for
        the answer.
        """
        if asked := list(ranges):
            self._asked.append((asked, self._send(asked)))

    def pieces(self, ranges: Iterable[Range[K]]) -> list[tuple[Range[K], Piece[K, R]]]:
        """Return each range, of those that were merged, with the piece that holds it, which may be
        longer.

        Costs one statement at most.
        """
        self._collect()
        asked = list(ranges)
        pieces = [self._holding(range_) for range_ in asked]
        if missing := [r for r, piece in zip(asked, pieces, strict=True) if piece is None]:
            self.ask(missing)
            new = iter(self._collect())
            pieces = [piece or next(new) for piece in pieces]
        return [(r, piece) for r, piece in zip(asked, pieces, strict=True) if piece is not None]

    def _holding(self, range_: Range[K]) -> Piece[K, R] | None:
        # Of those that were asked for together only the last that begins by then may hold it.
        for pieces in self._pieces.get(range_.key, ()):
            place = bisect_right(pieces, range_.since, key=_since)
            if place and range_.until <= pieces[place - 1].range.until:
                return pieces[place - 1]
        return None

    def _collect(self) -> list[Piece[K, R]]:
        """Wait for what was asked for, and return its pieces in the order of asking."""
        collected: list[Piece[K, R]] = []
        for ranges, answer in self._asked:
            pieces: list[Piece[K, R]] = [Piece(range_, []) for range_ in ranges]
            for ordinal, row in self._rows(answer):
                pieces[ordinal - 1].rows.append(row)
            for piece in pieces:
                if self._order and len(piece.rows) > 1:
                    piece.rows.sort(key=self._order)
            for key, together in _by_key(pieces).items():
                self._pieces.setdefault(key, []).append(together)
            collected += pieces
        self._asked.clear()
        return collected


def _by_key(pieces: Iterable[Piece[K, R]]) -> dict[K, list[Piece[K, R]]]:
    by_key: dict[K, list[Piece[K, R]]] = {}
    for piece in pieces:
        by_key.setdefault(piece.range.key, []).append(piece)
    return by_key


def _since(piece: Piece[Any, Any]) -> datetime:
    return piece.range.since
