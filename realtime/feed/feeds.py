"""The feeds of the tenants that have viewers on this server, kept at their heads.

A feed is opened with the first viewer and closed with the last.
"""

import asyncio
import time
from collections.abc import Collection
from contextlib import suppress
from typing import NamedTuple

import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.emitter import tenant_channel
from models.ids import Id, parse_id
from realtime import metrics
from realtime.feed.publications import Publications
from realtime.feed.reader import FeedReader, Head
from realtime.feed.tenant_feed import TenantFeed
from realtime.transport.listener import Listener

log = structlog.get_logger()

COMPARE_SECONDS = 1.0


class Comparison(NamedTuple):
    """When feeds were compared with Postgres (time.monotonic), and the heads it had then."""

    at: float
    heads: dict[Id, Head]


class Feeds:
    def __init__(
        self,
        reader: FeedReader,
        listener: Listener,
        channel: str,
        publications: Publications,
    ) -> None:
        self._reader = reader
        self._listener = listener
        self._channel = channel
        self._publications = publications
        self._feeds: dict[Id, TenantFeed] = {}
        self._due: set[Id] = set()
        self._nudged = asyncio.Event()
        self._comparison = Comparison(time.monotonic(), {})
        self._caught_up_at = self._comparison.at

    async def hold(self, tenant_id: Id) -> TenantFeed:
        """Return the tenant's feed, loaded; the caller has to release it.

        Raises what Postgres raised.
        """
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
        """Give back a feed that was held. The last one closes it."""
        feed.holders -= 1
        if feed.holders == 0 and self._feeds.get(feed.tenant_id) is feed:
            del self._feeds[feed.tenant_id]
            self._listener.leave(tenant_channel(self._channel, feed.tenant_id))

    def receive(self, document: bytes) -> None:
        """Take what was published on a tenant's channel.

        What is not believed or cannot be read is left to the next comparison with Postgres.
        """
        said = self._publications.verified(document)
        if said is None:
            return
        try:
            feed = self._feeds.get(said["tenant_id"])
            if feed is not None:
                feed.receive(said["epoch"], said["base"], said["messages"], said["marks"])
                metrics.said_to_fan_out.observe(max(0.0, time.time() - said["at"]))
        except (ValueError, TypeError, KeyError):
            self._publications.drop("unreadable")

    def subscribed(self, channel: str) -> None:
        """Have the feed compared, as what was published before Redis confirmed may be missed."""
        tenant = channel.removeprefix(tenant_channel(self._channel, 0)[:-1])
        with suppress(ValueError):
            self._due.add(parse_id(tenant))
            self._nudged.set()

    async def watch(self) -> None:
        """Compare every feed with Postgres each second, and new subscriptions at once, for ever."""
        next_at = time.monotonic() + COMPARE_SECONDS
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nudged.wait(), max(0.0, next_at - time.monotonic()))
            due, self._due = self._due, set()
            self._nudged.clear()
            comparison = Comparison(time.monotonic(), {})
            is_of_all = comparison.at >= next_at
            if is_of_all:
                next_at = comparison.at + COMPARE_SECONDS
                due = set(self._feeds)
            if await self._compare(due & self._feeds.keys(), comparison.heads) and is_of_all:
                self._follow_up(comparison)

    def behind_seconds(self) -> float:
        """Return the age of the last comparison that every feed here has caught up with.

        It is a second or two while all is well.
        """
        return time.monotonic() - self._caught_up_at

    def _follow_up(self, comparison: Comparison) -> None:
        """Note whether each feed has come by now to where the comparison before this one saw it."""
        heads = self._comparison.heads
        if all(feed.has_reached(heads.get(tenant_id)) for tenant_id, feed in self._feeds.items()):
            self._caught_up_at = self._comparison.at
        self._comparison = comparison

    async def _compare(self, tenants: Collection[Id], heads: dict[Id, Head]) -> bool:
        """Compare the tenants' feeds, and put the heads that Postgres has into `heads`.

        Return whether Postgres answered.
        """
        if not tenants:
            return True
        asked = {tenant_id: self._feeds[tenant_id] for tenant_id in tenants}
        shown = {tenant_id: feed.shown() for tenant_id, feed in asked.items()}
        try:
            heads.update(
                await self._reader.heads(
                    {tenant_id: part.span() for tenant_id, part in shown.items()}
                )
            )
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("heads_unreadable", error=type(error).__name__)
            return False
        for tenant_id, feed in asked.items():
            feed.compare(heads[tenant_id], shown[tenant_id])
        return True
