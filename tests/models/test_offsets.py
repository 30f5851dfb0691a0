"""Offsets come back as they went, those of the first edition too, and nothing else is one."""

import pytest

from models.offsets import Offset, parse_offset


@pytest.mark.parametrize(
    "offset", [Offset("e1", 0), Offset("new", 0), Offset("e1", 7), Offset("e1", 7, "0123456789ab")]
)
def test_an_offset_comes_back_as_it_went(offset: Offset) -> None:
    assert parse_offset(str(offset)) == offset


@pytest.mark.parametrize(
    "text",
    [
        *("", "e1", "e1-", "-7", "e1-x", "e1-7-", "e1-7-0123456789a", "e1-7-0123456789abc"),
        *("e1-7-0123456789AB", "e1-7-0123456789ab\n", "e1-" + "9" * 19, "e1-٧", "e1--7"),
        *(7, None, ["e1-7"], b"e1-7"),
    ],
)
def test_nothing_else_is_an_offset(text: object) -> None:
    assert parse_offset(text) is None
