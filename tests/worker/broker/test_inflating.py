"""Compressed messages: read as kombu reads them, up to a bound."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator

import pytest
from kombu import compression

from worker.broker import inflating
from worker.broker.inflating import CannotInflate, inflate_within_bounds

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": zlib.compress,
    "zlib": zlib.compress,
    "bzip2": bz2.compress,
    "lzma": lzma.compress,
    "xz": lambda text: lzma.compress(text, preset=9),
}
TEXT = b'[[], {"punch": {}}, {}]'


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    decoders = dict(compression._decoders)
    monkeypatch.setattr(inflating, "MOST_BYTES", 10_000)
    inflate_within_bounds()
    yield
    compression._decoders.update(decoders)


@pytest.mark.parametrize("name", PACK)
def test_what_producers_compress_is_read(name: str) -> None:
    for text in (TEXT, b"", b"x" * 10_000):
        assert compression.decompress(PACK[name](text), name) == text
        packed, content_type = compression.compress(text, name)
        assert compression.decompress(packed, content_type) == text


@pytest.mark.parametrize("name", PACK)
def test_what_inflates_to_too_much_is_refused(name: str) -> None:
    for size in (10_001, 10_000_000):
        with pytest.raises(CannotInflate, match="10,000 bytes"):
            compression.decompress(PACK[name](b"x" * size), name)


@pytest.mark.parametrize("name", PACK)
def test_what_is_not_compressed_or_not_whole_is_refused(name: str) -> None:
    """Each with one kind of error, which the worker foresees."""
    packed = PACK[name](TEXT)
    for body in (TEXT, packed[:-1], packed + packed, packed + b"x", b""):
        with pytest.raises(CannotInflate):
            compression.decompress(body, name)


def test_a_stream_that_asks_for_too_much_memory_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inflating, "_LZMA_BYTES", 1_000_000)
    with pytest.raises(CannotInflate):
        compression.decompress(lzma.compress(TEXT, preset=9), "xz")


def test_no_other_compression_is_read() -> None:
    """A library that is installed by chance brings its own to kombu, without a bound."""
    known = inflating._DECOMPRESSORS
    compression.register(bytes, bytes, "application/by-chance")
    try:
        inflate_within_bounds()
        others = set(compression.encoders()) - set(known)
        assert "application/by-chance" in others
        for content_type in others:
            with pytest.raises(CannotInflate):
                compression.decompress(TEXT, content_type)
    finally:
        del compression._encoders["application/by-chance"]
        del compression._decoders["application/by-chance"]
