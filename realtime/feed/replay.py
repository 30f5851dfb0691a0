"""Bringing one viewer to the head of its feed.

It gets its resync and its snapshot where it is owed them, then what it missed, page by page.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.schemas.payloads import ResyncPayload
from realtime import metrics
from realtime.errors import ClientError
from realtime.feed.fan_out import Stalled, wait_drained
from realtime.feed.pages import Pages
from realtime.feed.reader import FeedReader
from realtime.feed.snapshots import Snapshots
from realtime.feed.tenant_feed import TenantFeed
from realtime.feed.viewer import Viewer

log = structlog.get_logger()

# The next page is read when the viewer's backlog is down to this.
LOW_WATER_BYTES = 65_536
# So many viewers are given a page at the same time; live messages of others go out in between.
VIEWERS_AT_ONCE = 6
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0

Step = Callable[[Viewer, TenantFeed], Awaitable[None]]


class Replay:
    """Brings viewers up, with snapshots and pages that those who come together share."""

    def __init__(self, reader: FeedReader, stall_seconds: float) -> None:
        self._pages, self._snapshots = Pages(reader), Snapshots(reader)
        self._stall_seconds = stall_seconds
        self._turns = asyncio.Semaphore(VIEWERS_AT_ONCE)

    async def bring_up(self, viewer: Viewer, feed: TenantFeed) -> None:
        """Return with the viewer in its group, in the tick in which it reached the head.

        No message falls between.
        """
        try:
            await self._resync(viewer)
            while viewer.owed_snapshot:
                await self._patiently(self._snapshot, viewer, feed)
            while viewer.position < feed.head:
                await self._patiently(self._page, viewer, feed)
            feed.join(viewer)
        except Stalled:
            metrics.dropped.labels("stalled").inc()
            viewer.socket.hang_up()
        except Exception:
            # The viewer would stay connected and hear nothing; one that is cut off comes back.
            log.exception("replay_failed", tenant_id=feed.tenant_id)
            viewer.socket.hang_up()

    async def _resync(self, viewer: Viewer) -> None:
        if viewer.owed_resync is None:
            return
        most_bytes = 0 if viewer.owed_resync == "slow_viewer" else LOW_WATER_BYTES
        await wait_drained(viewer.socket, most_bytes, self._stall_seconds)
        metrics.resyncs.labels(viewer.owed_resync).inc()
        viewer.send(ResyncPayload(reason=viewer.owed_resync))
        viewer.owed_resync = None

    async def _snapshot(self, viewer: Viewer, feed: TenantFeed) -> None:
        epoch = feed.epoch
        async with self._turns:
            snapshot = await self._snapshots.of(feed, viewer.history, viewer.hearing)
        if snapshot.epoch != feed.epoch or epoch != feed.epoch:
            await feed.wait_caught_up()
            return
        viewer.socket.write(snapshot.burst)
        viewer.position, viewer.owed_snapshot = snapshot.position, False

    async def _page(self, viewer: Viewer, feed: TenantFeed) -> None:
        async with self._turns:
            page = await self._pages.after(feed, viewer.position, viewer.hearing)
            if page.epoch != feed.epoch:
                await feed.wait_caught_up()
                return
            if max(page.floor, feed.floor) > viewer.position:
                viewer.start_over("too_old")
                return
            missed = page.beyond(viewer.position)
            if missed:
                viewer.socket.write(missed)
                metrics.replayed.inc(len(missed))
            viewer.position = page.through
        await wait_drained(viewer.socket, LOW_WATER_BYTES, self._stall_seconds)

    async def _patiently(self, step: Step, viewer: Viewer, feed: TenantFeed) -> None:
        """Take the step again until Postgres answers.

        The viewer stays connected meanwhile, and its place in the feed is kept.
        """
        pause = FIRST_PAUSE_SECONDS
        while True:
            with suppress(SQLAlchemyError, OSError, TimeoutError, ClientError):
                return await step(viewer, feed)
            log.warning("replay_waits", tenant_id=feed.tenant_id)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
