"""Rows of the database as the window's values, and the columns they have."""

from collections.abc import Iterable, Sequence
from typing import Any

from worker.rules.window import Punch, Shift

PUNCH = ", ".join(f"p.{name}" for name in Punch._fields)
SHIFT = ", ".join(f"s.{name}" for name in Shift._fields)
# That a shift counts: it is there, not cancelled, and somebody is entitled to it.
STANDING = "s.standing"


def as_shift(row: Sequence[Any]) -> Shift:
    """Return a shift from a row with the columns of SHIFT, in its order."""
    shift_id, person_id, site_id, starts_at, ends_at, substitutes, person_left = row
    return Shift(shift_id, person_id, site_id, starts_at, ends_at, tuple(substitutes), person_left)


def as_shifts(rows: Iterable[Sequence[Any]]) -> list[Shift]:
    return [as_shift(row) for row in rows]


def as_punches(rows: Iterable[Sequence[Any]]) -> list[Punch]:
    """Return punches from rows with the columns of PUNCH, in its order."""
    return [Punch._make(row) for row in rows]
