"""Reading rows as the window's values."""

from collections.abc import Iterable, Sequence
from typing import Any

from worker.rules.window import Punch, Shift

PUNCH = ", ".join(f"p.{name}" for name in Punch._fields)
SHIFT = ", ".join(f"s.{name}" for name in Shift._fields)
STANDING = "NOT s.deleted AND NOT s.cancelled"


def shift(row: Sequence[Any]) -> Shift:
    """The columns of SHIFT, in its order."""
    shift_id, person_id, site_id, starts_at, ends_at, substitutes = row
    return Shift(shift_id, person_id, site_id, starts_at, ends_at, tuple(substitutes))


def shifts(rows: Iterable[Sequence[Any]]) -> list[Shift]:
    return [shift(row) for row in rows]


def punches(rows: Iterable[Sequence[Any]]) -> list[Punch]:
    """Each row has the columns of PUNCH, in its order."""
    return [Punch._make(row) for row in rows]
