"""Read compressed messages, but only as far as any of ours can go.

A few kilobytes may inflate to gigabytes, and kombu would have the worker hold them. It also raises
errors of each library's own over what is not compressed at all, and they would end the worker.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any

from kombu import compression

# A batch of the most punches that a task may bring, some 6 KiB each.
MOST_BYTES = 64 * 1024 * 1024
_LZMA_BYTES = 2 * MOST_BYTES  # what a decompressor may take for itself; `xz -9` needs half of it


class CannotInflate(ValueError):
    """Said of a body that is not compressed as its header says, or inflates to too much."""


def _by(decompressor: Callable[[], Any]) -> Callable[[bytes], bytes]:
    """Return a decoder of one stream that raises CannotInflate."""

    def inflate(body: bytes) -> bytes:
        stream = decompressor()
        try:
            text: bytes = stream.decompress(body, MOST_BYTES + 1)
        # RabbitMQ's transport gives a body that is text as text.
        except (OSError, TypeError, lzma.LZMAError, zlib.error) as error:
            raise CannotInflate("is not compressed as its header says") from error
        if len(text) > MOST_BYTES:
            raise CannotInflate(f"inflates to more than {MOST_BYTES:,} bytes")
        if not stream.eof or stream.unused_data:
            raise CannotInflate("is cut short, or more follows")
        return text

    return inflate


def _refuse(_body: bytes) -> bytes:
    raise CannotInflate("is compressed in a way that is not read here")


_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "application/x-gzip": zlib.decompressobj,
    "application/x-bz2": bz2.BZ2Decompressor,
    "application/x-lzma": lambda: lzma.LZMADecompressor(memlimit=_LZMA_BYTES),
}


def inflate_within_bounds() -> None:
    """Have kombu inflate what comes in this process by these, and refuse all other compression.

    Others are there where a library happens to be installed.
    """
    for content_type in compression.encoders():
        encoder, _ = compression.get_encoder(content_type)
        known = _DECOMPRESSORS.get(content_type)
        compression.register(encoder, _by(known) if known else _refuse, content_type)
