"""What viewers ask by their events, and what each is answered."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import orjson

from models.ids import LARGEST_ID
from realtime.admission import read_integer
from realtime.desk import EVENTS, Desk
from realtime.errors import ClientError
from realtime.expiry import Expiry
from realtime.feed.filters import parse_filter
from realtime.feed.follower import Follower
from realtime.feed.reader import FeedReader
from realtime.tokens import Verifier

MAX_PAGE = 500

Data = dict[str, Any]
Handler = Callable[[Follower, Data], Awaitable[Data]]


class Events:
    """`handlers` are by the name of the event; each returns the fields of its acknowledgement."""

    def __init__(self, reader: FeedReader, verifier: Verifier, desk: Desk, expiry: Expiry) -> None:
        self._reader = reader
        self._verifier = verifier
        self._desk = desk
        self._expiry = expiry
        self.handlers: dict[str, Handler] = {
            "filter_anomalies": self._filter,
            "history": self._history,
            "refresh": self._refresh,
            "anomaly_review": self._review,
            **{event: partial(self._move, move) for event, move in EVENTS.items()},
        }

    async def handle(self, follower: Follower, event: str, arguments: list[Any]) -> Data:
        """Return the fields of the event's acknowledgement.

        Raises ClientError, TimeoutError, or what Postgres raised.
        """
        handler = self.handlers.get(event)
        if handler is None:
            raise ClientError("invalid", "There is no such event.")
        data = arguments[0] if arguments and arguments[0] is not None else {}
        if not isinstance(data, dict):
            raise ClientError("invalid", "An event's data must be an object.")
        return await handler(follower, data)

    async def _filter(self, follower: Follower, data: Data) -> Data:
        viewer = follower.viewer
        new_filter = parse_filter(data, viewer.claims.sites)
        tenant_id, pid, sub = follower.feed.tenant_id, viewer.pid, viewer.claims.sub
        # What the client gives again by itself when it reconnects need not be remembered.
        if new_filter != viewer.given_filter:
            await self._reader.remember_filter(tenant_id, pid, sub, new_filter)
        elif viewer.hearing.filter != viewer.given_filter:
            await self._reader.forget_filter(tenant_id, pid, sub)
        follower.hear(viewer.claims, new_filter)
        return {"filter": new_filter.as_object()}

    async def _history(self, follower: Follower, data: Data) -> Data:
        """Return messages between two positions, both exclusive, up to this server's head."""
        feed, head = follower.feed, follower.feed.head
        limit = read_integer(data, "limit", MAX_PAGE // 10, 1, MAX_PAGE)
        newest_first = data.get("after") is None
        after = read_integer(data, "after", 0, 0, LARGEST_ID)
        before = read_integer(data, "before", head + 1, 0, LARGEST_ID)
        page = await self._reader.page(
            feed.tenant_id,
            after,
            min(before - 1, head),
            limit + 1,
            follower.viewer.hearing,
            newest_first=newest_first,
        )
        messages = [orjson.Fragment(message.payload) for message in page.messages[:limit]]
        return {"messages": messages, "position": head, "more": len(page.messages) > limit}

    async def _refresh(self, follower: Follower, data: Data) -> Data:
        """Go on with a newer token of the same viewer."""
        viewer = follower.viewer
        try:
            claims = await self._verifier.verify(data.get("token"))
        except ClientError as error:
            code = "unavailable" if error.code == "unavailable" else "invalid"
            raise ClientError(code, error.message) from None
        if viewer.closed:
            raise ClientError("forbidden", "The connection has ended.")
        is_same = (claims.sub, claims.tenant_id) == (viewer.claims.sub, viewer.claims.tenant_id)
        if not is_same or claims.role is None:
            raise ClientError("forbidden", "The token is not for the same viewer.")
        if claims.is_older_than(viewer.claims) and claims.grants_more_than(viewer.claims):
            raise ClientError("conflict", "The token is older than the one in force.")
        has_other_sites = claims.sites != viewer.claims.sites
        follower.hear(claims, viewer.hearing.filter)
        self._expiry.schedule(follower)
        if has_other_sites:
            follower.start_over("scope_changed")
        return {"exp": int(claims.exp)}

    async def _move(self, move: str, follower: Follower, data: Data) -> Data:
        return await self._desk.move(follower.viewer.claims, move, data)

    async def _review(self, follower: Follower, data: Data) -> Data:
        return await self._desk.review(follower.viewer.claims, data)
