"""Write live messages to viewers, and wait for slow ones; replay.py writes what one has missed."""

import asyncio
import time
from collections.abc import Sequence

from realtime import metrics
from realtime.feed.viewer import Viewer
from realtime.transport.burst import Burst
from realtime.transport.socket import Socket

SHORTEST_LOOK_SECONDS = 0.005
LONGEST_LOOK_SECONDS = 0.25
# Filling a gap waits so long after each page for viewers that fell behind. Then they lag, and the
# others go on.
GAP_WAIT_SECONDS = 0.5


class Stalled(Exception):
    """The client takes nothing any more."""


def write_burst(viewers: Sequence[Viewer], burst: Burst) -> None:
    """Write the burst to each viewer whose backlog is within its bound; the others start over.

    So a viewer's backlog is its bound and one burst at most, and nobody waits for it. One that lags
    hears nothing more until it has taken what it was sent.
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


async def wait_drained(socket: Socket, most_bytes: int, stall_seconds: float) -> None:
    """Wait until the socket's backlog is at most `most_bytes`.

    Raises Stalled where the client takes nothing at all for `stall_seconds`.
    """
    pause, least, moved_at = SHORTEST_LOOK_SECONDS, socket.backlog(), time.monotonic()
    while (backlog := socket.backlog()) > most_bytes and not socket.closed:
        if backlog < least:
            least, moved_at = backlog, time.monotonic()
        elif time.monotonic() - moved_at > stall_seconds:
            raise Stalled
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_LOOK_SECONDS)


async def wait_for_viewers(viewers: Sequence[Viewer]) -> None:
    """Pause between the pages of a gap, so that only those lag who read too slowly."""
    until = time.monotonic() + GAP_WAIT_SECONDS
    await asyncio.sleep(0)
    while any(viewer.socket.backlog() > viewer.bound // 2 for viewer in viewers):
        await asyncio.sleep(SHORTEST_LOOK_SECONDS)
        if time.monotonic() > until:
            return
