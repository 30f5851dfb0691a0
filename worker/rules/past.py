"""A row of the roster through time: what it is from each moment on."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


class Past(Generic[T]):
    """The versions of something, of which exactly one holds at any moment.

    `first` holds since ever; each of `later`, which are in order, from its moment on, that moment
    included.
    """

    __slots__ = ("_rows", "_since")

    def __init__(self, first: T, later: Sequence[tuple[datetime, T]] = ()) -> None:
        self._since = [since for since, _ in later]
        self._rows = [first, *(row for _, row in later)]

    def at(self, moment: datetime) -> T:
        """Return what holds at a moment."""
        return self._rows[bisect_right(self._since, moment)] if self._since else self._rows[0]

    @property
    def always(self) -> T | None:
        """What holds at every moment; None where that is not one thing."""
        return None if self._since else self._rows[0]

    def versions(self) -> Iterator[tuple[datetime | None, T]]:
        """Yield what holds in turn, each with the moment from which it does, None for ever."""
        return zip((None, *self._since), self._rows, strict=True)

    def __repr__(self) -> str:
        return f"Past({list(self.versions())!r})"


def past_of(value: "T | Past[T]") -> "Past[T]":
    """Return the past of what was never otherwise, or the past that is given."""
    return value if isinstance(value, Past) else Past(value)
