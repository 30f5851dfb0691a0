"""A TCP proxy between the parts, which can cut, stall and refuse connections, and spread them over
servers.
"""

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")

_CHUNK = 65_536
# A connection that is closed with this is reset: what was under way is gone, as when a wire breaks.
_RESET = struct.pack("ii", 1, 0)


class Backstage:
    """A thread with an event loop of its own, for what must go on while the test itself waits."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(_unless_unclosed)
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Answer], seconds: float = 60) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()


def _unless_unclosed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report the error, unless it is of an unclosed session: python-socketio's client forgets those
    of connections that failed.
    """
    if not context["message"].startswith("Unclosed"):
        loop.default_exception_handler(context)


class Proxy:
    """A proxy that listens on `port`. Each connection goes to one of `targets` (ports of this
    machine) that accepts it, chosen by chance.
    """

    def __init__(self, backstage: Backstage, targets: list[int], seed: int = 0) -> None:
        self.targets = targets
        self._backstage = backstage
        self._chance = random.Random(seed)
        self._refusing = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._connections: set[Connection] = set()
        self._server = backstage.run(self._listen())
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self, share: float = 1.0) -> None:
        """Reset this share of the connections."""
        self._backstage.run(self._cut(share))

    def stall(self) -> None:
        """Pass nothing on, and keep every connection open, as a network does that has gone dead."""
        self._backstage.loop.call_soon_threadsafe(self._flowing.clear)

    def flow(self) -> None:
        self._backstage.loop.call_soon_threadsafe(self._flowing.set)

    def refuse(self, refusing: bool) -> None:
        self._refusing = refusing
        if refusing:
            self.cut()

    def close(self) -> None:
        self._backstage.run(self._close())

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._connected, "127.0.0.1", 0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = None if self._refusing else await self._open_target()
        if target is None:
            _reset(writer)
            return
        target_reader, target_writer = target
        connection = Connection(writer, target_writer)
        self._connections.add(connection)
        try:
            await asyncio.gather(
                self._pass(reader, target_writer), self._pass(target_reader, writer)
            )
        except OSError:
            connection.reset()  # one end is gone; the other must notice
        finally:
            self._connections.discard(connection)
            connection.close()

    async def _open_target(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Connect to one of the targets; None where all refuse."""
        for port in self._chance.sample(self.targets, len(self.targets)):
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                continue
        return None

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK):
            await self._flowing.wait()
            writer.write(chunk)
            await writer.drain()
        writer.close()

    async def _cut(self, share: float) -> None:
        connections = list(self._connections)
        for connection in self._chance.sample(connections, round(len(connections) * share)):
            connection.reset()

    async def _close(self) -> None:
        self._server.close()
        await self._cut(1.0)


class Connection:
    """A connection through the proxy: the two sockets that make one."""

    def __init__(self, *ends: asyncio.StreamWriter) -> None:
        self._ends = ends

    def reset(self) -> None:
        for end in self._ends:
            _reset(end)

    def close(self) -> None:
        for end in self._ends:
            end.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    end = writer.get_extra_info("socket")
    if end is not None and end.fileno() >= 0:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
