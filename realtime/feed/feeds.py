"""The feeds of the tenants that have viewers on this server: opened with the first, closed with the
last, kept at their heads.
"""

import asyncio
import time
from collections.abc import Collection
from contextlib import suppress
from typing import Any, NamedTuple

import orjson
import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.emitter import tenant_channel
from realtime import metrics
from realtime.feed.reader import FeedReader, Head
from realtime.feed.tenant_feed import TenantFeed
from realtime.transport.listener import Listener

log = structlog.get_logger()

EVERY_SECONDS = 1.0


class Look(NamedTuple):
    """When all feeds were compared with Postgres, and where it had them."""

    at: float
    heads: dict[int, Head]


class Feeds:
    def __init__(self, reader: FeedReader, listener: Listener, channel: str) -> None:
        self._reader = reader
        self._listener = listener
        self._channel = channel
        self._feeds: dict[int, TenantFeed] = {}
        self._due: set[int] = set()
        self._nudged = asyncio.Event()
        self._look = Look(time.monotonic(), {})
        self._caught_up_at = self._look.at

    async def hold(self, tenant_id: int) -> TenantFeed:
        """The tenant's feed, loaded. Whoever holds it releases it. Raises what Postgres raised."""
        feed = self._feeds.get(tenant_id)
        if feed is None:
            feed = self._feeds[tenant_id] = TenantFeed(tenant_id, self._reader)
            self._listener.join(tenant_channel(self._channel, tenant_id))
        feed.holders += 1
        try:
            await feed.load()
        except BaseException:
            self.release(feed)
            raise
        return feed

    def release(self, feed: TenantFeed) -> None:
        feed.holders -= 1
        if feed.holders == 0 and self._feeds.get(feed.tenant_id) is feed:
            del self._feeds[feed.tenant_id]
            self._listener.leave(tenant_channel(self._channel, feed.tenant_id))

    def said(self, document: bytes) -> None:
        """A publication on a tenant's channel. One that cannot be read is left to the next
        comparison.
        """
        try:
            said = orjson.loads(document)
            feed = self._feeds.get(said["tenant_id"])
            if feed is not None and said["method"] == "say":
                feed.say(said["epoch"], said["base"], said["messages"])
                _observe(said)
        except (ValueError, TypeError, KeyError):
            metrics.unreadable.inc()
            log.warning("publication_unreadable", bytes=len(document))

    def subscribed(self, channel: str) -> None:
        """Redis has confirmed the channel: what was said before may have been missed."""
        tenant = channel.removeprefix(tenant_channel(self._channel, 0)[:-1])
        if tenant.isdigit():
            self._due.add(int(tenant))
            self._nudged.set()

    async def watch(self) -> None:
        """For ever: compare every feed with Postgres each second, and those just subscribed at
        once.
        """
        next_look = time.monotonic() + EVERY_SECONDS
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nudged.wait(), max(0.0, next_look - time.monotonic()))
            due, self._due = self._due, set()
            self._nudged.clear()
            look = Look(time.monotonic(), {})
            is_whole = look.at >= next_look
            if is_whole:
                next_look = look.at + EVERY_SECONDS
                due = set(self._feeds)
            if await self._compare(due & self._feeds.keys(), look.heads) and is_whole:
                self._follow_up(look)

    def behind_seconds(self) -> float:
        """How long ago every feed was where Postgres had it then; a second or two while all is
        well.
        """
        return time.monotonic() - self._caught_up_at

    def _follow_up(self, look: Look) -> None:
        """Whether each feed has come meanwhile to where the look before this one saw it."""
        seen = self._look.heads
        if all(feed.has_reached(seen.get(tenant_id)) for tenant_id, feed in self._feeds.items()):
            self._caught_up_at = self._look.at
        self._look = look

    async def _compare(self, tenants: Collection[int], heads: dict[int, Head]) -> bool:
        """Whether Postgres told the heads, which are put into `heads`."""
        if not tenants:
            return True
        asked = {
            tenant_id: (self._feeds[tenant_id], self._feeds[tenant_id].head)
            for tenant_id in tenants
        }
        try:
            heads.update(await self._reader.heads(asked))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("heads_unreadable", error=type(error).__name__)
            return False
        for tenant_id, (feed, asked_at) in asked.items():
            feed.compare(heads[tenant_id], asked_at)
        return True


def _observe(said: dict[str, Any]) -> None:
    if isinstance(said.get("at"), float):
        metrics.said_to_fan_out.observe(max(0.0, time.time() - said["at"]))
