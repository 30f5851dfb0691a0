"""Reading ranges once: a range within one that was read before costs no second look, in whichever
step it is asked for.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from psycopg import Cursor

from worker.load.ranges import K, Range

R = TypeVar("R")


class Piece(NamedTuple, Generic[K, R]):
    """What a range held when it was read."""

    range: Range[K]
    rows: list[R]


class Once(Generic[K, R]):
    """`send` asks for ranges; `rows` reads the answer, each row with the place of its range,
    counted from 1; `order` sorts a piece.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Range[K]]], Cursor],
        rows: Callable[[Cursor], Iterable[tuple[int, R]]],
        order: Callable[[R], Any] | None = None,
    ) -> None:
        self._send, self._rows, self._order = send, rows, order
        self._asked: list[tuple[list[Range[K]], Cursor]] = []
        self._pieces: dict[K, list[Piece[K, R]]] = {}

    def ask(self, ranges: Iterable[Range[K]]) -> None:
        """Send for ranges none of which was asked for before; who wants their pieces waits."""
        if wanted := list(ranges):
            self._asked.append((wanted, self._send(wanted)))

    def pieces(self, ranges: Iterable[Range[K]]) -> list[tuple[Range[K], Piece[K, R]]]:
        """Each range with the piece that holds it, which may be longer. At most one statement."""
        self._collect()
        wanted = list(ranges)
        held = [self._holding(each) for each in wanted]
        if missing := [each for each, piece in zip(wanted, held, strict=True) if piece is None]:
            self.ask(missing)
            new = iter(self._collect())
            held = [piece or next(new) for piece in held]
        return [
            (each, piece) for each, piece in zip(wanted, held, strict=True) if piece is not None
        ]

    def _holding(self, wanted: Range[K]) -> Piece[K, R] | None:
        for piece in self._pieces.get(wanted.key, ()):
            if piece.range.since <= wanted.since and wanted.until <= piece.range.until:
                return piece
        return None

    def _collect(self) -> list[Piece[K, R]]:
        """What was asked for, in the order of asking."""
        collected: list[Piece[K, R]] = []
        for wanted, answer in self._asked:
            new: list[Piece[K, R]] = [Piece(each, []) for each in wanted]
            for ordinal, row in self._rows(answer):
                new[ordinal - 1].rows.append(row)
            for piece in new:
                if self._order and len(piece.rows) > 1:
                    piece.rows.sort(key=self._order)
                self._pieces.setdefault(piece.range.key, []).append(piece)
            collected += new
        self._asked.clear()
        return collected
