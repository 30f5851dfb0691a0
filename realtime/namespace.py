"""The namespace /noc: viewers come, ask, and go."""

import asyncio
import gc
import time
from collections import Counter
from typing import Any

import socketio
import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.ids import Id
from realtime import metrics
from realtime.admission import Admission, Admissions
from realtime.errors import ClientError, Unavailable
from realtime.events import Events
from realtime.expiry import Expiry
from realtime.feed.fan_out import Stalled, wait_drained
from realtime.feed.feeds import Feeds
from realtime.feed.filters import Hearing
from realtime.feed.follower import Follower
from realtime.feed.replay import Replay
from realtime.feed.viewer import Viewer
from realtime.tokens import Claims
from realtime.transport.packet import NAMESPACE
from realtime.transport.server import Server
from realtime.transport.socket import Socket

log = structlog.get_logger()

EVENT_SECONDS = 10
# An Engine.IO connection that asks for no namespace is closed after so long. All are looked at
# every LOOK_SECONDS.
CONNECT_SECONDS = 30
LOOK_SECONDS = 5
# A connection that ended is a ring of objects, and the collector runs seldom here (realtime.app):
# it is made to run after so many.
COLLECT_AFTER = 200


class Noc(socketio.AsyncNamespace):  # type: ignore[misc]  # untyped library
    """Lets viewers in, answers their events, and forgets them when they go.

    `bound` is the backlog (bytes) at which a viewer lags.
    """

    def __init__(
        self,
        server: Server,
        admissions: Admissions,
        feeds: Feeds,
        events: Events,
        expiry: Expiry,
        replay: Replay,
        *,
        bound: int,
        stall_seconds: float,
        most_of_user: int,
    ) -> None:
        super().__init__(NAMESPACE)
        self.followers: dict[str, Follower] = {}
        self.events = events
        self._gone = 0
        self._admissions = admissions
        self._feeds = feeds
        self._expiry = expiry
        self._replay = replay
        self._bound = bound
        self._stall_seconds = stall_seconds
        self._most_of_user = most_of_user
        self._of_user: Counter[tuple[Id, str]] = Counter()
        server.register_namespace(self)
        server.admit = self._admit
        server.admitted = self._admitted
        server.turned_away = lambda admission: self._feeds.release(admission.feed)

    async def _admit(self, _socket: Socket, auth: object) -> Admission:
        """Admit a client. Raises ClientError, `unavailable` where its user is here too often."""
        admission = await self._admissions.admit(auth, self._check_room)
        try:
            self._check_room(admission.claims)  # others came meanwhile
        except ClientError:
            self._feeds.release(admission.feed)
            raise
        return admission

    def _check_room(self, claims: Claims) -> None:
        if self._of_user[_user(claims)] >= self._most_of_user:
            text = f"This user has {self._most_of_user} connections to the server already."
            raise ClientError("unavailable", text)

    def _admitted(self, sid: str, admission: Admission) -> None:
        """Have the viewer follow its feed, in the tick of the answer to CONNECT."""
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
        self._of_user[_user(viewer.claims)] += 1
        admission.feed.viewers.add(viewer)
        metrics.viewers.inc()
        position, reason, _ = admission.start.now(admission.feed)
        metrics.connections.labels("fresh" if position is None else "recovered").inc()
        self._expiry.schedule(follower)
        if position is None:
            viewer.owed_resync = reason
        else:
            viewer.position, viewer.owed_snapshot = position, False
        follower.go_on()

    def end_withdrawn(self) -> None:
        """End the connections of viewers whose tokens' keys are not published any more."""
        self._expiry.end_withdrawn(list(self.followers.values()))

    async def trigger_event(self, event: str, *args: Any) -> dict[str, Any] | None:
        """Return the acknowledgement of an event, or None for what gets none."""
        sid, *arguments = args
        follower = self.followers.get(sid)
        if follower is None:
            return None
        if event == "disconnect":
            del self.followers[sid]
            self._leave(_user(follower.viewer.claims))
            follower.close()
            self._feeds.release(follower.feed)
            self._gone += 1
            return None
        return await self._answer(follower, event, arguments)

    def _leave(self, user: tuple[Id, str]) -> None:
        self._of_user[user] -= 1
        if not self._of_user[user]:
            del self._of_user[user]

    async def _answer(self, follower: Follower, event: str, arguments: list[Any]) -> dict[str, Any]:
        """Return the acknowledgement, whatever happens.

        A client that does not read what it asked for is cut off.
        """
        socket = follower.viewer.socket
        try:
            await wait_drained(socket, self._bound, self._stall_seconds)
            async with asyncio.timeout(EVENT_SECONDS):
                return {"ok": True, **await self.events.handle(follower, event, arguments)}
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

    async def tidy_up(self) -> None:
        """End connections that never ask for the namespace or were told to leave it, for ever.

        Also free the memory of those that ended.
        """
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for eio_sid, socket in list(self.server.eio.sockets.items()):
                is_due = (
                    isinstance(socket, Socket)
                    and time.monotonic() - socket.opened_at > CONNECT_SECONDS
                )
                if is_due and self.server.manager.sid_from_eio_sid(eio_sid, NAMESPACE) is None:
                    metrics.dropped.labels("silent").inc()
                    socket.hang_up()
            if self._gone >= COLLECT_AFTER:
                self._gone = 0
                gc.collect()


def _user(claims: Claims) -> tuple[Id, str]:
    return claims.tenant_id, claims.sub
