"""What came in, as text and as a hash."""

import json
import reprlib
from hashlib import blake2b

import orjson


def digest(data: bytes) -> bytes:
    """16 bytes that tell contents apart."""
    return blake2b(data, digest_size=16).digest()


def as_text(content: object) -> str:
    """Any content as JSON in pure ASCII: NUL and lone surrogates stand escaped, so that any text
    column takes it.
    """
    try:
        return json.dumps(content, sort_keys=True, default=str)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(reprlib.repr(content))


def as_json(fields: object) -> bytes:
    """JSON in its one canonical form. Raises TypeError where the content is no JSON that can be
    kept (see models.intake.flaws).
    """
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
