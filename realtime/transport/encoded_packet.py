"""One packet that is sent to viewers: encoded once, for however many of them."""

import json

from engineio import packet as engineio_packet

from realtime.transport.frames import TEXT, frame
from realtime.transport.packet import NAMESPACE


class EncodedPacket:
    """A Socket.IO packet in the forms it is sent in.

    Each form is made when the first viewer needs it, and kept for the others. A subclass may
    compose the text that none was given for.
    """

    __slots__ = ("_frame", "_packet", "_text")

    def __init__(self, text: str | None = None) -> None:
        self._text = text
        self._frame: bytes | None = None
        self._packet: engineio_packet.Packet | None = None

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = self._compose()
        return self._text

    @property
    def frame(self) -> bytes:
        if self._frame is None:
            self._frame = websocket_frame(self.text)
        return self._frame

    @property
    def packet(self) -> engineio_packet.Packet:
        if self._packet is None:
            self._packet = engineio_packet.Packet(engineio_packet.MESSAGE, data=self.text)
        return self._packet

    def _compose(self) -> str:
        raise NotImplementedError


def event_text(event: str, payload: str, offset: str | None = None) -> str:
    """Return the Socket.IO packet of an event. `payload` is JSON already.

    Without an offset it moves nobody's place in the feed.
    """
    last = "" if offset is None else f",{json.dumps(offset)}"
    return f"2{NAMESPACE},[{json.dumps(event)},{payload}{last}]"


def websocket_frame(text: str) -> bytes:
    """Return the text frame that carries `text` as an Engine.IO message."""
    return frame(TEXT, b"4" + text.encode())
