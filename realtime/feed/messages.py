"""A message of a tenant's feed, as it is sent to viewers."""

from models.feed import payload_text
from models.ids import Id
from models.offsets import Offset
from realtime.transport.encoded_packet import EncodedPacket, event_text


class FeedMessage(EncodedPacket):
    """A message at its position, and what decides who hears it."""

    __slots__ = (
        "anomaly_type",
        "body",
        "epoch",
        "event",
        "mark",
        "position",
        "prior_severity",
        "severity",
        "site_id",
    )

    def __init__(
        self,
        epoch: str,
        position: int,
        event: str,
        site_id: Id | None,
        anomaly_type: str | None,
        severity: str | None,
        prior_severity: str | None,
        body: str,
        mark: str,
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
        self.mark = mark

    @property
    def payload(self) -> str:
        """The payload as JSON text, with the position."""
        return payload_text(self.body, self.position)

    def _compose(self) -> str:
        return event_text(
            self.event, self.payload, str(Offset(self.epoch, self.position, self.mark))
        )
