"""The namespace /noc: viewers come, ask, and go."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import orjson
import socketio
import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.schemas.payloads import TokenExpiredPayload
from realtime import metrics
from realtime.admission import Admission, Door, read_integer
from realtime.desk import EVENTS, Desk
from realtime.errors import ClientError, Unavailable
from realtime.feed.fan_out import Stalled, drained
from realtime.feed.feeds import Feeds
from realtime.feed.filters import Hearing, parse_filter
from realtime.feed.follower import Follower
from realtime.feed.reader import FeedReader
from realtime.feed.replay import Replay
from realtime.feed.viewer import Viewer
from realtime.tokens import MAX_ID, Verifier
from realtime.transport.packet import NAMESPACE
from realtime.transport.server import Server
from realtime.transport.socket import Socket

log = structlog.get_logger()

EVENT_SECONDS = 10
MAX_PAGE = 500
# An Engine.IO connection that asks for no namespace is closed after so long; looked at every LOOK
# seconds.
CONNECT_SECONDS = 30
LOOK_SECONDS = 5
# The collector runs seldom here (see realtime.app), and a connection that ended is a ring of
# objects.
COLLECT_AFTER = 200
# A client told to go has this long to hang up by itself.
GOODBYE_SECONDS = 1.0
# Timers reach no further; a token that lasts longer is looked at again then.
LONGEST_TIMER = 86_400.0

Handler = Callable[[Follower, dict[str, Any]], Awaitable[dict[str, Any]]]


class Noc(socketio.AsyncNamespace):
    """What viewers send, and the acknowledgements they get."""

    def __init__(
        self,
        server: Server,
        door: Door,
        feeds: Feeds,
        reader: FeedReader,
        verifier: Verifier,
        desk: Desk,
        *,
        bound: int,
        stall_seconds: float,
    ) -> None:
        super().__init__(NAMESPACE)
        self.followers: dict[str, Follower] = {}
        self._gone = 0
        self._door = door
        self._feeds = feeds
        self._reader = reader
        self._verifier = verifier
        self._desk = desk
        self._bound = bound
        self._stall_seconds = stall_seconds
        self._replay = Replay(reader, stall_seconds)
        self._handlers: dict[str, Handler] = {
            "filter_anomalies": self._filter,
            "history": self._history,
            "refresh": self._refresh,
            "anomaly_review": self._review,
            **{event: partial(self._move, move) for event, move in EVENTS.items()},
        }
        server.register_namespace(self)
        server.admit = self._admit
        server.admitted = self._admitted
        server.turned_away = lambda admission: self._feeds.release(admission.feed)

    async def _admit(self, _socket: Socket, auth: object) -> Admission:
        return await self._door.admit(auth)

    def _admitted(self, sid: str, admission: Admission) -> None:
        """In the tick of the answer to CONNECT."""
        socket = self.server.eio.sockets[self.server.manager.eio_sid_from_sid(sid, NAMESPACE)]
        viewer = Viewer(
            sid=sid,
            pid=admission.pid,
            socket=socket,
            claims=admission.claims,
            hearing=Hearing(admission.claims.sites, admission.filter),
            given_filter=admission.given_filter,
            history=admission.history,
            bound=self._bound,
        )
        follower = Follower(viewer, admission.feed, self._replay)
        self.followers[sid] = follower
        admission.feed.viewers.add(viewer)
        metrics.viewers.inc()
        metrics.connections.labels(
            "fresh" if admission.place.position is None else "recovered"
        ).inc()
        self._mind_expiry(follower)
        if admission.place.position is None:
            viewer.owed_resync = admission.place.reason
        else:
            viewer.position, viewer.owed_snapshot = admission.place.position, False
        follower.go_on()

    async def trigger_event(self, event: str, *args: Any) -> dict[str, Any] | None:
        sid, *data = args
        follower = self.followers.get(sid)
        if follower is None:
            return None
        if event == "disconnect":
            del self.followers[sid]
            follower.close()
            self._feeds.release(follower.feed)
            self._gone += 1
            return None
        return await self._answer(follower, event, data)

    async def _answer(self, follower: Follower, event: str, data: list[Any]) -> dict[str, Any]:
        """Make the acknowledgement, whatever happens.

        A client that does not read what it asked for is not asked further.
        """
        socket = follower.viewer.socket
        try:
            await drained(socket, self._bound, self._stall_seconds)
            async with asyncio.timeout(EVENT_SECONDS):
                return {"ok": True, **await self._handle(follower, event, data)}
        except ClientError as error:
            return {"ok": False, "error": error.as_object()}
        except Stalled:
            metrics.dropped.labels("stalled").inc()
            socket.hang_up()
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("event_unanswered", event_name=event[:40], error=type(error).__name__)
        except Exception:
            log.exception("event_failed", event_name=event[:40])
        return {"ok": False, "error": Unavailable().as_object()}

    async def _handle(self, follower: Follower, event: str, data: list[Any]) -> dict[str, Any]:
        handler = self._handlers.get(event)
        if handler is None:
            raise ClientError("invalid", "There is no such event.")
        given = data[0] if data and data[0] is not None else {}
        if not isinstance(given, dict):
            raise ClientError("invalid", "An event's data is an object.")
        return await handler(follower, given)

    async def _filter(self, follower: Follower, given: dict[str, Any]) -> dict[str, Any]:
        viewer = follower.viewer
        wanted = parse_filter(given, viewer.claims.sites)
        tenant_id, pid, sub = follower.feed.tenant_id, viewer.pid, viewer.claims.sub
        # What the client gives again by itself when it reconnects need not be remembered.
        if wanted != viewer.given_filter:
            await self._reader.remember_filter(tenant_id, pid, sub, wanted)
        elif viewer.hearing.filter != viewer.given_filter:
            await self._reader.forget_filter(tenant_id, pid, sub)
        follower.hear(viewer.claims, wanted)
        return {"filter": wanted.as_object()}

    async def _history(self, follower: Follower, given: dict[str, Any]) -> dict[str, Any]:
        """Positions are exclusive; nothing beyond what this server has fanned out."""
        feed, head = follower.feed, follower.feed.head
        limit = read_integer(given, "limit", MAX_PAGE // 10, 1, MAX_PAGE)
        newest_first = given.get("after") is None
        after = read_integer(given, "after", 0, 0, MAX_ID)
        before = read_integer(given, "before", head + 1, 0, MAX_ID)
        page = await self._reader.page(
            feed.tenant_id,
            after,
            min(before - 1, head),
            limit + 1,
            follower.viewer.hearing,
            newest_first=newest_first,
        )
        messages = [orjson.Fragment(said.payload) for said in page.messages[:limit]]
        return {"messages": messages, "position": head, "more": len(page.messages) > limit}

    async def _refresh(self, follower: Follower, given: dict[str, Any]) -> dict[str, Any]:
        viewer = follower.viewer
        try:
            claims = await self._verifier.verify(given.get("token"))
        except ClientError as error:
            raise ClientError(
                "unavailable" if error.code == "unavailable" else "invalid", error.message
            ) from None
        if viewer.closed:
            raise ClientError("forbidden", "The connection has ended.")
        if (claims.sub, claims.tenant_id) != (
            viewer.claims.sub,
            viewer.claims.tenant_id,
        ) or claims.role is None:
            raise ClientError("forbidden", "The token is not for the same viewer.")
        moved = claims.sites != viewer.claims.sites
        follower.hear(claims, viewer.hearing.filter)
        self._mind_expiry(follower)
        if moved:
            follower.start_over("scope_changed")
        return {"exp": int(claims.exp)}

    async def _move(
        self,
        move: str,
        follower: Follower,
        given: dict[str, Any],
    ) -> dict[str, Any]:
        return await self._desk.move(follower.viewer.claims, move, given)

    async def _review(self, follower: Follower, given: dict[str, Any]) -> dict[str, Any]:
        return await self._desk.review(follower.viewer.claims, given)

    def _mind_expiry(self, follower: Follower) -> None:
        viewer = follower.viewer
        if viewer.expiry:
            viewer.expiry.cancel()
        left = viewer.claims.exp - time.time()
        loop = asyncio.get_running_loop()
        if left > LONGEST_TIMER:
            viewer.expiry = loop.call_later(LONGEST_TIMER, self._mind_expiry, follower)
        else:
            viewer.expiry = loop.call_later(max(0.0, left), self._expire, follower)

    def _expire(self, follower: Follower) -> None:
        viewer = follower.viewer
        follower.close()
        viewer.send(TokenExpiredPayload(exp=int(viewer.claims.exp)))
        metrics.dropped.labels("token_expired").inc()
        self.server.start_background_task(self._say_goodbye, viewer)

    async def _say_goodbye(self, viewer: Viewer) -> None:
        """Out of the namespace, and off the line: a browser must not be left half connected."""
        await self.server.disconnect(viewer.sid, NAMESPACE, ignore_queue=True)
        await asyncio.sleep(GOODBYE_SECONDS)
        if not viewer.socket.closed:
            viewer.socket.hang_up()

    async def tidy_up(self) -> None:
        """For ever: end connections that never ask for the namespace or were told to leave it, and
        free what ended ones held.
        """
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for eio_sid, socket in list(self.server.eio.sockets.items()):
                silent = (
                    isinstance(socket, Socket)
                    and time.monotonic() - socket.opened_at > CONNECT_SECONDS
                )
                if silent and self.server.manager.sid_from_eio_sid(eio_sid, NAMESPACE) is None:
                    metrics.dropped.labels("silent").inc()
                    socket.hang_up()
            if self._gone >= COLLECT_AFTER:
                self._gone = 0
                gc.collect()
