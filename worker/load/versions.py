"""Rows of the roster through time, as the tables of their versions have them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from worker.rules.past import Past

T = TypeVar("T")

# From when to when a version `v` holds: null is for ever, as psycopg cannot load infinity.
SPAN = "nullif(v.since, '-infinity'), nullif(v.until, 'infinity')"


def pasts(
    rows: Iterable[Sequence[Any]], make: Callable[[Sequence[Any]], T]
) -> dict[Any, Past[T | None]]:
    """Return by key the pasts that rows of versions tell: the columns of SPAN, then the key, then
    the others. `make` makes the value of the columns from the key on.
    """
    spans: dict[Any, list[tuple[datetime | None, datetime | None, T | None]]] = {}
    for since, until, *columns in rows:
        spans.setdefault(columns[0], []).append((since, until, make(columns)))
    return {key: Past.of_spans(held, None) for key, held in spans.items()}


def moment(text: str | None) -> datetime | None:
    """Return a moment as JSON has it; None where it is for ever."""
    return None if text in (None, "infinity", "-infinity") else datetime.fromisoformat(text)
