"""Letting a client in: its token, what it asks to hear, and where in the feed it goes on.

Nothing is sent to it yet.
"""

import asyncio
import re
import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

from models.offsets import Offset, parse_offset
from models.schemas.payloads import ResyncReason
from realtime.errors import ClientError
from realtime.feed.feeds import Feeds
from realtime.feed.filters import Filter, parse_filter
from realtime.feed.reader import UNBORN, FeedReader
from realtime.feed.tenant_feed import TenantFeed
from realtime.tokens import Claims, Verifier

ADMIT_SECONDS = 10
DEFAULT_HISTORY = 10
MAX_HISTORY = 500
_PID = re.compile(r"[A-Za-z0-9_-]{20,64}")


class StartingPoint(NamedTuple):
    """The position in the feed that a viewer goes on from, while the feed is of this generation.

    Without one it begins with a snapshot; `reason` says why, where it asked for a position.
    """

    position: int | None
    reason: ResyncReason | None
    generation: object

    def now(self, feed: TenantFeed) -> "StartingPoint":
        """Return where to start if the feed may have turned out to be another meanwhile."""
        if self.position is None or self.generation is feed.generation:
            return self
        return StartingPoint(None, "other_history", feed.generation)


class Admission(NamedTuple):
    """A client that is let in, with its feed, which it holds.

    `given_filter` is what its auth will bring again when it reconnects.
    """

    claims: Claims
    feed: TenantFeed
    start: StartingPoint
    pid: str
    filter: Filter
    given_filter: Filter
    history: int


class Admissions:
    """Decides who is let in."""

    def __init__(self, verifier: Verifier, feeds: Feeds, reader: FeedReader) -> None:
        self._verifier = verifier
        self._feeds = feeds
        self._reader = reader

    async def admit(
        self, auth: object, check_room: Callable[[Claims], None] = lambda _: None
    ) -> Admission:
        """Return the admission of the client that sent `auth`.

        Raises ClientError with the code of the refusal, TimeoutError, or what Postgres raised.
        `check_room` may refuse whoever the token names before Postgres is asked anything.
        """
        async with asyncio.timeout(ADMIT_SECONDS):
            fields = auth if isinstance(auth, dict) else {}
            claims = await self._verifier.verify(fields.get("token"))
            if claims.role is None:
                raise ClientError("forbidden", "The token may submit, but not view.")
            check_room(claims)
            history = read_integer(fields, "history", DEFAULT_HISTORY, 0, MAX_HISTORY)
            given_filter = parse_filter(fields.get("filter"), claims.sites)
            feed = await self._feeds.hold(claims.tenant_id)
            try:
                start = await find_start(feed, fields.get("offset"))
                pid, filter_ = await self._recover(fields, claims, start, given_filter)
            except BaseException:
                self._feeds.release(feed)
                raise
            return Admission(claims, feed, start, pid, filter_, given_filter, history)

    async def _recover(
        self, fields: dict[str, Any], claims: Claims, start: StartingPoint, given_filter: Filter
    ) -> tuple[str, Filter]:
        """Return the viewer's pid and filter: those it had, where it goes on, or new ones."""
        pid = fields.get("pid")
        if start.position is None or not (isinstance(pid, str) and _PID.fullmatch(pid)):
            return secrets.token_urlsafe(18), given_filter
        remembered = await self._reader.remembered_filter(claims.tenant_id, pid, claims.sub)
        return pid, given_filter if remembered is None else remembered


async def find_start(feed: TenantFeed, given_offset: object) -> StartingPoint:
    """Return what `auth.offset` means for this feed now.

    A client that is ahead of this server makes it catch up first. Raises Unavailable or what
    Postgres raised where it cannot.
    """
    if given_offset is None:
        return StartingPoint(None, None, feed.generation)
    offset = parse_offset(given_offset)
    if offset is None:
        return StartingPoint(None, "other_history", feed.generation)
    if offset.epoch != feed.epoch or offset.position > feed.head:
        await feed.wait_caught_up()
    generation = feed.generation
    mark = None if offset.mark is None else await feed.mark_at(offset.position)
    reason = _why_not(feed, offset, mark)
    return StartingPoint(None if reason else offset.position, reason, generation)


def _why_not(feed: TenantFeed, offset: Offset, mark: str | None) -> ResyncReason | None:
    """Return why the offset cannot be served, or None. `mark` is what the feed has at its position.

    One of the first edition has no mark, and goes by epoch and position alone.
    """
    is_first = offset.epoch == UNBORN and offset.position == 0
    if offset.epoch != feed.epoch and not is_first:
        return "other_history"
    if offset.position > feed.head:
        return "ahead_of_feed"
    if offset.position < feed.floor or (offset.mark and mark is None):
        return "too_old"
    return "other_history" if offset.mark != mark else None


def read_integer(fields: dict[str, Any], name: str, default: int, least: int, most: int) -> int:
    """Return a field of what a client sent, or the default where there is none.

    Raises ClientError `invalid` for anything but an integer in range.
    """
    value = fields.get(name)
    if value is None:
        return default
    if type(value) is not int or not least <= value <= most:
        raise ClientError("invalid", f"{name} must be an integer from {least} to {most}.")
    return value
