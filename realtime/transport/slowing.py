"""Slowing down an address whose clients are refused over and over, as by guessing tokens."""

import asyncio
import time
from collections import OrderedDict

from aiohttp import web

from realtime import metrics

# Refusals of one address that are answered at once: so many a second, in bursts of twice as many.
REFUSALS_PER_SECOND = 20.0
# None waits longer than this: beyond it, the caller ends the connection without an answer.
LONGEST_SECONDS = 10.0
MOST_ADDRESSES = 10_000


class Slowing:
    """When each address's next refusal is answered. The addresses refused last are remembered."""

    def __init__(self) -> None:
        self._spent: OrderedDict[str, float] = OrderedDict()  # by address: up to when on the clock

    async def wait(self, address: str) -> bool:
        """Wait until a refusal of this address may be answered. Return False where none may be."""
        seconds = self._seconds_until_next(address, time.monotonic())
        if seconds > LONGEST_SECONDS:
            metrics.slowed.labels("ended").inc()
            return False
        if seconds > 0:
            metrics.slowed.labels("slowed").inc()
            await asyncio.sleep(seconds)
        return True

    def _seconds_until_next(self, address: str, now: float) -> float:
        """Return how long the next refusal has to wait, and count it if it is answered."""
        spent = max(self._spent.get(address, now), now) + 1 / REFUSALS_PER_SECOND
        seconds = spent - now - 2.0  # a burst of two seconds' refusals is free
        if seconds <= LONGEST_SECONDS:
            self._spent[address] = spent
            self._spent.move_to_end(address)
            if len(self._spent) > MOST_ADDRESSES:
                self._spent.popitem(last=False)
        return seconds


SLOWING = web.AppKey("slowing", Slowing)
