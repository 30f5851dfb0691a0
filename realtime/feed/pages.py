"""Pages that many viewers are owed at the same time, as after a restart.

They are read once and encoded once, and soon forgotten.
"""

import asyncio
import time
from collections import deque
from typing import NamedTuple

from realtime.feed.filters import Hearing
from realtime.feed.messages import FeedMessage
from realtime.feed.reader import FeedReader
from realtime.feed.tenant_feed import TenantFeed
from realtime.transport.burst import Burst

REPLAY_PAGE_MESSAGES = 200
# A page is kept for so long after it was read, and at most so many bytes of messages in all. Each
# message is there up to four times, in the forms that it is sent in.
KEPT_SECONDS = 2.0
KEPT_BYTES = 4_000_000

# The history of a feed, and what is heard of it.
Key = tuple[object, Hearing]


class SharedPage:
    """All messages in (after, through] that one hearing has, with the feed's floor at the time."""

    __slots__ = ("after", "burst", "bytes", "epoch", "floor", "messages", "read_at", "through")

    def __init__(
        self, epoch: str, floor: int, after: int, through: int, messages: list[FeedMessage]
    ) -> None:
        self.epoch = epoch
        self.floor = floor
        self.after = after
        self.through = through
        self.messages = messages
        self.burst = Burst(messages)
        self.bytes = sum(len(message.body) for message in messages)
        self.read_at = time.monotonic()

    def beyond(self, position: int) -> Burst:
        """Return what a viewer at `position` has not had: mostly all."""
        if position == self.after:
            return self.burst
        return Burst([message for message in self.messages if message.position > position])


class Kept(NamedTuple):
    key: Key
    page: SharedPage


class Pages:
    def __init__(self, reader: FeedReader) -> None:
        self._reader = reader
        self._pages: dict[Key, list[SharedPage]] = {}
        self._order: deque[Kept] = deque()
        self._bytes = 0
        self._reading: dict[tuple[Key, int], asyncio.Task[SharedPage]] = {}
        self._forgetting = False

    async def after(self, feed: TenantFeed, position: int, hearing: Hearing) -> SharedPage:
        """Return a page of what is beyond `position`, up to the feed's head at most.

        It is of another epoch, if the feed turns out to have another. Raises what Postgres raised.
        """
        key = (feed.generation, hearing)
        for page in self._pages.get(key, ()):
            if page.after <= position < page.through:
                return page
        reading = self._reading.get((key, position))
        if reading is None:
            reading = self._reading[key, position] = asyncio.create_task(
                self._read(feed, position, hearing)
            )
            reading.add_done_callback(lambda done: self._has_read(key, position, done, feed.epoch))
        return await asyncio.shield(reading)

    async def _read(self, feed: TenantFeed, position: int, hearing: Hearing) -> SharedPage:
        until = feed.head
        epoch, floor, messages = await self._reader.page(
            feed.tenant_id, position, until, REPLAY_PAGE_MESSAGES, hearing
        )
        through = messages[-1].position if len(messages) == REPLAY_PAGE_MESSAGES else until
        return SharedPage(epoch, floor, position, through, messages)

    def _has_read(
        self, key: Key, position: int, reading: asyncio.Task[SharedPage], epoch: str
    ) -> None:
        del self._reading[key, position]
        if reading.cancelled() or reading.exception() or reading.result().epoch != epoch:
            return
        page = reading.result()
        self._pages.setdefault(key, []).append(page)
        self._order.append(Kept(key, page))
        self._bytes += page.bytes
        self._forget()

    def _forget(self) -> None:
        """Forget pages, the oldest first, until none is too old and all are within the bound."""
        while self._order and (
            self._bytes > KEPT_BYTES
            or time.monotonic() - self._order[0].page.read_at >= KEPT_SECONDS
        ):
            key, page = self._order.popleft()
            self._bytes -= page.bytes
            self._pages[key].remove(page)
            if not self._pages[key]:
                del self._pages[key]
        if self._order and not self._forgetting:
            self._forgetting = True
            asyncio.get_running_loop().call_later(KEPT_SECONDS, self._forget_again)

    def _forget_again(self) -> None:
        self._forgetting = False
        self._forget()
