"""Ids: those that callers give, and those that are made in Python.

A caller names tenants, sites and people by integers, 1 to LARGEST_ID, or by strings of 1 to
LONGEST_ID characters: 15 and "15" are two ids. Integers come before strings, and strings in
bytewise order, which is that of their code points. The database holds a string id as its number
(models.string_ids).

What is made in Python are UUIDs of version 7, ordered as the moments they are made for.
(`uuidv7()` needs PostgreSQL 18.)
"""

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeAlias
from urllib.parse import quote, unquote_to_bytes
from uuid import UUID

from pydantic_core import core_schema

from models.texts import is_storable

# The largest integer that a JavaScript number holds exactly.
LARGEST_ID = 2**53 - 1
LONGEST_ID = 64  # characters of a string
# The numbers of strings are below this. No integer id is, nor any other number of ours.
NUMBERS_END = -(2**62)
# The number of a string that nobody has stored: no row has it. Those of others are between both.
NOBODY = -(2**63)

_VERSION_AND_VARIANT = (7 << 76) | (2 << 62)
_RANDOM_BITS = ~((15 << 76) | (3 << 62))


class StringId(str):
    """A string id: to everybody the text, to the database its `number`.

    `number` is None of one that was only read from what came in: the database refuses it. It equals
    and hashes as its text, and so never equals an integer.
    """

    __slots__ = ("number",)
    number: int | None

    def __new__(cls, text: str, number: int | None = None) -> "StringId":
        made = super().__new__(cls, text)
        made.number = number
        return made

    def __getnewargs__(self) -> tuple[str, int | None]:  # type: ignore[override]
        return str(self), self.number

    # An integer leaves the comparison to these.
    def __lt__(self, other: "Id | str") -> bool:
        return False if isinstance(other, int) else str.__lt__(self, other)

    def __le__(self, other: "Id | str") -> bool:
        return False if isinstance(other, int) else str.__le__(self, other)

    def __gt__(self, other: "Id | str") -> bool:
        return True if isinstance(other, int) else str.__gt__(self, other)

    def __ge__(self, other: "Id | str") -> bool:
        return True if isinstance(other, int) else str.__ge__(self, other)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(
            cls,
            core_schema.str_schema(
                strict=True, min_length=1, max_length=LONGEST_ID, pattern=r"^[^\x00]*$"
            ),
        )


Id: TypeAlias = int | StringId


def number_of(id_: Id) -> int:
    """Return the number by which the database holds the id: an integer is its own.

    Raises LookupError for a string id that was not stored nor looked for.
    """
    if not isinstance(id_, str):
        return id_
    if id_.number is None:
        raise LookupError("this string id has no number yet")
    return id_.number


def is_nobody(id_: Id | None) -> bool:
    """Tell whether the id is a string that was looked for, and that nobody has stored."""
    return isinstance(id_, StringId) and id_.number == NOBODY


def key_text(key: object) -> str:
    """Return the text of a key in a text column: of an id its number."""
    return str(number_of(key) if isinstance(key, StringId) else key)


def is_id(value: object) -> bool:
    """Tell whether the value can be an id, as JSON has it."""
    if isinstance(value, str):
        return 1 <= len(value) <= LONGEST_ID and is_storable(value)
    return type(value) is int and 1 <= value <= LARGEST_ID


def as_id(value: object) -> Id | None:
    """Return the id that a value of JSON is, a string without its number; None where it is none."""
    if not is_id(value):
        return None
    return StringId(value) if isinstance(value, str) else value  # type: ignore[return-value]


def spelled(id_: Id) -> str:
    """Return the id as rooms, addresses, queries, commands and metrics have it.

    A string stands in double quotes and percent-encoded, `_` too: so it can hold nothing that parts
    it from what stands beside it.
    """
    if isinstance(id_, int):
        return str(id_)
    return '"' + quote(id_, safe="").replace("_", "%5F") + '"'


def parse_id(text: str) -> Id:
    """Return the id that is spelled so, a string without its number.

    Within the quotes any character may stand for itself, but for `%`. Raises ValueError.
    """
    if len(text) >= 2 and text[0] == text[-1] == '"':
        value = as_id(_unquoted(text[1:-1]))
    else:
        is_number = text.isascii() and text.isdigit() and len(text) <= 16
        value = as_id(int(text)) if is_number else None
    if value is None:
        raise ValueError(
            "is no id: an integer from 1 to 2^53 - 1, or a string of 1 to"
            f" {LONGEST_ID} characters in double quotes, percent-encoded"
        )
    return value


def _unquoted(text: str) -> str | None:
    """Return the text without percent-encoding; None where that is not UTF-8."""
    for part in text.split("%")[1:]:
        if len(part) < 2 or not all(digit in "0123456789abcdefABCDEF" for digit in part[:2]):
            return None
    try:
        return unquote_to_bytes(text.encode()).decode()
    except UnicodeError:
        return None


def strings(ids: Iterable[object]) -> list[StringId]:
    """Return those of the ids that are strings."""
    return [id_ for id_ in ids if isinstance(id_, StringId)]


def time_ordered_id(moment: datetime) -> UUID:
    """Return a new id: its first 48 bits are the moment in milliseconds, 74 others are random."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(
        int=(milliseconds << 80) | (secrets.randbits(80) & _RANDOM_BITS) | _VERSION_AND_VARIANT
    )
