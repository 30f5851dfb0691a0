"""A row of the roster through time: what it is from each moment on."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")

_EVER = datetime.min.replace(tzinfo=UTC)


class Past(Generic[T]):
    """The versions of something, of which exactly one holds at any moment.

    `first` holds since ever; each of `later`, which are in order, from its moment on, that moment
    included.
    """

    __slots__ = ("_rows", "_since")

    def __init__(self, first: T, later: Sequence[tuple[datetime, T]] = ()) -> None:
        self._since = [since for since, _ in later]
        self._rows = [first, *(row for _, row in later)]

    @classmethod
    def of_spans(
        cls, spans: Iterable[tuple[datetime | None, datetime | None, T]], otherwise: T
    ) -> "Past[T]":
        """Return the past of rows that hold from one moment to another, which is not included.

        None is for ever. No two of the spans overlap; `otherwise` holds beside them.
        """
        held = list(spans)
        ends = {until: otherwise for _, until, _ in held if until}
        steps = {_EVER: otherwise, **ends, **{since or _EVER: row for since, _, row in held}}
        return cls(steps.pop(_EVER), sorted(steps.items(), key=lambda step: step[0]))

    def at(self, moment: datetime) -> T:
        """Return what holds at a moment."""
        return self._rows[bisect_right(self._since, moment)] if self._since else self._rows[0]

    def within(self, since: datetime, until: datetime) -> Sequence[T]:
        """Return what holds in turn from one moment to another, both included."""
        return self._rows[bisect_right(self._since, since) : bisect_right(self._since, until) + 1]

    def versions(self) -> Iterator[tuple[datetime | None, T]]:
        """Yield what holds in turn, each with the moment from which it does, None for ever."""
        return zip((None, *self._since), self._rows, strict=True)

    def over(self, below: "Past[U]", lay: Callable[[U, T], V]) -> "Laid[V]":
        """Return what `lay` makes of another past and, over it, of this one."""
        return Laid(lambda moment: lay(below.at(moment), self.at(moment)))

    def __repr__(self) -> str:
        return f"Past({list(self.versions())!r})"


class Laid(Generic[V]):
    """What one past laid over another makes at a moment, worked out where it is asked for."""

    __slots__ = ("at",)

    def __init__(self, at: Callable[[datetime], V]) -> None:
        self.at = at


def past_of(value: "T | Past[T]") -> "Past[T]":
    """Return the past of what was never otherwise, or the past that is given."""
    return value if isinstance(value, Past) else Past(value)
