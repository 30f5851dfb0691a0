"""The end of a token's time: the viewer is told of it, and its connection ends."""

import asyncio
import time

from models.schemas.payloads import TokenExpiredPayload
from realtime import metrics
from realtime.feed.follower import Follower
from realtime.feed.viewer import Viewer
from realtime.transport.packet import NAMESPACE
from realtime.transport.server import Server

# A client told to go has this long to hang up by itself.
GOODBYE_SECONDS = 1.0
# Timers reach no further; a token that lasts longer is looked at again then.
LONGEST_TIMER_SECONDS = 86_400.0


class Expiry:
    """Ends the connections of viewers whose tokens expire."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def schedule(self, follower: Follower) -> None:
        """End the connection when its viewer's token expires; another token replaces the last."""
        viewer = follower.viewer
        if viewer.expiry:
            viewer.expiry.cancel()
        left = viewer.claims.exp - time.time()
        loop = asyncio.get_running_loop()
        if left > LONGEST_TIMER_SECONDS:
            viewer.expiry = loop.call_later(LONGEST_TIMER_SECONDS, self.schedule, follower)
        else:
            viewer.expiry = loop.call_later(max(0.0, left), self._expire, follower)

    def _expire(self, follower: Follower) -> None:
        viewer = follower.viewer
        follower.close()
        viewer.send(TokenExpiredPayload(exp=int(viewer.claims.exp)))
        metrics.dropped.labels("token_expired").inc()
        self._server.start_background_task(self._say_goodbye, viewer)

    async def _say_goodbye(self, viewer: Viewer) -> None:
        """Disconnect from the namespace, and hang up: no browser is to be left half connected."""
        await self._server.disconnect(viewer.sid, NAMESPACE, ignore_queue=True)
        await asyncio.sleep(GOODBYE_SECONDS)
        if not viewer.socket.closed:
            viewer.socket.hang_up()
