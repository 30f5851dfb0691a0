"""How the text of a query is read, and that what it is refused for goes on where its name ends."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from realtime.http.kinds import ID, INSTANT, TEXT, UUID_TEXT, VERSION, Kind, one_of

NO_ID = (
    "is no id: an integer from 1 to 2^53 - 1,"
    " or a string of 1 to 64 characters in double quotes, percent-encoded"
)
COLOURS = one_of(("red", "green"))


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (ID, "15", 15),
        (ID, "9007199254740991", 2**53 - 1),
        (ID, '"15"', "15"),
        (ID, '"a%3Ab%2C%22"', 'a:b,"'),
        (ID, '"a b_"', "a b_"),
        (VERSION, "2147483647", 2**31 - 1),
        (INSTANT, "2026-11-23T08:00:00Z", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        (INSTANT, "2026-11-23T09:00:00 01:00", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        (TEXT, "x" * 200, "x" * 200),
        (UUID_TEXT, "00000000000000000000000000000001", UUID(int=1)),
        (COLOURS, "red", "red"),
    ],
)
def test_it_is_read(kind: Kind, text: str, value: Any) -> None:
    assert kind.read(text) == value


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (ID, "0", NO_ID),
        (ID, "9007199254740992", NO_ID),
        (ID, "१", NO_ID),
        (ID, "acme", NO_ID),
        (ID, '""', NO_ID),
        (ID, '"', NO_ID),
        (ID, '"%2"', NO_ID),
        (ID, '"%FF"', NO_ID),
        (ID, '"%00"', NO_ID),
        (ID, f'"{"x" * 65}"', NO_ID),
        (VERSION, "0", "is no version: an integer from 1 to 2147483647"),
        (VERSION, "2147483648", "is no version: an integer from 1 to 2147483647"),
        (VERSION, "१", "is no version: an integer from 1 to 2147483647"),
        (INSTANT, "yesterday", "is no time; write ISO 8601 such as 2026-11-23T08:00:00Z"),
        (INSTANT, "2026-11-23T08:00:00", "has no offset from UTC; add it, such as Z"),
        (TEXT, "x" * 201, "is too long, or holds what no id does"),
        (TEXT, "\0", "is too long, or holds what no id does"),
        (UUID_TEXT, "x", "is no UUID"),
        (COLOURS, "blue", "is none of red, green"),
    ],
)
def test_what_makes_no_sense_is_refused_with_words(kind: Kind, text: str, words: str) -> None:
    with pytest.raises(ValueError) as refused:
        kind.read(text)
    assert str(refused.value) == words
