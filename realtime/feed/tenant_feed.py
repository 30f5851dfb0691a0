"""One tenant's feed on this server: how far it was fanned out here, and how it heals itself."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.ids import Id, spelled
from realtime import metrics
from realtime.errors import Unavailable
from realtime.feed.audience import Audience
from realtime.feed.fan_out import wait_for_viewers, write_burst
from realtime.feed.messages import FeedMessage
from realtime.feed.reader import UNBORN, FeedReader, Head, Span
from realtime.feed.viewer import Viewer
from realtime.transport.burst import Burst

log = structlog.get_logger()

GAP_PAGE_MESSAGES = 500
# So many positions that viewers came back to are remembered with their marks: after a restart many
# come back to the same.
KNOWN_MARKS = 1_000


class Shown(NamedTuple):
    """What a server shows of a feed: the head, and the marks of what was not compared yet.

    The message at the head is among these, even where it was, if its mark is known.
    """

    generation: object
    head: int
    marks: dict[int, str]

    def span(self) -> Span:
        return Span(min(self.marks), max(self.marks)) if self.marks else Span()

    def is_of_another(self, seen: Head) -> bool:
        """Return whether this cannot have been shown of the feed that Postgres has.

        Positions are never taken back, and what was pruned is not looked at.
        """
        return seen.head < self.head or any(
            seen.marks.get(position) != mark
            for position, mark in self.marks.items()
            if position > seen.floor or position in seen.marks
        )


class TenantFeed:
    """A tenant's feed as far as `head`, the last position that was fanned out here.

    A message at or below the head is a repeat, and the next one goes out; one beyond makes the
    server read what is between. Viewers are in `viewers` from their admission, and in a group once
    they stand at the head: only then they hear live. What went out is compared with what is stored,
    by the marks.
    """

    def __init__(self, tenant_id: Id, reader: FeedReader) -> None:
        self.tenant_id = tenant_id
        self.epoch = UNBORN
        self.head = 0
        self.floor = 0
        self.generation = object()  # replaced when what was read so far is no longer true
        self.viewers: set[Viewer] = set()
        self.holders = 0
        self._loading: asyncio.Task[None] | None = None
        self._loaded = False
        self._reader = reader
        self._marks: dict[int, str] = {}
        self._known: dict[int, asyncio.Task[str | None]] = {}
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
        self._stand_at(await self._reader.head(self.tenant_id))
        self._loaded = True
        # Something was said while we looked, before or after the moment that we saw.
        if self._read_again:
            self.start_catching_up()

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

    def receive(
        self, epoch: str, base: int, messages: Sequence[list[Any]], marks: Sequence[str]
    ) -> None:
        """Take what was published after a commit: the first of `messages` is at base + 1.

        Each is a list of FeedMessage's arguments after the position, without the mark.
        """
        if not self._loaded or epoch != self.epoch or base > self.head:
            self.start_catching_up()
            return
        fresh = messages[self.head - base :]
        metrics.repeats.inc(len(messages) - len(fresh))
        positions = range(self.head + 1, base + len(messages) + 1)
        self._accept(
            [
                FeedMessage(epoch, position, *(*fields, mark))
                for position, fields, mark in zip(
                    positions, fresh, marks[self.head - base :], strict=True
                )
            ]
        )

    def shown(self) -> Shown:
        """Return what is to be compared with Postgres now."""
        return Shown(self.generation, self.head, dict(self._marks))

    def head_mark(self) -> str | None:
        """Return the mark of the message at the head; None where there is none, or it is gone."""
        return self._marks.get(self.head)

    async def mark_at(self, position: int) -> str | None:
        """Return the mark of the message at a position; None where there is none yet, or any more.

        Viewers that come back to the same position share one question. Raises what Postgres raised.
        """
        if position in self._marks:
            return self._marks[position]
        if not self.floor <= position <= self.head:
            return None
        asking = self._known.get(position)
        if asking is None or not _may_know(asking):
            if len(self._known) >= KNOWN_MARKS:
                self._known.clear()
            asking = self._known[position] = asyncio.create_task(self._ask_mark(position))
        return await asyncio.shield(asking)

    async def _ask_mark(self, position: int) -> str | None:
        head = await self._reader.head(self.tenant_id, Span(position, position))
        return head.marks.get(position)

    def compare(self, seen: Head, shown: Shown) -> None:
        """Hold what this server shows against the feed, `seen` in Postgres.

        `shown` is what `shown()` returned before Postgres was asked.
        """
        if not self._loaded:
            self._read_again = True
            return
        self._check(seen, shown)
        self.floor = seen.floor
        if seen.head > self.head:
            self.start_catching_up()

    def _check(self, seen: Head, shown: Shown) -> None:
        """Start afresh where the feed is not the one that was shown.

        Its epoch is another; or it is an older copy, which lacks what we sent, or has something
        else in its place by now.
        """
        if seen.epoch != self.epoch:
            self._change_history(seen)
        elif shown.generation is self.generation:
            if shown.is_of_another(seen):
                self._change_history(seen)
            else:
                for position in shown.marks:
                    if position != self.head:
                        self._marks.pop(position, None)

    def has_reached(self, seen: Head | None) -> bool:
        """Return whether nothing of what Postgres had then is missing here.

        True also where it was not asked (None), or has another epoch, which `compare` minds.
        """
        return seen is None or seen.epoch != self.epoch or self.head >= seen.head

    def start_catching_up(self) -> None:
        """Read what is missing. Called while it reads, it looks once more afterwards."""
        self._read_again = True
        if not self._loaded:
            return
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._catch_up())

    async def wait_caught_up(self) -> None:
        """Wait until this server's head is where the feed stands now.

        Raises Unavailable where it does not get there, or what Postgres raised.
        """
        shown = self.shown()
        seen = await self._reader.head(self.tenant_id, shown.span())
        self.compare(seen, shown)
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
        shown = self.shown()
        seen = await self._reader.head(self.tenant_id, shown.span())
        self._check(seen, shown)
        while self.head < seen.head:
            page = await self._reader.page(self.tenant_id, self.head, seen.head, GAP_PAGE_MESSAGES)
            if page.epoch != self.epoch or page.floor > self.head or not page.messages:
                self._change_history(seen._replace(epoch=page.epoch, floor=page.floor))
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
        self._marks.update((message.position, message.mark) for message in messages)
        metrics.messages.labels(spelled(self.tenant_id)).inc(len(messages))
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
            write_burst(list(group.members), Burst(heard))

    def _change_history(self, seen: Head) -> None:
        """Adopt the first epoch, or have every viewer start afresh from what there is.

        Then the feed is not the one we followed, or a part of it was pruned before it was sent.
        """
        unborn = self.epoch == UNBORN
        self._flush()
        if unborn and seen.floor == 0:
            self.epoch = seen.epoch  # nothing was said before; its messages follow from the first
            return
        log.warning("feed_history_changed", tenant_id=self.tenant_id, head=self.head, now=seen.head)
        metrics.histories_changed.inc()
        self._stand_at(seen)
        self.generation = object()
        for viewer in list(self.viewers):
            viewer.start_over("other_history")

    def _stand_at(self, seen: Head) -> None:
        self.epoch, self.head, self.floor, marks = seen
        self._marks = {self.head: marks[self.head]} if self.head in marks else {}
        self._known.clear()


def _may_know(asking: asyncio.Task[str | None]) -> bool:
    """Return whether the question is open, or was answered with a mark."""
    if not asking.done():
        return True
    return not asking.cancelled() and asking.exception() is None and asking.result() is not None
