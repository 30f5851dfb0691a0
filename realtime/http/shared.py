"""Answers that are costly: found out once for all that ask at the same time, and kept a while."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Call it for the answer of `find_out`, or what that raised; it is kept for `seconds`.

    Whoever stops waiting stops nothing.
    """

    def __init__(self, find_out: Callable[[], Awaitable[T]], seconds: float = 1.0) -> None:
        self._find_out = find_out
        self._seconds = seconds
        self._finding: asyncio.Task[T] | None = None
        self._found_at = 0.0

    async def __call__(self) -> T:
        if self._finding is None or (self._finding.done() and self._is_old()):
            self._finding = asyncio.create_task(self._find())
            self._finding.add_done_callback(_retrieve_exception)
        return await asyncio.shield(self._finding)

    async def _find(self) -> T:
        try:
            return await self._find_out()
        finally:
            self._found_at = time.monotonic()

    def _is_old(self) -> bool:
        return time.monotonic() - self._found_at >= self._seconds


def _retrieve_exception(finding: asyncio.Task[Any]) -> None:
    """Keep asyncio from reporting an exception where those who asked, whose it is, have gone."""
    if not finding.cancelled():
        finding.exception()
