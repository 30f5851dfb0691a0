"""Pages that many viewers are owed at the same time, as after a restart: read once and encoded
once, and soon forgotten.
"""

import asyncio
import time
from collections import deque
from typing import NamedTuple

from realtime.feed.filters import Hearing
from realtime.feed.messages import Said
from realtime.feed.reader import FeedReader
from realtime.feed.tenant_feed import TenantFeed
from realtime.transport.burst import Burst

PAGE = 200
# A page is kept for so long after it was read, and so many bytes of messages at most; each is there
# up to four times, in the forms that it is sent in.
SECONDS = 2.0
MOST_BYTES = 4_000_000

# Of one feed, as long as its history is the same; for those that hear the same.
Key = tuple[object, Hearing]


class Stretch:
    """All that one hearing has in (after, through], and the floor of the feed when it was read."""

    __slots__ = ("after", "burst", "bytes", "epoch", "floor", "messages", "read_at", "through")

    def __init__(
        self, epoch: str, floor: int, after: int, through: int, messages: list[Said]
    ) -> None:
        self.epoch = epoch
        self.floor = floor
        self.after = after
        self.through = through
        self.messages = messages
        self.burst = Burst(messages)
        self.bytes = sum(len(said.body) for said in messages)
        self.read_at = time.monotonic()

    def beyond(self, position: int) -> Burst:
        """What of it a viewer at `position` has not had: mostly all."""
        if position == self.after:
            return self.burst
        return Burst([said for said in self.messages if said.position > position])


class Kept(NamedTuple):
    key: Key
    stretch: Stretch


class Pages:
    def __init__(self, reader: FeedReader) -> None:
        self._reader = reader
        self._stretches: dict[Key, list[Stretch]] = {}
        self._order: deque[Kept] = deque()
        self._bytes = 0
        self._reading: dict[tuple[Key, int], asyncio.Task[Stretch]] = {}
        self._forgetting = False

    async def after(self, feed: TenantFeed, position: int, hearing: Hearing) -> Stretch:
        """A page of what is beyond `position`, up to the feed's head at most. Raises what Postgres
        raised.

        Of another epoch, if the feed turns out to have another.
        """
        key = (feed.history, hearing)
        for stretch in self._stretches.get(key, ()):
            if stretch.after <= position < stretch.through:
                return stretch
        reading = self._reading.get((key, position))
        if reading is None:
            reading = self._reading[key, position] = asyncio.create_task(
                self._read(feed, position, hearing)
            )
            reading.add_done_callback(lambda done: self._has_read(key, position, done, feed.epoch))
        return await asyncio.shield(reading)

    async def _read(self, feed: TenantFeed, position: int, hearing: Hearing) -> Stretch:
        until = feed.head
        page = await self._reader.page(feed.tenant_id, position, until, PAGE, hearing)
        through = page.messages[-1].position if len(page.messages) == PAGE else until
        return Stretch(page.epoch, page.floor, position, through, page.messages)

    def _has_read(
        self, key: Key, position: int, reading: asyncio.Task[Stretch], epoch: str
    ) -> None:
        del self._reading[key, position]
        if reading.cancelled() or reading.exception() or reading.result().epoch != epoch:
            return
        stretch = reading.result()
        self._stretches.setdefault(key, []).append(stretch)
        self._order.append(Kept(key, stretch))
        self._bytes += stretch.bytes
        self._forget()

    def _forget(self) -> None:
        """The oldest first: what is too much, and what is old."""
        while self._order and (
            self._bytes > MOST_BYTES or time.monotonic() - self._order[0].stretch.read_at >= SECONDS
        ):
            key, stretch = self._order.popleft()
            self._bytes -= stretch.bytes
            self._stretches[key].remove(stretch)
            if not self._stretches[key]:
                del self._stretches[key]
        if self._order and not self._forgetting:
            self._forgetting = True
            asyncio.get_running_loop().call_later(SECONDS, self._forget_again)

    def _forget_again(self) -> None:
        self._forgetting = False
        self._forget()
