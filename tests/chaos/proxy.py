"""The lines between the parts, in our hands: a TCP proxy that can cut, stall and refuse, and spread
connections over servers.
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
# Closed so, a connection is reset: what was under way is gone, as when a line breaks.
_RESET = struct.pack("ii", 1, 0)


class Backstage:
    """A thread with an event loop of its own, for what must go on while the director waits."""

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
    """python-socketio's client forgets sessions of connections that failed; everything else is
    told.
    """
    if not context["message"].startswith("Unclosed"):
        loop.default_exception_handler(context)


class Proxy:
    """Listens on `port`. A connection goes to one of `targets` (ports of this machine) that takes
    it, chosen by chance.
    """

    def __init__(self, backstage: Backstage, targets: list[int], seed: int = 0) -> None:
        self.targets = targets
        self._backstage = backstage
        self._chance = random.Random(seed)
        self._refusing = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._lines: set[Line] = set()
        self._server = backstage.run(self._listen())
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self, share: float = 1.0) -> None:
        """Reset this share of the connections."""
        self._backstage.run(self._cut(share))

    def stall(self) -> None:
        """Pass nothing on, and keep every connection open, as a line does that has gone dead."""
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
        onward = None if self._refusing else await self._reach()
        if onward is None:
            _reset(writer)
            return
        line = Line(writer, onward[1])
        self._lines.add(line)
        try:
            await asyncio.gather(self._pass(reader, onward[1]), self._pass(onward[0], writer))
        except OSError:
            line.reset()  # one end is gone; the other must notice
        finally:
            self._lines.discard(line)
            line.close()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
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
        lines = list(self._lines)
        for line in self._chance.sample(lines, round(len(lines) * share)):
            line.reset()

    async def _close(self) -> None:
        self._server.close()
        await self._cut(1.0)


class Line:
    """The two connections that make one."""

    def __init__(self, *ends: asyncio.StreamWriter) -> None:
        self._ends = ends

    def reset(self) -> None:
        for end in self._ends:
            _reset(end)

    def close(self) -> None:
        for end in self._ends:
            end.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
