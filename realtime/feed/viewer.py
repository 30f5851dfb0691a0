"""A viewer: a connected, authenticated client, and where it stands in its tenant's feed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from models.schemas.payloads import ResyncPayload, ResyncReason, TokenExpiredPayload, body_text
from realtime.feed.filters import Filter, Hearing
from realtime.feed.group import Group
from realtime.tokens import Claims
from realtime.transport.burst import Burst
from realtime.transport.encoded_packet import EncodedPacket, event_text
from realtime.transport.socket import Socket


@dataclass(slots=True, eq=False, repr=False)
class Viewer:
    """A viewer that is owed a snapshot, or stands at `position`; at the feed's head it has a group.

    `start_over` is called with the reason when it missed something: its follower sets it.
    """

    sid: str
    pid: str
    socket: Socket
    claims: Claims
    hearing: Hearing
    given_filter: Filter
    history: int
    bound: int  # the backlog (bytes) at which it lags
    start_over: Callable[[ResyncReason], None] = field(init=False)
    position: int = 0
    owed_snapshot: bool = True
    owed_resync: ResyncReason | None = None
    group: Group["Viewer"] | None = None
    expiry: asyncio.TimerHandle | None = None
    closed: bool = False

    def send(self, payload: ResyncPayload | TokenExpiredPayload) -> None:
        """Send something that is no message of the feed, and does not move its place there."""
        text = event_text(payload.type, body_text(payload))
        self.socket.write(Burst([EncodedPacket(text)]))
