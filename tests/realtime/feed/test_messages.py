"""A message of the feed is told as the libraries would have told it."""

import json

from realtime.feed.messages import FeedMessage
from realtime.transport.packet import Packet


def test_a_message_is_the_packet_that_the_library_would_have_made() -> None:
    said = FeedMessage(
        "e-1",
        7,
        "anomaly_detected",
        15,
        None,
        None,
        None,
        '{"type":"anomaly_detected","name":"Zoë \\"Z\\""}',
    )
    payload = {"type": "anomaly_detected", "name": 'Zoë "Z"', "position": 7}
    packet = Packet(encoded_packet=said.text)
    assert (packet.namespace, packet.data) == ("/noc", ["anomaly_detected", payload, "e-1-7"])
    assert json.loads(said.payload) == payload
