"""What waits for a client that polls."""

import asyncio

from engineio import packet as engineio_packet


class Outbox:
    """The queue of one socket, as python-engineio uses it. None wakes up whoever waits.

    No put ever waits, which would stop everyone; instead the bytes that are held are known.
    """

    def __init__(self) -> None:
        self._queue: asyncio.Queue[engineio_packet.Packet | None] = asyncio.Queue()
        self.bytes = 0

    def put_nowait(self, item: engineio_packet.Packet | None) -> None:
        self._queue.put_nowait(item)
        self.bytes += _size(item)

    async def put(self, item: engineio_packet.Packet | None) -> None:
        self.put_nowait(item)

    def get_nowait(self) -> engineio_packet.Packet | None:
        return self._taken(self._queue.get_nowait())

    async def get(self) -> engineio_packet.Packet | None:
        return self._taken(await self._queue.get())

    def empty(self) -> bool:
        return self._queue.empty()

    def _taken(self, item: engineio_packet.Packet | None) -> engineio_packet.Packet | None:
        self.bytes -= _size(item)
        return item


def _size(item: engineio_packet.Packet | None) -> int:
    return len(item.encode()) if item else 0
