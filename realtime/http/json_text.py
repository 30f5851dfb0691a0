"""JSON that strangers send, parsed without stopping everybody else meanwhile.

The parser is one call into C, which lets nothing else run in the process. So a long list is parsed
item by item, and what would make one item a long call, or a small text a large object, is refused
before.
"""

import json
import re
from collections.abc import Iterator
from itertools import accumulate
from json.decoder import WHITESPACE  # type: ignore[attr-defined]  # public, but in no stub
from typing import Any

MOST_LEVELS = 64
# Lists, objects and their members, of a whole text: 10,000 punches of 50 fields each.
MOST_VALUES = 500_000
_CHUNK = 65_536
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_VALUES = bytes(byte for byte in range(256) if byte not in b"[{,")
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}

_UTF_8 = ("utf-8", "utf-8-sig")
_DECODER = json.JSONDecoder()


class TooDeep(ValueError):
    """The JSON must nest no deeper than 64 levels."""


class TooMany(ValueError):
    """The JSON must have no more than 500,000 values."""


def parse(body: bytes) -> Any:
    """Return what the body holds, exactly as json.loads does.

    Raises ValueError, of which TooDeep and TooMany say so in their docstrings.
    """
    encoding = json.detect_encoding(body)
    text = body.decode(encoding, "surrogatepass")
    _check(body if encoding in _UTF_8 else text.encode("utf-8", "surrogatepass"))
    if len(text) <= _CHUNK:
        return json.loads(text)
    begins = WHITESPACE.match(text, 0).end()
    if text[begins : begins + 1] != "[":
        return json.loads(text)
    return list(_items(text, begins + 1))


def _items(text: str, at: int) -> Iterator[Any]:
    """Yield the items of the list that begins before `at`, and ends the text."""
    at = _after_blank(text, at)
    if text[at : at + 1] == "]":
        _expect_end(text, at + 1)
        return
    while True:
        item, at = _DECODER.raw_decode(text, at)
        yield item
        at = _after_blank(text, at)
        if text[at : at + 1] == "]":
            _expect_end(text, at + 1)
            return
        if text[at : at + 1] != ",":
            raise ValueError(f"a comma or the list's end is missing at character {at}")
        at = _after_blank(text, at + 1)


def _after_blank(text: str, at: int) -> int:
    end: int = WHITESPACE.match(text, at).end()
    return end


def _expect_end(text: str, at: int) -> None:
    if _after_blank(text, at) != len(text):
        raise ValueError(f"something follows the JSON at character {at}")


def _check(body: bytes) -> None:
    """Count levels and values outside of strings, a chunk at a time.

    In UTF-8 no byte of another character looks like a bracket, quote, comma or backslash.
    """
    depth = values = 0
    in_string, rest = False, b""
    for begin in range(0, len(body), _CHUNK):
        chunk = rest + body[begin : begin + _CHUNK]
        # A backslash that ends the chunk escapes what the next one begins with.
        backslashes = len(chunk) - len(chunk.rstrip(b"\\"))
        cut = len(chunk) - backslashes % 2
        chunk, rest = chunk[:cut], chunk[cut:]
        parts = _ESCAPED.sub(b"", chunk).split(b'"')
        outside = b" ".join(parts[1 if in_string else 0 :: 2])
        in_string ^= len(parts) % 2 == 0
        values += len(outside.translate(None, _VALUES))
        if values > MOST_VALUES:
            raise TooMany(TooMany.__doc__)
        steps = map(_STEP.__getitem__, outside.translate(None, _BRACKETS))
        depths = list(accumulate(steps, initial=depth))
        if max(depths) > MOST_LEVELS:
            raise TooDeep(TooDeep.__doc__)
        depth = depths[-1]
