"""The connections of this server: how many there may be, and which of them makes room.

A connection is a stranger's until it has shown a valid token. Strangers may have so many from one
address, and they are the ones that make room: first one that is silent, though nothing is done for
it. Whoever is known makes room for nobody; but of a user only so many connections are known.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable

from realtime import metrics
from realtime.transport.addresses import Proxies, counted_as

# A request's head has to be complete so long after its first byte.
HEAD_SECONDS = 10.0
# A connection that sent something within this time is not silent.
SENDING_SECONDS = 1.0
# While none of an address's strangers is silent, it may have so many times as many as otherwise:
# when a server comes back, all viewers behind one address do at the same moment.
CROWD = 10
# Who has been a stranger for longer than letting somebody in takes may have to go though it sends.
STRANGER_SECONDS = 15.0
# Of a user twice as many connections are known as it may have viewers: its pages ask by REST too.
KNOWN_FOR_VIEWER = 2
LOOK_SECONDS = 1.0


class Connection:
    """One TCP connection, from its opening to its end, websocket or not.

    `address` is None as long as it is not known whose it is, behind a proxy. `user` is None for a
    stranger, as which it counts `since` a moment on the monotonic clock. `is_busy` tells whether
    something is being done for the client.
    """

    __slots__ = (
        *("_connections", "address", "heard_at", "is_busy", "is_proxied", "since"),
        *("transport", "user"),
    )

    def __init__(
        self, connections: "Connections", transport: asyncio.Transport, address: str | None
    ) -> None:
        self._connections = connections
        self.transport = transport
        self.address = address
        self.is_proxied = address is None
        self.user: Hashable | None = None
        self.is_busy: Callable[[], bool] = lambda: False
        self.since = self.heard_at = time.monotonic()

    def heard(self) -> None:
        """Note that the client has sent something."""
        self.heard_at = time.monotonic()
        if self.user is None:
            self._connections.move_behind(self)

    def head_began(self) -> None:
        """Note that a request's head has begun and is not complete."""
        self._connections.heads.setdefault(self, time.monotonic())

    def head_ended(self) -> None:
        """Note that a request's head is complete."""
        self._connections.heads.pop(self, None)

    def know(self, user: Hashable) -> None:
        """Note that a valid token of the user came by it."""
        if self.user is None:
            self._connections.know(self, user)

    def serve(self, address: str) -> None:
        """Note whose request comes by it next, where a proxy sends those of many."""
        if self.is_proxied and (self.user is not None or address != self.address):
            self._connections.hand_over(self, address)

    def close(self) -> None:
        """Forget it: it is gone."""
        self._connections.forget(self)


class Connections:
    """All open connections.

    `most` bounds them in all, `most_strangers` strangers of an address, and `most_viewers` is how
    many viewers a user may have.
    """

    def __init__(self, most: int, most_strangers: int, most_viewers: int, proxies: Proxies) -> None:
        self.proxies = proxies
        self.heads: OrderedDict[Connection, float] = OrderedDict()
        self._most = most
        self._most_strangers = most_strangers
        self._most_known = KNOWN_FOR_VIEWER * most_viewers
        self._open: set[Connection] = set()
        self._known: Counter[Hashable] = Counter()  # by user
        self._oldest: dict[Connection, None] = {}  # strangers, by when they became it
        # Strangers, with the one that is silent longest first.
        self._strangers: OrderedDict[Connection, None] = OrderedDict()
        self._by_address: dict[str, OrderedDict[Connection, None]] = {}

    def open(self, transport: asyncio.Transport) -> Connection | None:
        """Take a new connection, and return it; None where there is no room: it is cut off."""
        peer = transport.get_extra_info("peername")
        peer_address = peer[0] if isinstance(peer, tuple) else ""
        proxied = self.proxies.include(peer_address)
        connection = Connection(self, transport, None if proxied else counted_as(peer_address))
        if not self._has_room(connection):
            metrics.dropped_connections.labels("no_room").inc()
            transport.abort()
            return None
        self._open.add(connection)
        metrics.open_connections.inc()
        self._enter(connection)
        return connection

    def know(self, connection: Connection, user: Hashable) -> None:
        """Count a stranger as one of the user's, of which so many are known."""
        if connection in self._open and self._known[user] < self._most_known:
            self._leave(connection)
            self._known[user] += 1
            connection.user = user

    def hand_over(self, connection: Connection, address: str) -> None:
        """Count it as a stranger's at this address, whoever it served before."""
        if connection in self._open:
            self._leave(connection)
            connection.user, connection.address = None, address
            self._enter(connection)

    def move_behind(self, connection: Connection) -> None:
        """Let a stranger that was heard make room last."""
        if connection in self._strangers:
            self._strangers.move_to_end(connection)
            if connection.address is not None:
                self._by_address[connection.address].move_to_end(connection)

    def forget(self, connection: Connection) -> None:
        if connection in self._open:
            self._open.remove(connection)
            metrics.open_connections.dec()
            self.heads.pop(connection, None)
            self._leave(connection)

    async def watch(self) -> None:
        """Cut off, for ever, those that do not complete a head in time."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.cut_off_slow_heads()

    def cut_off_slow_heads(self) -> None:
        until = time.monotonic() - HEAD_SECONDS
        while self.heads:
            connection, began = next(iter(self.heads.items()))
            if began > until:
                return
            self._cut_off(connection, "slow_head")

    def _enter(self, connection: Connection) -> None:
        connection.since = time.monotonic()
        self._strangers[connection] = self._oldest[connection] = None
        if connection.address is not None:
            self._by_address.setdefault(connection.address, OrderedDict())[connection] = None

    def _leave(self, connection: Connection) -> None:
        """Count it as nobody's, neither a stranger's nor a user's."""
        if connection.user is not None:
            self._known[connection.user] -= 1
            if not self._known[connection.user]:
                del self._known[connection.user]
            return
        self._strangers.pop(connection, None)
        self._oldest.pop(connection, None)
        if connection.address is not None and (beside := self._by_address.get(connection.address)):
            beside.pop(connection, None)
            if not beside:
                del self._by_address[connection.address]

    def _has_room(self, newcomer: Connection) -> bool:
        """Return whether one more may come, after another has made room if need be."""
        beside = self._by_address.get(newcomer.address or "", OrderedDict())
        if len(beside) >= self._most_strangers and not self._cut_off_silent(beside):
            is_crowded = len(beside) >= CROWD * self._most_strangers
            if is_crowded and not self._cut_off_old(min(beside, key=_since)):
                return False
        if len(self._open) < self._most or self._cut_off_silent(self._strangers):
            return True
        oldest = next(iter(self._oldest), None)
        return oldest is not None and self._cut_off_old(oldest)

    def _cut_off_silent(self, strangers: OrderedDict[Connection, None]) -> bool:
        """Cut off the stranger that is silent longest, if one is silent."""
        until = time.monotonic() - SENDING_SECONDS
        for stranger in strangers:
            if stranger.heard_at > until:
                return False
            if not stranger.is_busy():
                self._cut_off(stranger, "made_room")
                return True
        return False

    def _cut_off_old(self, stranger: Connection) -> bool:
        """Cut off a stranger, sending or not, that had time enough to show a token."""
        if time.monotonic() - stranger.since < STRANGER_SECONDS:
            return False
        self._cut_off(stranger, "made_room")
        return True

    def _cut_off(self, connection: Connection, reason: str) -> None:
        metrics.dropped_connections.labels(reason).inc()
        self.forget(connection)
        connection.transport.abort()


def _since(connection: Connection) -> float:
    return connection.since
