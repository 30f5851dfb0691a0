"""Packets that go out together are each what they would be alone."""

from realtime.transport.burst import Burst
from realtime.transport.encoded_packet import EncodedPacket, event_text


def test_a_burst_is_its_messages_one_after_the_other() -> None:
    spoken = [EncodedPacket(event_text("resync", "{}")), EncodedPacket(event_text("snapshot", "{}", "e-0"))]
    assert Burst(spoken).frames == b"".join(each.frame for each in spoken)
    assert [packet.encode() for packet in Burst(spoken).packets] == [
        "4" + each.text for each in spoken
    ]
