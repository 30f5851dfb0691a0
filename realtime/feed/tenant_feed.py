"""One tenant's feed on this server: how far it was fanned out here, to which groups of viewers, and
how it heals itself.
"""

import asyncio
from collections.abc import Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from realtime import metrics
from realtime.errors import Unavailable
from realtime.feed.audience import Audience
from realtime.feed.fan_out import send_frames, wait_for_viewers
from realtime.feed.messages import Said
from realtime.feed.reader import UNBORN, FeedReader, Head
from realtime.feed.viewer import Viewer
from realtime.transport.burst import Burst

log = structlog.get_logger()

PAGE = 500


class TenantFeed:
    """`head` is the last position fanned out here: what is at or below it is a repeat, the next one
    goes out, more is read.

    Viewers are in `viewers` from their admission, and in a group once they stand at the head: only
    then they hear live.
    """

    def __init__(self, tenant_id: int, reader: FeedReader) -> None:
        self.tenant_id = tenant_id
        self.epoch = UNBORN
        self.head = 0
        self.floor = 0
        self.history = object()  # another one, when what was read so far holds no more
        self.viewers: set[Viewer] = set()
        self.holders = 0
        self._loading: asyncio.Task[None] | None = None
        self._loaded = False
        self._reader = reader
        self._audience = Audience(tenant_id)
        self._unsent: list[Said] = []
        self._flush_due = False
        self._reading: asyncio.Task[None] | None = None
        self._read_again = False

    async def load(self) -> None:
        """Find where the feed stands, before the first viewer is let in. Concurrent callers share
        one look.
        """
        if self._loaded:
            return
        if self._loading is None or self._loading.done():
            self._loading = asyncio.create_task(self._load())
        await asyncio.shield(self._loading)

    async def _load(self) -> None:
        self.epoch, self.head, self.floor = (await self._reader.heads([self.tenant_id]))[
            self.tenant_id
        ]
        self._loaded = True
        # something was said while we looked, before or after the moment that we saw
        if self._read_again:
            self.catch_up()

    def join(self, viewer: Viewer) -> None:
        """Into its group; from now on it hears what is said. What is not written yet goes to those
        before it first.
        """
        self._flush()
        self._audience.add(viewer)

    def leave(self, viewer: Viewer) -> None:
        """Out of its group, after what it was to hear up to this head is written."""
        self._flush()
        self._audience.remove(viewer)

    def say(self, epoch: str, base: int, messages: Sequence[list]) -> None:
        """What a worker said right after its commit: the first of `messages` has position base + 1."""
        if not self._loaded or epoch != self.epoch or base > self.head:
            self.catch_up()
            return
        fresh = messages[self.head - base :]
        metrics.repeats.inc(len(messages) - len(fresh))
        self._accept(
            [
                Said(epoch, self.head + ordinal, *message)
                for ordinal, message in enumerate(fresh, start=1)
            ]
        )

    def compare(self, seen: Head, asked_at: int) -> None:
        """Hold this server's head against the feed's. `asked_at` is what ours was when the question
        was sent.
        """
        if not self._loaded:
            self._read_again = True
            return
        if seen.epoch != self.epoch:
            self._change_history(seen)
        elif seen.head < asked_at:
            # Positions are never taken back: this is an older copy of the feed, and what we said
            # beyond it never was.
            self._change_history(seen)
        self.floor = seen.floor
        if seen.head > self.head:
            self.catch_up()

    def has_reached(self, seen: Head | None) -> bool:
        """Whether nothing is missing here of what Postgres had at that look; None is none, and
        another history another matter.
        """
        return seen is None or seen.epoch != self.epoch or self.head >= seen.head

    def catch_up(self) -> None:
        """Read what is missing. Asked again while it reads, it looks once more afterwards."""
        self._read_again = True
        if not self._loaded:
            return
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._catch_up())

    async def caught_up(self) -> None:
        """This server's head is where the feed stood when asked, or Unavailable is raised, or what
        Postgres raised.
        """
        asked_at = self.head
        seen = (await self._reader.heads([self.tenant_id]))[self.tenant_id]
        self.compare(seen, asked_at)
        if self._reading is not None:
            await asyncio.shield(self._reading)
        if self.epoch == seen.epoch and self.head < seen.head:
            raise Unavailable()

    async def _catch_up(self) -> None:
        try:
            while self._read_again:
                self._read_again = False
                await self._read_missing()
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            # The next comparison, a second from now, tries again.
            log.warning("feed_unreadable", tenant_id=self.tenant_id, error=type(error).__name__)

    async def _read_missing(self) -> None:
        asked_at = self.head
        seen = (await self._reader.heads([self.tenant_id]))[self.tenant_id]
        if seen.epoch != self.epoch or seen.head < asked_at:
            self._change_history(seen)
        while self.head < seen.head:
            page = await self._reader.page(self.tenant_id, self.head, seen.head, PAGE)
            if page.epoch != self.epoch or page.floor > self.head or not page.messages:
                self._change_history(Head(page.epoch, seen.head, page.floor))
                return
            before = self.head
            self._accept([said for said in page.messages if said.position > self.head])
            metrics.gaps_filled.inc(self.head - before)
            self._flush()
            await wait_for_viewers(list(self._audience))

    def _accept(self, messages: list[Said]) -> None:
        if not messages:
            return
        self.head = messages[-1].position
        metrics.messages.labels(str(self.tenant_id)).inc(len(messages))
        self._unsent.extend(messages)
        if not self._flush_due:
            # Whatever else arrives in this tick of the loop goes out in the same write.
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        messages, self._unsent = self._unsent, []
        if not messages:
            return
        for group, heard in self._audience.hearers(messages):
            send_frames(list(group.members), Burst(heard))

    def _change_history(self, seen: Head) -> None:
        """The feed is not the one we followed, or a part was pruned unsent: everyone starts afresh
        from what there is.
        """
        unborn = self.epoch == UNBORN
        self._flush()
        if unborn and seen.floor == 0:
            self.epoch = seen.epoch  # nothing was said before; its messages follow from the first
            return
        log.warning("feed_history_changed", tenant_id=self.tenant_id, head=self.head, now=seen.head)
        self.epoch, self.head, self.floor = seen
        self.history = object()
        for viewer in list(self.viewers):
            viewer.start_over("other_history")
