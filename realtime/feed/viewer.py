"""A viewer: a connected, authenticated client, and where it stands in its tenant's feed."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from realtime import metrics
from realtime.feed.filters import Filter, Hearing
from realtime.tokens import Claims
from realtime.transport.burst import Burst
from realtime.transport.spoken import Spoken, event_text

if TYPE_CHECKING:
    from realtime.feed.audience import Group
    from realtime.feed.replay import Replay
    from realtime.feed.tenant_feed import TenantFeed
    from realtime.transport.socket import Socket


class Viewer:
    """It is owed a snapshot first, or stands at `position`; is brought up to its feed's head; and then is in a group."""

    __slots__ = (
        "_replay",
        "_task",
        "bound",
        "claims",
        "closed",
        "expiry",
        "feed",
        "given_filter",
        "group",
        "hearing",
        "history",
        "owed_resync",
        "owed_snapshot",
        "pid",
        "position",
        "sid",
        "socket",
    )

    def __init__(self, sid: str, pid: str, socket: "Socket", claims: Claims, feed: "TenantFeed", replay: "Replay", bound: int) -> None:
        self.sid = sid
        self.pid = pid
        self.socket = socket
        self.claims = claims
        self.feed = feed
        self.bound = bound
        self.hearing = Hearing(claims.sites, Filter())
        self.given_filter = Filter()
        self.history = 10
        self.position = 0
        self.owed_snapshot = True
        self.owed_resync: str | None = None
        self.group: Group | None = None
        self.expiry: asyncio.TimerHandle | None = None
        self._replay = replay
        self._task: asyncio.Task[None] | None = None
        self.closed = False

    def go_on(self) -> None:
        """Be brought from where it stands to the head, and into its group. What was under way to that end is dropped."""
        self.feed.leave(self)
        if self._task:
            self._task.cancel()
        if not self.closed:
            self._task = asyncio.create_task(self._bring_up())

    async def _bring_up(self) -> None:
        await self._replay.bring_up(self)
        if self._task is asyncio.current_task():
            self._task = None

    def start_over(self, reason: str) -> None:
        """The viewer is told that it missed something, and gets a snapshot."""
        self.owed_resync = reason
        self.owed_snapshot = True
        self.go_on()

    def lag(self) -> None:
        """It does not read as fast as the feed grows: it hears nothing more until it has taken what it was sent."""
        self.start_over("slow_viewer")

    def hear(self, claims: Claims, wanted: Filter) -> None:
        """From the next message on: other sites, or another filter. What is due under the old ones is sent before."""
        grouped = self.group is not None
        self.feed.leave(self)
        self.claims = claims
        self.hearing = Hearing(claims.sites, wanted)
        if grouped:
            self.feed.join(self)
        else:
            self.go_on()

    def send(self, event: str, payload: Mapping[str, Any], offset: str | None = None) -> None:
        text = event_text(event, orjson.dumps({"type": event, **payload}).decode(), offset)
        self.socket.write(Burst([Spoken(text)]))

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        metrics.viewers.dec()
        if self._task:
            self._task.cancel()
        if self.expiry:
            self.expiry.cancel()
        self.feed.leave(self)
        self.feed.viewers.discard(self)
