"""What is costly to find out: found out once, however many ask at once, and then believed for a
while.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Call it for the answer of `find_out`, or what that raised. Whoever stops waiting stops
    nothing.
    """

    def __init__(self, find_out: Callable[[], Awaitable[T]], seconds: float = 1.0) -> None:
        self._find_out = find_out
        self._seconds = seconds
        self._finding: asyncio.Task[T] | None = None
        self._found_at = 0.0

    async def __call__(self) -> T:
        if self._finding is None or (self._finding.done() and self._is_old()):
            self._finding = asyncio.create_task(self._find())
            self._finding.add_done_callback(_take_note)
        return await asyncio.shield(self._finding)

    async def _find(self) -> T:
        try:
            return await self._find_out()
        finally:
            self._found_at = time.monotonic()

    def _is_old(self) -> bool:
        return time.monotonic() - self._found_at >= self._seconds


def _take_note(finding: asyncio.Task) -> None:
    """Its exception is for those who ask; asyncio is not to report it where they are gone."""
    if not finding.cancelled():
        finding.exception()
