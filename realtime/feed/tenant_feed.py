"""One tenant's feed on this server: how far it was fanned out here, and how it heals itself."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from realtime import metrics
from realtime.errors import Unavailable
from realtime.feed.audience import Audience
from realtime.feed.fan_out import send_frames, wait_for_viewers
from realtime.feed.messages import FeedMessage
from realtime.feed.reader import UNBORN, FeedReader, Head
from realtime.feed.viewer import Viewer
from realtime.transport.burst import Burst

log = structlog.get_logger()

MESSAGES_A_PAGE = 500


class TenantFeed:
    """A tenant's feed as far as `head`, the last position that was fanned out here.

    A message at or below the head is a repeat, and the next one goes out; one beyond makes the
    server read what is between. Viewers are in `viewers` from their admission, and in a group once
    they stand at the head: only then they hear live.
    """

    def __init__(self, tenant_id: int, reader: FeedReader) -> None:
        self.tenant_id = tenant_id
        self.epoch = UNBORN
        self.head = 0
        self.floor = 0
        self.history = object()  # replaced when what was read so far is no longer true
        self.viewers: set[Viewer] = set()
        self.holders = 0
        self._loading: asyncio.Task[None] | None = None
        self._loaded = False
        self._reader = reader
        self._audience = Audience(tenant_id)
        self._unsent: list[FeedMessage] = []
        self._flush_due = False
        self._reading: asyncio.Task[None] | None = None
        self._read_again = False

    async def load(self) -> None:
        """Find where the feed stands, before the first viewer is let in.

        Callers at the same time share one question. Raises what Postgres raised.
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
        # Something was said while we looked, before or after the moment that we saw.
        if self._read_again:
            self.catch_up()

    def join(self, viewer: Viewer) -> None:
        """Put the viewer into its group, after what is not written yet went to the others.

        From now on it hears what is said.
        """
        self._flush()
        self._audience.add(viewer)

    def leave(self, viewer: Viewer) -> None:
        """Take the viewer out of its group, after what it was to hear so far is written."""
        self._flush()
        self._audience.remove(viewer)

    def receive(self, epoch: str, base: int, messages: Sequence[list[Any]]) -> None:
        """Take what was published after a commit: the first of `messages` is at base + 1.

        Each is a list of FeedMessage's arguments after the position.
        """
        if not self._loaded or epoch != self.epoch or base > self.head:
            self.catch_up()
            return
        fresh = messages[self.head - base :]
        metrics.repeats.inc(len(messages) - len(fresh))
        self._accept(
            [
                FeedMessage(epoch, self.head + ordinal, *message)
                for ordinal, message in enumerate(fresh, start=1)
            ]
        )

    def compare(self, seen: Head, asked_at: int) -> None:
        """Hold this server's head against the feed's, `seen` in Postgres.

        `asked_at` is what ours was when Postgres was asked.
        """
        if not self._loaded:
            self._read_again = True
            return
        if seen.epoch != self.epoch:
            self._change_history(seen)
        elif seen.head < asked_at:
            # Positions are never taken back: this is an older copy of the feed, which does not have
            # what we sent beyond its head.
            self._change_history(seen)
        self.floor = seen.floor
        if seen.head > self.head:
            self.catch_up()

    def has_reached(self, seen: Head | None) -> bool:
        """Return whether nothing of what Postgres had then is missing here.

        None says that it was not asked; another history is another matter.
        """
        return seen is None or seen.epoch != self.epoch or self.head >= seen.head

    def catch_up(self) -> None:
        """Read what is missing. Called while it reads, it looks once more afterwards."""
        self._read_again = True
        if not self._loaded:
            return
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._catch_up())

    async def caught_up(self) -> None:
        """Wait until this server's head is where the feed stands now.

        Raises Unavailable where it does not get there, or what Postgres raised.
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
            page = await self._reader.page(self.tenant_id, self.head, seen.head, MESSAGES_A_PAGE)
            if page.epoch != self.epoch or page.floor > self.head or not page.messages:
                self._change_history(Head(page.epoch, seen.head, page.floor))
                return
            before = self.head
            self._accept([message for message in page.messages if message.position > self.head])
            metrics.gaps_filled.inc(self.head - before)
            self._flush()
            await wait_for_viewers(list(self._audience))

    def _accept(self, messages: list[FeedMessage]) -> None:
        if not messages:
            return
        self.head = messages[-1].position
        metrics.messages.labels(str(self.tenant_id)).inc(len(messages))
        self._unsent.extend(messages)
        if not self._flush_due:
            # What else arrives in this tick of the loop goes out in the same write.
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
        """Have every viewer start afresh from what there is.

        The feed is not the one we followed, or a part of it was pruned before it was sent.
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
