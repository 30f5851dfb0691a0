"""Turning what came in into text and into a hash."""

import json
import reprlib
from hashlib import blake2b

import orjson


def digest(data: bytes) -> bytes:
    """Return 16 bytes that tell contents apart."""
    return blake2b(data, digest_size=16).digest()


def as_text(content: object) -> str:
    """Return any content as JSON in ASCII, with NUL and lone surrogates escaped.

    So any text column takes it.
    """
    try:
        return json.dumps(content, sort_keys=True, default=str)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(reprlib.repr(content))


def as_json(fields: object) -> bytes:
    """Return JSON in its canonical form.

    Raises TypeError where the fields are no JSON that can be kept (see models.intake.flaws).
    """
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
