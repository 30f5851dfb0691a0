"""Frames and packets: what is written directly is what the libraries would have written."""

import json

import pytest
from aiohttp.http_websocket import WebSocketWriter, WSMsgType

from realtime.feed.messages import Burst, Said, Spoken, event_text, websocket_frame
from realtime.transport.wire import Packet


class Recording:
    """A transport, and the protocol of one, that keep what is written."""

    _paused = False

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False


@pytest.mark.parametrize("size", [0, 1, 120, 124, 125, 126, 65_533, 65_534, 65_535, 200_000])
async def test_a_frame_is_what_the_library_would_have_written(size: int) -> None:
    text = "é" * (size // 2) + "x" * (size % 2)
    line = Recording()
    await WebSocketWriter(line, line).send_frame(f"4{text}".encode(), WSMsgType.TEXT)
    assert websocket_frame(text) == line.written


def test_a_message_is_the_packet_that_the_library_would_have_made() -> None:
    said = Said("e-1", 7, "anomaly_detected", 15, None, None, None, '{"type":"anomaly_detected","name":"Zoë \\"Z\\""}')
    payload = {"type": "anomaly_detected", "name": 'Zoë "Z"', "position": 7}
    packet = Packet(encoded_packet=said.text)
    assert (packet.namespace, packet.data) == ("/noc", ["anomaly_detected", payload, "e-1-7"])
    assert json.loads(said.payload) == payload


def test_a_burst_is_its_messages_one_after_the_other() -> None:
    spoken = [Spoken(event_text("resync", "{}")), Spoken(event_text("snapshot", "{}", "e-0"))]
    assert Burst(spoken).frames == b"".join(each.frame for each in spoken)
    assert [packet.encode() for packet in Burst(spoken).packets] == ["4" + each.text for each in spoken]
