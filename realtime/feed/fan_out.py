"""Writing to viewers: the one place where messages go out, and how long anyone waits for a slow
one.
"""

import asyncio
import time
from collections.abc import Sequence

from realtime import metrics
from realtime.feed.viewer import Viewer
from realtime.transport.burst import Burst
from realtime.transport.socket import Socket

FIRST_LOOK = 0.005
LONGEST_LOOK = 0.25
# How long filling a gap waits, a page, for viewers that fell behind. Then they lag, and the others
# go on.
PATIENCE = 0.5


class Stalled(Exception):
    """The client takes nothing any more."""


def send_frames(viewers: Sequence[Viewer], burst: Burst) -> None:
    """Write to each of them, in one write. One whose socket holds more than its bound gets nothing.

    So a viewer holds its bound and one burst at most, and nobody waits for it. One that lags hears
    nothing more until it has taken what it was sent, and then starts over.
    """
    written = 0
    for viewer in viewers:
        if viewer.socket.backlog() > viewer.bound:
            viewer.start_over("slow_viewer")
        else:
            viewer.socket.write(burst)
            written += 1
    metrics.writes.inc(written)
    metrics.deliveries.inc(len(burst) * written)


async def drained(socket: Socket, below: int, stall_seconds: float) -> None:
    """Until the socket holds at most `below` bytes. Raises Stalled when it takes nothing at all for
    `stall_seconds`.
    """
    look, least, moved_at = FIRST_LOOK, socket.backlog(), time.monotonic()
    while (held := socket.backlog()) > below and not socket.closed:
        if held < least:
            least, moved_at = held, time.monotonic()
        elif time.monotonic() - moved_at > stall_seconds:
            raise Stalled
        await asyncio.sleep(look)
        look = min(2 * look, LONGEST_LOOK)


async def wait_for_viewers(viewers: Sequence[Viewer]) -> None:
    """A breath between the pages of a gap, so that filling it makes nobody lag who reads at all."""
    until = time.monotonic() + PATIENCE
    await asyncio.sleep(0)
    while any(viewer.socket.backlog() > viewer.bound // 2 for viewer in viewers):
        await asyncio.sleep(FIRST_LOOK)
        if time.monotonic() > until:
            return
