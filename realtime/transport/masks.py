"""Frames of a client that are not masked, which RFC 6455, 5.1, forbids: aiohttp's reader, which is
compiled, takes them.
"""

# Behind the length of a masked frame.
MASK_BYTES = 4
# Of a frame that continues a message and does not end it.
_CONTINUES = 0
# A longer body has its length behind the second byte.
_SMALL = 125


class Masks:
    """Follows the headers of frames through the pieces in which they come."""

    __slots__ = ("_fragments", "_header", "_left")

    def __init__(self) -> None:
        self._header = b""  # of a frame, as far as it has come
        self._left = 0  # bytes of a frame whose header has come
        self._fragments = 0

    def take_fragments(self) -> int:
        """Return how many small frames, since the last call, ended no message.

        Any number of them can be sent in one message, as they may be empty.
        """
        fragments, self._fragments = self._fragments, 0
        return fragments

    def masked_bytes(self, piece: bytes) -> int:
        """Return how many bytes of the piece come before the first frame that is not masked.

        All of them where there is none. After it nothing more can be told.
        """
        data, at = self._header + piece, self._left
        while len(data) - at >= 2:
            second = data[at + 1]
            if not second & 0x80:
                return max(0, at - len(self._header))
            length = second & 0x7F
            body_at = at + 2 + (2 if length == 126 else 8 if length == 127 else 0)
            if body_at > len(data):
                break
            if length > _SMALL:
                length = int.from_bytes(data[at + 2 : body_at])
            elif data[at] == _CONTINUES:
                self._fragments += 1
            at = body_at + MASK_BYTES + length
        self._header, self._left = data[at:], max(0, at - len(data))
        return len(piece)
