"""The end of a token, by time or with its key: the viewer is told, and its connection ends."""

import asyncio
import time
from collections.abc import Iterable

from models.schemas.payloads import TokenExpiredPayload
from realtime import metrics
from realtime.feed.follower import Follower
from realtime.feed.viewer import Viewer
from realtime.published_keys import PublishedKeys
from realtime.transport.packet import NAMESPACE
from realtime.transport.server import Server

# A client told to go has this long to hang up by itself.
GOODBYE_SECONDS = 1.0
# Timers reach no further; a token that lasts longer is looked at again then.
LONGEST_TIMER_SECONDS = 86_400.0


class Expiry:
    """Ends the connections of viewers whose tokens expire, or whose tokens' keys are withdrawn."""

    def __init__(self, server: Server, published: PublishedKeys | None) -> None:
        self._server = server
        self._published = published

    def schedule(self, follower: Follower) -> None:
        """End the connection when its viewer's token expires; another token replaces the last."""
        viewer = follower.viewer
        if viewer.expiry:
            viewer.expiry.cancel()
        left = 0.0 if self._is_withdrawn(viewer) else viewer.claims.exp - time.time()
        loop = asyncio.get_running_loop()
        if left > LONGEST_TIMER_SECONDS:
            viewer.expiry = loop.call_later(LONGEST_TIMER_SECONDS, self.schedule, follower)
        else:
            viewer.expiry = loop.call_later(max(0.0, left), self._end, follower)

    def end_withdrawn(self, followers: Iterable[Follower]) -> None:
        """End the connections whose tokens were verified by keys that are not published any more.

        They hear `token_expired`: what they need, as then, is a newer token.
        """
        for follower in followers:
            if not follower.viewer.closed and self._is_withdrawn(follower.viewer):
                self._end(follower)

    def _is_withdrawn(self, viewer: Viewer) -> bool:
        return self._published is not None and not self._published.holds(viewer.claims.key_print)

    def _end(self, follower: Follower) -> None:
        viewer = follower.viewer
        reason = "key_withdrawn" if self._is_withdrawn(viewer) else "token_expired"
        follower.close()
        viewer.send(TokenExpiredPayload(exp=int(viewer.claims.exp)))
        metrics.dropped.labels(reason).inc()
        self._server.start_background_task(self._say_goodbye, viewer)

    async def _say_goodbye(self, viewer: Viewer) -> None:
        """Disconnect from the namespace, and hang up: no browser is to be left half connected."""
        await self._server.disconnect(viewer.sid, NAMESPACE, ignore_queue=True)
        await asyncio.sleep(GOODBYE_SECONDS)
        if not viewer.socket.closed:
            viewer.socket.hang_up()
