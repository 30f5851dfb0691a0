"""The JSON of messages is read as kombu reads it, only faster."""

import json
import math
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from kombu.utils import json as kombu_json

from worker.broker.message_json import dumps, loads

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(VALUES, st.booleans())
def test_whatever_json_holds_it_is_read_as_kombu_reads_it(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert _known(loads(text)) == _known(kombu_json.loads(text)) == _known(value)
    if ascii_only:
        assert _known(loads(text.encode())) == _known(value)


@pytest.mark.parametrize(
    "number", [2**63 - 1, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**19, 10**20, 10**40]
)
def test_whole_numbers_stay_whole_however_long(number: int) -> None:
    assert loads(f"[{number}]") == [number]


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "-Infinity",
        "1e999",
        '"\\ud800"',
        "[1] ",
        '{"a": 1, "a": 2}',
        "-0",
        "[" * 300 + "]" * 300,
    ],
)
def test_what_only_some_readers_take_is_taken(text: str) -> None:
    assert _known(loads(text)) == _known(kombu_json.loads(text))


@pytest.mark.parametrize("text", ["", "{", "[1,]", "{'a': 1}", b"\xff"])
def test_what_is_no_json_is_the_same_error(text: str | bytes) -> None:
    with pytest.raises(ValueError) as error:
        loads(text)
    with pytest.raises(type(error.value)):
        kombu_json.loads(text)


def test_nesting_without_end_is_the_same_error() -> None:
    with pytest.raises(RecursionError):
        loads("[" * 100_000)


def test_values_that_a_python_producer_sends_keep_their_types() -> None:
    sent = {"at": datetime(2026, 11, 2, 8, tzinfo=UTC), "id": UUID(int=7), "raw": b"\xff"}
    assert loads(kombu_json.dumps(sent)) == sent


@pytest.mark.parametrize(
    "text",
    [
        '{"\\u005f_type__": "bytes", "__value__": "a"}',
        '{"__t\\u0079pe__": "bytes", "__value__": "a"}',
    ],
)
def test_types_are_seen_however_they_are_escaped(text: str) -> None:
    assert loads(text) == loads(text.encode()) == b"a"


@pytest.mark.parametrize("body", [3_000_000_000_000, [91, 93], None])
def test_what_is_no_text_is_not_read(body: Any) -> None:
    with pytest.raises(TypeError):
        loads(body)


@given(VALUES)
def test_what_is_written_is_read_again(value: object) -> None:
    assume("Infinity" not in json.dumps(value))
    assert _known(loads(dumps(value))) == _known(value)


def test_a_moment_is_written_as_kombu_writes_it() -> None:
    moment = datetime(2026, 11, 2, 8, tzinfo=UTC)
    assert kombu_json.loads(dumps([moment])) == loads(dumps([moment])) == [moment]


def _known(value: object) -> object:
    """Return a value that equals only one of the same types."""
    if isinstance(value, dict):
        return {name: _known(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_known(inner) for inner in value]
    if isinstance(value, float) and math.isnan(value):
        return "not a number"
    return (type(value), value, math.copysign(1, value) if isinstance(value, float) else 0)
