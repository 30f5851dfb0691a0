"""Packets that go to a viewer together."""

from collections.abc import Sequence

from engineio import packet as engineio_packet

from realtime.transport.encoded_packet import EncodedPacket


class Burst:
    """Packets in one write by websocket (`frames`), or one by one by polling (`packets`)."""

    __slots__ = ("_frames", "_packets")

    def __init__(self, packets: Sequence[EncodedPacket]) -> None:
        self._packets = packets
        self._frames: bytes | None = None

    @property
    def frames(self) -> bytes:
        if self._frames is None:
            self._frames = b"".join([packet.frame for packet in self._packets])
        return self._frames

    @property
    def packets(self) -> list[engineio_packet.Packet]:
        return [packet.packet for packet in self._packets]

    def __len__(self) -> int:
        return len(self._packets)
