"""Keeps how far the simulated days have come, in a file under DATA_DIR, so that the next run goes
on from there.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

# The simulated clock starts so far behind the real one, and an edition ends before it catches up.
# Punches are submitted a day after they happened, at least: what is judged by the real moment (a
# spell still open) is long past by then.
_START_BEHIND = timedelta(days=12)
_TOO_FAR_BEHIND = timedelta(days=16)
_LEAST_BEHIND = timedelta(hours=6)


class Progress(NamedTuple):
    """How far an edition's simulated clock has come. `begun` is where it started: parcels up to
    there were loaded as history.
    """

    edition: int
    begun: datetime
    clock: datetime

    def has_run(self) -> bool:
        return self.clock > self.begun


def first_edition(now: datetime) -> Progress:
    return _begin(0, now)


def next_edition(progress: Progress, now: datetime) -> Progress:
    return _begin(progress.edition + 1, now)


def is_over(progress: Progress, now: datetime) -> bool:
    return now - progress.clock < _LEAST_BEHIND


def read(folder: Path, now: datetime) -> Progress:
    """Read where the last run stopped. After a long pause the same people go on later, as after a
    company holiday.
    """
    try:
        stored = json.loads(_file(folder).read_text())
    except FileNotFoundError:
        return first_edition(now)
    progress = Progress(
        stored["edition"],
        datetime.fromisoformat(stored["begun"]),
        datetime.fromisoformat(stored["clock"]),
    )
    if now - progress.clock > _TOO_FAR_BEHIND:
        return _begin(progress.edition, now)
    return progress


def keep(folder: Path, progress: Progress) -> None:
    """Write the progress to a new file and move that into place: a reader never sees half of it."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = _file(folder).with_suffix(".new")
    unfinished.write_text(
        json.dumps(
            {
                "edition": progress.edition,
                "begun": progress.begun.isoformat(),
                "clock": progress.clock.isoformat(),
            }
        )
    )
    unfinished.replace(_file(folder))


class Clock:
    """The simulated clock, `speed` times as fast as the real one. It counts by the monotonic clock,
    which nobody sets.
    """

    def __init__(self, start: datetime, speed: float) -> None:
        self._start, self._speed, self._since = start, speed, time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=(time.monotonic() - self._since) * self._speed)


def _begin(edition: int, now: datetime) -> Progress:
    start = (now.astimezone(UTC) - _START_BEHIND).replace(hour=0, minute=0, second=0, microsecond=0)
    return Progress(edition, start, start)


def _file(folder: Path) -> Path:
    return folder / "demo.json"
