"""Going over from polling to a websocket."""

import asyncio
from typing import Protocol

from engineio import packet as engineio_packet

from realtime.transport.flood import Bucket
from realtime.transport.line import Line

# A websocket that is to take over from polling has this long to do so; nothing is polled meanwhile.
UPGRADE_SECONDS = 10.0


class Upgrading(Protocol):
    """A connection by polling that a websocket is to take over."""

    upgrading: bool
    probing: Line | None
    bucket: Bucket

    def post(self, pkt: engineio_packet.Packet) -> None:
        """Send one packet by polling."""
        ...

    def adopt(self, line: Line) -> None:
        """Go on by websocket."""
        ...


class Probe:
    """Owns a websocket that is to take over, until the client has tried it and says so."""

    def __init__(self, socket: Upgrading) -> None:
        self._socket = socket
        self.bucket = socket.bucket
        self._tried = False  # whether the client's probe came and was answered

    def begin(self, line: Line) -> None:
        self._socket.probing = line
        asyncio.get_running_loop().call_later(UPGRADE_SECONDS, self._give_up, line)

    def take(self, data: str | bytes) -> None:
        line = self._socket.probing
        if line is None:
            return
        if data == "2probe" and not self._tried:
            self._tried = True
            line.send("3probe")
            # ends the poll that waits
            self._socket.post(engineio_packet.Packet(engineio_packet.NOOP))
        elif data == "5" and self._tried:
            self._socket.adopt(line)
        else:
            line.close()

    def lost(self) -> None:
        self._socket.upgrading, self._socket.probing = False, None

    def _give_up(self, line: Line) -> None:
        if self._socket.probing is line:
            line.close()
