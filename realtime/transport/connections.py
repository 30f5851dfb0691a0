"""The connections of this server: how many there may be, and which of them makes room.

A connection is a stranger's until it has shown a valid token. Strangers may have so many from one
address, and they are the ones that make room; nobody who is known, or is sending, is ever cut off
for others.
"""

import asyncio
import time
from collections import OrderedDict

from realtime import metrics
from realtime.transport.addresses import Proxies, counted_as

# A request's head has to be complete so long after its first byte, or after the connection opened.
HEAD_SECONDS = 10.0
# A connection that sent something within this time is sending.
SENDING_SECONDS = 1.0
# While none of an address's strangers is silent, it may have so many times as many as otherwise:
# when a server comes back, all viewers behind one address do at the same moment.
CROWD = 10
LOOK_SECONDS = 1.0


class Connection:
    """One TCP connection, from its opening to its end, websocket or not.

    `address` is None as long as it is not known whose it is, behind a proxy.
    """

    __slots__ = ("_connections", "address", "heard_at", "is_known", "is_proxied", "transport")

    def __init__(
        self, connections: "Connections", transport: asyncio.Transport, address: str | None
    ) -> None:
        self._connections = connections
        self.transport = transport
        self.address = address
        self.is_proxied = address is None
        self.is_known = False
        self.heard_at = time.monotonic()

    def heard(self) -> None:
        """Note that the client has sent something."""
        self.heard_at = time.monotonic()
        if not self.is_known:
            self._connections.move_behind(self)

    def head_began(self) -> None:
        """Note that a request's head has begun and is not complete."""
        self._connections.heads.setdefault(self, time.monotonic())

    def head_ended(self) -> None:
        """Note that a request's head is complete."""
        self._connections.heads.pop(self, None)

    def know(self) -> None:
        """Note that a valid token came by it."""
        if not self.is_known:
            self._connections.leave(self)
            self.is_known = True

    def serve(self, address: str) -> None:
        """Note whose request comes by it next, where a proxy sends those of many."""
        if self.is_proxied and (self.is_known or address != self.address):
            self._connections.leave(self)
            self.is_known, self.address = False, address
            self._connections.enter(self)

    def close(self) -> None:
        """Forget it: it is gone."""
        self._connections.forget(self)


class Connections:
    """All open connections. `most` bounds them in all, `most_strangers` strangers of an address."""

    def __init__(self, most: int, most_strangers: int, proxies: Proxies) -> None:
        self.proxies = proxies
        self.heads: OrderedDict[Connection, float] = OrderedDict()
        self._most = most
        self._most_strangers = most_strangers
        self._open: set[Connection] = set()
        # Both with the one that is silent longest first.
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
        self.enter(connection)
        connection.head_began()
        return connection

    def enter(self, connection: Connection) -> None:
        """Count a stranger."""
        self._strangers[connection] = None
        if connection.address is not None:
            self._by_address.setdefault(connection.address, OrderedDict())[connection] = None

    def leave(self, connection: Connection) -> None:
        """Count a stranger no longer, who is known now or gone."""
        self._strangers.pop(connection, None)
        if connection.address is None:
            return
        if beside := self._by_address.get(connection.address):
            beside.pop(connection, None)
            if not beside:
                del self._by_address[connection.address]

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
            self.leave(connection)

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

    def _has_room(self, newcomer: Connection) -> bool:
        """Return whether one more may come, after one that is silent has made room if need be."""
        beside = self._by_address.get(newcomer.address or "", OrderedDict())
        is_full = len(beside) >= self._most_strangers and not self._make_room(beside)
        if is_full and len(beside) >= CROWD * self._most_strangers:
            return False
        return len(self._open) < self._most or self._make_room(self._strangers)

    def _make_room(self, strangers: OrderedDict[Connection, None]) -> bool:
        """Cut off the stranger that is silent longest, if one is silent."""
        silent = next(iter(strangers), None)
        if silent is None or time.monotonic() - silent.heard_at < SENDING_SECONDS:
            return False
        self._cut_off(silent, "made_room")
        return True

    def _cut_off(self, connection: Connection, reason: str) -> None:
        metrics.dropped_connections.labels(reason).inc()
        self.forget(connection)
        connection.transport.abort()
