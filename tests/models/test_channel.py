"""A document is believed if a valid key has signed just it, and lately."""

import time
from typing import Any

import orjson
import pytest

from models.channel import CLOCK_SECONDS, MOST_BYTES, REASONS, Dropped, Key, sign, verified

KEY = Key("0a1b2c3d", b"a secret of thirty-two bytes ...")
OTHER = Key("0a1b2c3d", b"another secret of as many bytes.")
FIELDS: dict[str, Any] = {"method": "say", "tenant_id": 1, "messages": [["x", None, '{"a":"ü"}']]}


def reason(document: bytes, now: float | None = None) -> str:
    with pytest.raises(Dropped) as dropped:
        verified(document, {KEY.key_id: KEY}, time.time() if now is None else now)
    assert str(dropped.value) in REASONS
    return str(dropped.value)


def test_what_was_signed_comes_back() -> None:
    now = time.time()
    fields = verified(sign(KEY, FIELDS), {KEY.key_id: KEY}, now)
    assert {name: fields[name] for name in FIELDS} == FIELDS
    assert fields["at"] == pytest.approx(now, abs=5)


def test_a_document_is_one_json_object() -> None:
    """A server of the first edition reads it as ever."""
    assert orjson.loads(sign(KEY, FIELDS))["messages"] == FIELDS["messages"]


def test_no_byte_of_a_document_can_be_another() -> None:
    document = sign(KEY, FIELDS)
    for index in range(len(document)):
        changed = bytearray(document)
        changed[index] ^= 1
        assert reason(bytes(changed)) in {"unsigned", "unknown_key", "forged"}
        assert reason(document[:index]) in {"unsigned", "unknown_key", "forged"}
    assert reason(document + b" ") == "forged"
    assert reason(document[:-1] + b',"tenant_id":2}') == "forged"
    assert reason(b"{" + document[1:].replace(b'"mac"', b'"mad"', 1)) == "unsigned"


def test_another_secret_or_an_unknown_key_does_not_do() -> None:
    assert reason(sign(OTHER, FIELDS)) == "forged"
    assert reason(sign(Key("ffffffff", KEY.secret), FIELDS)) == "unknown_key"


@pytest.mark.parametrize("garbage", [b"", b"{", b"\x80\x04\x95", b"[]", b"\xff" * 200, b"{}" * 99])
def test_what_is_not_signed_is_not_even_parsed(garbage: bytes) -> None:
    assert reason(garbage) == "unsigned"
    assert reason(orjson.dumps(FIELDS)) == "unsigned"


def test_what_is_too_old_or_too_young_or_too_large_is_dropped() -> None:
    document, now = sign(KEY, FIELDS), time.time()
    verified(document, {KEY.key_id: KEY}, now + CLOCK_SECONDS - 5)
    assert reason(document, now + CLOCK_SECONDS + 5) == "old"
    assert reason(document, now - CLOCK_SECONDS - 5) == "old"
    assert reason(sign(KEY, {"body": "x" * MOST_BYTES})) == "too_large"


def test_a_secret_is_not_printed() -> None:
    assert "secret" not in repr(KEY)
    assert "secret" not in str(KEY)
