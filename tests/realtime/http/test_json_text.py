"""JSON of strangers is read as json.loads reads it, within bounds."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.http import json_text
from realtime.http.json_text import MOST_LEVELS, TooDeep, TooMany, parse

pytestmark = pytest.mark.unit

BLANK = " " * 70_000  # makes a text a long one, which is read item by item

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


def expected(body: bytes) -> Any:
    """What json.loads makes of it, or ValueError."""
    try:
        return json.loads(body)
    except ValueError:
        return ValueError


def read(body: bytes) -> Any:
    try:
        return parse(body)
    except ValueError:
        return ValueError


@given(value=values, ascii_only=st.booleans(), encoding=st.sampled_from(["utf-8", "utf-16"]))
def test_it_is_read_as_json_loads_reads_it(value: Any, ascii_only: bool, encoding: str) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    for written in (text, f"[{text},{BLANK}{text}]", BLANK + text + BLANK):
        body = written.encode(encoding, "surrogatepass")
        assert parse(body) == expected(body)


@given(text=st.text(alphabet='[]{},:"\\0a \n', max_size=30))
def test_what_is_no_json_is_refused_as_json_loads_refuses_it(text: str) -> None:
    for written in (text, BLANK + text, f"[{BLANK}{text}]", f"[1,{BLANK}{text}"):
        body = written.encode()
        assert read(body) == expected(body)


def test_what_json_allows_beyond_the_letter_is_read_too() -> None:
    (number,) = parse(b"[NaN]")
    assert math.isnan(number)
    assert parse(b'\xef\xbb\xbf{"a": "\\ud800"}') == {"a": "\ud800"}
    assert parse(b'{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_it_nests_no_deeper_than_64_levels(opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    deepest = opening * MOST_LEVELS + "1" + closing * MOST_LEVELS
    assert parse(deepest.encode()) == json.loads(deepest)
    for text in (opening + deepest + closing, opening * 5_000_000, f'["\\\\",{deepest}]'):
        with pytest.raises(TooDeep, match="64 levels"):
            parse(text.encode())


def test_brackets_in_strings_are_no_levels() -> None:
    for string in ("[" * 1_000, '\\"' * 50 + "[" * 1_000, "\\\\" * 40_000 + "[" * 1_000):
        body = f'["{string}", {{}}]'.encode()
        assert parse(body) == json.loads(body)


@pytest.mark.parametrize("cut", range(-3, 4))
def test_a_string_goes_on_wherever_a_chunk_ends(cut: int) -> None:
    before = "x" * (json_text._CHUNK - len('["') + cut)
    for tail in ('\\"[', "\\\\", "é[", '\\\\\\"[[['):
        body = f'["{before}{tail}", "{"[" * 100}"]'.encode()
        assert parse(body) == json.loads(body)


def test_a_small_text_makes_no_huge_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "MOST_VALUES", 1_000)
    assert len(parse(b"[" + b"1," * 998 + b"1]")) == 999
    assert parse(b'["' + b"," * 5_000 + b'"]') == ["," * 5_000]
    for body in (b"[" + b"1," * 1_000 + b"1]", b"[" + b"[]," * 500 + b"1]"):
        with pytest.raises(TooMany):
            parse(body)
