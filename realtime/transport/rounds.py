"""Who is due when, for thousands at once: one look a tick, without a task or timer for each."""

import time
from typing import Generic, TypeVar

T = TypeVar("T")

TICK_SECONDS = 0.2


class Rounds(Generic[T]):
    """Whom to look after and when. `due` is called once a tick, or as soon as it can be."""

    def __init__(self) -> None:
        self._ticks: dict[int, list[T]] = {}
        self._looked = _tick(time.monotonic())

    def add(self, member: T, seconds: float) -> None:
        """Have `member` be due in so many seconds, or up to two ticks later."""
        self._ticks.setdefault(_tick(time.monotonic() + seconds) + 1, []).append(member)

    def due(self) -> list[T]:
        """Return those that have come to be due since the last call."""
        now = _tick(time.monotonic())
        passed = range(self._looked + 1, now + 1)
        self._looked = now
        return [member for tick in passed for member in self._ticks.pop(tick, ())]


def _tick(at: float) -> int:
    return int(at / TICK_SECONDS)
