"""What waits for a client that polls."""

import asyncio

from engineio import packet as engineio_packet

# A poll brings no more packets than python-socketio's client takes in one; with more it hangs up,
# and comes back for the same.
POLLED_PACKETS = 16


class Outbox:
    """The queue of one socket, as python-engineio uses it. None wakes up whoever waits.

    No put ever waits, which would stop everyone; instead `bytes` says how much is waiting.
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
        return self._without(self._queue.get_nowait())

    async def get(self) -> engineio_packet.Packet | None:
        return self._without(await self._queue.get())

    async def poll(self) -> list[engineio_packet.Packet]:
        """Wait for a packet, and return it with what waits behind it.

        The None that ends a socket is left for a poll of its own, which returns nothing.
        """
        packets = [await self.get()]
        while packets[-1] is not None and len(packets) < POLLED_PACKETS and not self.empty():
            packets.append(self.get_nowait())
        if packets[-1] is None and len(packets) > 1:
            self.put_nowait(None)
        return [pkt for pkt in packets if pkt is not None]

    def drain(self) -> list[engineio_packet.Packet]:
        """Return all that waits, and wake up a poll that still does."""
        packets = []
        while not self.empty():
            if (pkt := self.get_nowait()) is not None:
                packets.append(pkt)
        self.put_nowait(None)
        return packets

    def empty(self) -> bool:
        return self._queue.empty()

    def _without(self, item: engineio_packet.Packet | None) -> engineio_packet.Packet | None:
        """Return what was taken out, once its bytes are no longer counted."""
        self.bytes -= _size(item)
        return item


def _size(item: engineio_packet.Packet | None) -> int:
    return len(item.encode()) if item else 0
