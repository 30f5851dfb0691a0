"""Messages as they go out: encoded once, for however many viewers."""

import json
from collections.abc import Sequence

from engineio import packet as engine

from models.feed import payload_text
from models.offsets import Offset
from realtime.transport.frames import TEXT, frame

NAMESPACE = "/noc"


class Spoken:
    """A Socket.IO packet, with the forms it is sent in: each made when the first viewer needs it, and kept for the others."""

    __slots__ = ("_frame", "_packet", "_text")

    def __init__(self, text: str | None = None) -> None:
        self._text = text
        self._frame: bytes | None = None
        self._packet: engine.Packet | None = None

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
    def packet(self) -> engine.Packet:
        if self._packet is None:
            self._packet = engine.Packet(engine.MESSAGE, data=self.text)
        return self._packet

    def _compose(self) -> str:
        raise NotImplementedError


class Said(Spoken):
    """One message of a tenant's feed, at its position."""

    __slots__ = ("anomaly_type", "body", "epoch", "event", "position", "prior_severity", "severity", "site_id")

    def __init__(
        self,
        epoch: str,
        position: int,
        event: str,
        site_id: int | None,
        anomaly_type: str | None,
        severity: str | None,
        prior_severity: str | None,
        body: str,
    ) -> None:
        super().__init__()
        self.epoch = epoch
        self.position = position
        self.event = event
        self.site_id = site_id
        self.anomaly_type = anomaly_type
        self.severity = severity
        self.prior_severity = prior_severity
        self.body = body

    @property
    def payload(self) -> str:
        return payload_text(self.body, self.position)

    def _compose(self) -> str:
        return event_text(self.event, self.payload, str(Offset(self.epoch, self.position)))


class Burst:
    """Packets that go to a viewer together: one write where its socket takes it, one queue entry each where it does not."""

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
    def packets(self) -> list[engine.Packet]:
        return [spoken.packet for spoken in self._spoken]

    def __len__(self) -> int:
        return len(self._spoken)


def event_text(event: str, payload: str, offset: str | None = None) -> str:
    """The Socket.IO packet of an event. `payload` is JSON already. Without an offset it moves nobody's place in the feed."""
    last = "" if offset is None else f",{json.dumps(offset)}"
    return f"2{NAMESPACE},[{json.dumps(event)},{payload}{last}]"


def websocket_frame(text: str) -> bytes:
    """A text frame that carries an Engine.IO message."""
    return frame(TEXT, b"4" + text.encode())
