"""A message of the feed is sent as the libraries would have sent it."""

import json

from realtime.feed.messages import FeedMessage
from realtime.transport.packet import Packet


def test_a_message_is_the_packet_that_the_library_would_have_made() -> None:
    message = FeedMessage(
        "e-1",
        7,
        "anomaly_detected",
        15,
        None,
        None,
        None,
        '{"type":"anomaly_detected","name":"Zoë \\"Z\\""}',
        "0123456789ab",
    )
    payload = {"type": "anomaly_detected", "name": 'Zoë "Z"', "position": 7}
    packet = Packet(encoded_packet=message.text)
    assert (packet.namespace, packet.data) == (
        "/noc",
        ["anomaly_detected", payload, "e-1-7-0123456789ab"],
    )
    assert json.loads(message.payload) == payload
