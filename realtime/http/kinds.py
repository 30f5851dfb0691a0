"""Kinds of values that a query may hold: how the text of one is read, and how it is described."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from models.ids import LARGEST_ID, LONGEST_ID, parse_id
from models.schemas.instants import parse_instant
from models.texts import is_storable

MOST_CHARACTERS = 200
# Of Postgres' INTEGER.
LARGEST_VERSION = 2**31 - 1


class Kind(NamedTuple):
    """`read` raises ValueError; its text goes on where the parameter's name ends."""

    read: Callable[[str], Any]
    schema: Mapping[str, Any]


def version(text: str) -> int:
    """Read the version of a policy. Raises ValueError where there can be none such."""
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0
    if not 1 <= value <= LARGEST_VERSION:
        raise ValueError(f"is no version: an integer from 1 to {LARGEST_VERSION}")
    return value


def instant(text: str) -> datetime:
    """Read a time with its offset. Raises ValueError where it is none or has none."""
    try:
        moment = parse_instant(text.replace(" ", "+"))  # a space is a plus that was not escaped
    except ValueError:
        raise ValueError("is no time; write ISO 8601 such as 2026-11-23T08:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("has no offset from UTC; add it, such as Z")
    return moment


def plain_text(text: str) -> str:
    """Return the text. Raises ValueError where no id of ours looks like it."""
    if not is_storable(text) or len(text) > MOST_CHARACTERS:
        raise ValueError("is too long, or holds what no id does")
    return text


def identity(text: str) -> UUID:
    """Read a UUID. Raises ValueError where it is none."""
    try:
        return UUID(text)
    except ValueError:
        raise ValueError("is no UUID") from None


VERSION = Kind(version, {"type": "integer", "minimum": 1, "maximum": LARGEST_VERSION})
# A string id stands in double quotes here, where it is not JSON: each of its characters has four
# bytes at most, and each byte three characters of percent-encoding.
_QUOTED = {"type": "string", "pattern": '^".+"$', "maxLength": 2 + 12 * LONGEST_ID}
ID = Kind(
    parse_id,
    {"anyOf": [{"type": "integer", "minimum": 1, "maximum": LARGEST_ID}, _QUOTED]},
)
INSTANT = Kind(instant, {"type": "string", "format": "date-time"})
TEXT = Kind(plain_text, {"type": "string", "maxLength": MOST_CHARACTERS})
UUID_TEXT = Kind(identity, {"type": "string", "format": "uuid"})


def one_of(choices: Sequence[str]) -> Kind:
    """Return the kind that has these values. Its `read` raises ValueError for any other."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"is none of {', '.join(choices)}")
        return text

    return Kind(read, {"type": "string", "enum": list(choices)})
