"""Websocket frames as a server sends them (RFC 6455, 5.2): unmasked, final, uncompressed."""

import struct

TEXT, CLOSE, PONG = 0x81, 0x88, 0x8A


def frame(kind: int, data: bytes) -> bytes:
    """Return the frame of that kind (TEXT, CLOSE or PONG) with `data`."""
    size = len(data)
    if size < 126:
        header = struct.pack("!BB", kind, size)
    elif size < 65_536:
        header = struct.pack("!BBH", kind, 126, size)
    else:
        header = struct.pack("!BBQ", kind, 127, size)
    return header + data
