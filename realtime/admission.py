"""Letting a client in: its token, what it wants to hear, and whether the feed can go on where it
was. Nothing is sent to it yet.
"""

import asyncio
import re
import secrets
from typing import Any, NamedTuple

from models.offsets import parse_offset
from models.schemas.payloads import ResyncReason
from realtime.errors import ClientError
from realtime.feed.feeds import Feeds
from realtime.feed.filters import Filter, parse_filter
from realtime.feed.reader import UNBORN, FeedReader
from realtime.feed.tenant_feed import TenantFeed
from realtime.tokens import Claims, Verifier

SECONDS = 10
RECENT = 10
MAX_HISTORY = 500
_PID = re.compile(r"[A-Za-z0-9_-]{20,64}")


class Place(NamedTuple):
    """Where in the feed the viewer goes on: a position, or none and, where it asked for one, the
    reason.
    """

    position: int | None
    reason: ResyncReason | None


class Admission(NamedTuple):
    """A client that is let in. It holds its feed. `given_filter` is what its auth will bring again
    when it reconnects.
    """

    claims: Claims
    feed: TenantFeed
    place: Place
    pid: str
    filter: Filter
    given_filter: Filter
    history: int


class Door:
    def __init__(self, verifier: Verifier, feeds: Feeds, reader: FeedReader) -> None:
        self._verifier = verifier
        self._feeds = feeds
        self._reader = reader

    async def admit(self, auth: object) -> Admission:
        """Raises ClientError with the code of the refusal, or whatever Postgres raised."""
        async with asyncio.timeout(SECONDS):
            given = auth if isinstance(auth, dict) else {}
            claims = await self._verifier.verify(given.get("token"))
            if claims.role is None:
                raise ClientError("forbidden", "The token may submit, but not view.")
            history = read_integer(given, "history", RECENT, 0, MAX_HISTORY)
            wanted = parse_filter(given.get("filter"), claims.sites)
            feed = await self._feeds.hold(claims.tenant_id)
            try:
                return await self._seat(given, claims, feed, wanted, history)
            except BaseException:
                self._feeds.release(feed)
                raise

    async def _seat(
        self, given: dict[str, Any], claims: Claims, feed: TenantFeed, wanted: Filter, history: int
    ) -> Admission:
        place = await find_place(feed, given.get("offset"))
        pid = given.get("pid")
        if place.position is None or not (isinstance(pid, str) and _PID.fullmatch(pid)):
            return Admission(
                claims, feed, place, secrets.token_urlsafe(18), wanted, wanted, history
            )
        remembered = await self._reader.remembered_filter(claims.tenant_id, pid, claims.sub)
        return Admission(
            claims, feed, place, pid, wanted if remembered is None else remembered, wanted, history
        )


async def find_place(feed: TenantFeed, given: object) -> Place:
    """What `auth.offset` means for this feed now. A client ahead of this server makes it catch up
    first.
    """
    if given is None:
        return Place(None, None)
    offset = parse_offset(given)
    if offset is None:
        return Place(None, "other_history")
    if offset.epoch != feed.epoch or offset.position > feed.head:
        await feed.caught_up()
    first = offset.epoch == UNBORN and offset.position == 0
    if offset.epoch != feed.epoch and not first:
        return Place(None, "other_history")
    if offset.position > feed.head:
        return Place(None, "ahead_of_feed")
    if offset.position < feed.floor:
        return Place(None, "too_old")
    return Place(offset.position, None)


def read_integer(given: dict[str, Any], name: str, default: int, least: int, most: int) -> int:
    """Raises ClientError `invalid` for anything but an integer in range."""
    value = given.get(name)
    if value is None:
        return default
    if type(value) is not int or not least <= value <= most:
        raise ClientError("invalid", f"{name} is an integer from {least} to {most}.")
    return value
