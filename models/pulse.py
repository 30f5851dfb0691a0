"""What has to happen again and again: workers note that it did, and servers look how long ago.

A pulse is a row of its own, its time Postgres' own clock.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple

from psycopg import Cursor

# A task came through the queue `attendance`; beat's own go through it too, for quiet nights.
TASKS = "attendance"
# A server wrote something, to see whether it can.
WRITTEN = "written"

# How old the last end of each sweep may be: what lies between two starts of it, what it may wait
# for a worker, and the longest it may take.
SWEEPS = {
    "sweep_left": timedelta(seconds=60),
    "keep_alerts": timedelta(seconds=90),
    "sweep_moments": timedelta(seconds=120),
    "prune": timedelta(hours=2),
}
OLDEST = {TASKS: timedelta(seconds=60), **SWEEPS}

NOTE = """
INSERT INTO pulse (name, at) VALUES (%s, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET at = excluded.at
"""
AGES = "SELECT name, clock_timestamp() - at FROM pulse"


class Late(NamedTuple):
    """A pulse that is older than it may be. `age` is None where it never was."""

    name: str
    age: timedelta | None

    def __str__(self) -> str:
        return "never" if self.age is None else f"{self.age.total_seconds():.0f} s ago"


def note(cursor: Cursor, name: str) -> None:
    """It happened now. Two that note the same take turns, for as long as a commit takes."""
    cursor.execute(NOTE, (name,))


def late(ages: Iterable[tuple[str, timedelta]]) -> Iterator[Late]:
    """Those of OLDEST that are too old, or missing, among the rows of AGES."""
    known = dict(ages)
    for name, oldest in OLDEST.items():
        age = known.get(name)
        if age is None or age > oldest:
            yield Late(name, age)
