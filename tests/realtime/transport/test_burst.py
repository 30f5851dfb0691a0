"""Packets that go out together are each what they would be alone."""

from realtime.transport.burst import Burst
from realtime.transport.encoded_packet import EncodedPacket, event_text


def test_a_burst_is_its_messages_one_after_the_other() -> None:
    packets = [
        EncodedPacket(event_text("resync", "{}")),
        EncodedPacket(event_text("snapshot", "{}", "e-0")),
    ]
    assert Burst(packets).frames == b"".join(packet.frame for packet in packets)
    assert [packet.encode() for packet in Burst(packets).packets] == [
        "4" + packet.text for packet in packets
    ]
