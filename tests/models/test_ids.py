"""Ids: integers before strings, strings bytewise; and how they are spelled where they are text."""

import copy
import pickle
from typing import Any

import orjson
import pytest

from models.ids import LARGEST_ID, NOBODY, Id, StringId, as_id, number_of, parse_id, spelled

HOSTILE = ['1"', "a:b", "_", "%22", "15", "a b", "😀", '"15"', "\U0001f600" * 64, "\n", ",", "/../"]


def test_integers_come_before_strings_and_strings_in_bytewise_order() -> None:
    texts = ["", "15", "Z", "a", "é", "\uffff", "😀", "😀a"]
    ids: list[Id] = [1, 2, LARGEST_ID, *(StringId(text) for text in texts)]
    assert sorted([ids[-1], *ids[:-1]]) == ids
    for place, one in enumerate(ids):
        for other in ids[place + 1 :]:
            assert one < other
            assert other > one
            assert one <= other
            assert other >= one
    assert sorted(texts, key=str.encode) == texts
    assert sorted([(StringId("a"), 1), (5, 2)]) == [(5, 2), (StringId("a"), 1)]


def test_15_and_its_string_are_two_and_a_string_is_its_text_to_everybody_else() -> None:
    string = StringId("15", -5)
    assert len({15, string}) == 2
    assert "15" in {string}
    assert orjson.dumps([string, 15]) == b'["15",15]'
    for copied in (copy.deepcopy(string), pickle.loads(pickle.dumps(string))):  # noqa: S301 - of our own
        assert (copied, type(copied), copied.number) == ("15", StringId, -5)


def test_one_without_a_number_is_not_taken_for_another() -> None:
    assert [number_of(15), number_of(StringId("15", NOBODY))] == [15, NOBODY]
    with pytest.raises(LookupError):
        number_of(StringId("15"))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_spelled_is_read_back_and_holds_nothing_that_parts(text: str) -> None:
    written = spelled(StringId(text))
    assert written.isascii()
    assert written.isprintable()
    assert not set(' _,:/"') & set(written[1:-1])
    assert parse_id(written) == text
    assert isinstance(parse_id(written), StringId)


def test_an_integer_is_spelled_as_it_is() -> None:
    assert (spelled(15), parse_id("15"), type(parse_id("15"))) == ("15", 15, int)


WRONG: list[Any] = [0, 2**53, True, 1.0, None, "", "x" * 65, "a\0", "\ud800", [], {}, b"a"]


@pytest.mark.parametrize("value", WRONG, ids=ascii)
def test_what_is_no_id_is_none(value: Any) -> None:
    assert as_id(value) is None
