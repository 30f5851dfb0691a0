"""Signing what is published for the servers, which believe nothing else on the channel.

A signed document is one JSON object: `{"key":"<8 hex digits>","mac":"<64 hex digits>",` and then
the fields that it says, as they were written. The MAC is HMAC-SHA256 over all that follows it, with
the secret of the key.
"""

import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

KEY_ID_DIGITS = 8
# A larger document is left to the feed, without a look at it. Publishers end one at a quarter of a
# megabyte, but for a single large message.
MOST_BYTES = 4 * 1024 * 1024
# A publication may be so much older or younger than the server's clock says: what was recorded
# before cannot be published again later.
CLOCK_SECONDS = 60.0

_BEFORE_KEY, _BEFORE_MAC, _BEFORE_FIELDS = b'{"key":"', b'","mac":"', b'",'
_KEY = slice(len(_BEFORE_KEY), len(_BEFORE_KEY) + KEY_ID_DIGITS)
_BETWEEN = slice(_KEY.stop, _KEY.stop + len(_BEFORE_MAC))
_MAC = slice(_BETWEEN.stop, _BETWEEN.stop + 64)
_FIELDS_AT = _MAC.stop + len(_BEFORE_FIELDS)


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the channel. Its secret is in no log: it is left out of what is printed."""

    key_id: str
    secret: bytes = field(repr=False)


# Returns the key to sign with now. Raises KeysUnreadable.
SigningKey = Callable[[], Key]


class KeysUnreadable(Exception):
    """The keys of the channel cannot be read; servers will find what was said in the feed."""


class Dropped(Exception):
    """A document that is not believed; the text is the reason, one of REASONS."""


# Why a document was dropped. `foreign`: on the channel of python-socketio's own, where nothing of
# ours is published. `unreadable`: signed, and yet not what a server can read.
REASONS = ("foreign", "unsigned", "unknown_key", "forged", "old", "too_large", "unreadable")


def sign(key: Key, fields: Mapping[str, Any]) -> bytes:
    """Return the signed document that says `fields`, with the time as `at`, in Unix seconds."""
    said = orjson.dumps({**fields, "at": time.time()})[1:]
    return b"".join(
        (
            _BEFORE_KEY,
            key.key_id.encode(),
            _BEFORE_MAC,
            _mac(key, said),
            _BEFORE_FIELDS,
            said,
        )
    )


def verified(document: bytes, keys: Mapping[str, Key], now: float) -> dict[str, Any]:
    """Return the fields of a document that one of `keys`, by key id, has signed.

    `now` is in Unix seconds. Nothing of the document is parsed before its MAC holds. Raises
    Dropped, or ValueError, TypeError or KeyError where a holder of the key has signed nonsense.
    """
    if len(document) > MOST_BYTES:
        raise Dropped("too_large")
    if not (
        document.startswith(_BEFORE_KEY)
        and document[_BETWEEN] == _BEFORE_MAC
        and document[_MAC.stop : _FIELDS_AT] == _BEFORE_FIELDS
    ):
        raise Dropped("unsigned")
    key = keys.get(document[_KEY].decode("ascii", "replace"))
    if key is None:
        raise Dropped("unknown_key")
    if not hmac.compare_digest(_mac(key, document[_FIELDS_AT:]), document[_MAC]):
        raise Dropped("forged")
    fields: dict[str, Any] = orjson.loads(document)
    if abs(now - fields["at"]) > CLOCK_SECONDS:
        raise Dropped("old")
    return fields


def _mac(key: Key, said: bytes) -> bytes:
    return hmac.digest(key.secret, said, "sha256").hex().encode()
