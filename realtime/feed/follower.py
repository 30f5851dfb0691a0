"""A viewer that follows its tenant's feed: brought up to the head, moved, and taken out again."""

import asyncio

from models.schemas.payloads import ResyncReason
from realtime import metrics
from realtime.feed.filters import Filter, Hearing
from realtime.feed.replay import Replay
from realtime.feed.tenant_feed import TenantFeed
from realtime.feed.viewer import Viewer
from realtime.tokens import Claims


class Follower:
    """One viewer, the feed it follows, and the replay that brings it up to the head."""

    __slots__ = ("_replay", "_task", "feed", "viewer")

    def __init__(self, viewer: Viewer, feed: TenantFeed, replay: Replay) -> None:
        self.viewer = viewer
        self.feed = feed
        self._replay = replay
        self._task: asyncio.Task[None] | None = None
        viewer.start_over = self.start_over

    def go_on(self) -> None:
        """Bring the viewer from where it stands to the head, and into its group.

        A replay that is under way is dropped.
        """
        self.feed.leave(self.viewer)
        if self._task:
            self._task.cancel()
        if not self.viewer.closed:
            self._task = asyncio.create_task(self._bring_up())

    async def _bring_up(self) -> None:
        await self._replay.bring_up(self.viewer, self.feed)
        if self._task is asyncio.current_task():
            self._task = None

    def start_over(self, reason: ResyncReason) -> None:
        """Tell the viewer that it missed something, and give it a snapshot."""
        self.viewer.owed_resync = reason
        self.viewer.owed_snapshot = True
        self.go_on()

    def hear(self, claims: Claims, new_filter: Filter) -> None:
        """Let the viewer hear other sites, or by another filter, from the next message on.

        What is due under the old ones is sent before.
        """
        grouped = self.viewer.group is not None
        self.feed.leave(self.viewer)
        self.viewer.claims = claims
        self.viewer.hearing = Hearing(claims.sites, new_filter)
        if grouped:
            self.feed.join(self.viewer)
        else:
            self.go_on()

    def close(self) -> None:
        """Take the viewer out of the feed for good."""
        if self.viewer.closed:
            return
        self.viewer.closed = True
        metrics.viewers.dec()
        if self._task:
            self._task.cancel()
        if self.viewer.expiry:
            self.viewer.expiry.cancel()
        self.feed.leave(self.viewer)
        self.feed.viewers.discard(self.viewer)
        # Otherwise the two would refer to each other, and keep the socket until a collection.
        self.viewer.start_over = _ignore


def _ignore(_reason: ResyncReason) -> None:
    """Tell an ended viewer nothing."""
