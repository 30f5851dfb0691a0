"""Packets that go to a viewer together."""

from collections.abc import Sequence

from engineio import packet as engineio_packet

from realtime.transport.spoken import Spoken


class Burst:
    """One write where a viewer's socket takes it, one queue entry a packet where it does not."""

    __slots__ = ("_frames", "_spoken")

    def __init__(self, spoken: Sequence[Spoken]) -> None:
        self._spoken = spoken
        self._frames: bytes | None = None

    @property
    def frames(self) -> bytes:
        if self._frames is None:
            self._frames = b"".join([spoken.frame for spoken in self._spoken])
        return self._frames

    @property
    def packets(self) -> list[engineio_packet.Packet]:
        return [spoken.packet for spoken in self._spoken]

    def __len__(self) -> int:
        return len(self._spoken)
