"""What is written directly is what the libraries would have written."""

from typing import Any

import pytest
from aiohttp.http_websocket import WebSocketWriter, WSMsgType

from realtime.transport.encoded_packet import websocket_frame


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
    line: Any = Recording()
    await WebSocketWriter(line, line).send_frame(f"4{text}".encode(), WSMsgType.TEXT)
    assert websocket_frame(text) == line.written
