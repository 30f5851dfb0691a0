"""Pulses: a note that what has to happen again and again did, and a look how long ago.

Workers note most of them, servers that they could write. A pulse is a row; its time is by Postgres'
own clock.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple

from psycopg import Cursor

# A task came through the queue `attendance`. Beat sends one of its own, for nights without punches.
TASKS = "attendance"
# A server wrote something, to see whether it can.
WRITTEN = "written"

# How old the end of each sweep may be: the time between two starts, plus what it may wait for a
# worker, plus the longest that it may take.
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
    """Note that it happened now. Two that note the same one take turns until the commit."""
    cursor.execute(NOTE, (name,))


def late(ages: Iterable[tuple[str, timedelta]]) -> Iterator[Late]:
    """Yield those of OLDEST that are too old, or missing, among the rows of AGES."""
    age_by_name = dict(ages)
    for name, oldest in OLDEST.items():
        age = age_by_name.get(name)
        if age is None or age > oldest:
            yield Late(name, age)
