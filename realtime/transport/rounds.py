"""Who is due when, for thousands at once: one look each tick, and neither a task nor a timer for
any of them.
"""

import time
from typing import Generic, TypeVar

T = TypeVar("T")

TICK = 0.2


class Rounds(Generic[T]):
    def __init__(self) -> None:
        self._ticks: dict[int, list[T]] = {}
        self._looked = _tick(time.monotonic())

    def add(self, one: T, seconds: float) -> None:
        """`one` is due in so many seconds, and up to two ticks later."""
        self._ticks.setdefault(_tick(time.monotonic() + seconds) + 1, []).append(one)

    def due(self) -> list[T]:
        """Who has come to be due since the last look."""
        now = _tick(time.monotonic())
        passed = range(self._looked + 1, now + 1)
        self._looked = now
        return [one for tick in passed for one in self._ticks.pop(tick, ())]


def _tick(at: float) -> int:
    return int(at / TICK)
