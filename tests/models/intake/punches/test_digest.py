"""The digest of a content: what is stored stays comparable, whatever fields come later."""

from datetime import UTC, datetime

import pytest

from models.intake.punches.digest import FIRST, unknown_at_first
from models.intake.punches.row import read_punch
from models.schemas.punch import Punch
from tests.models.intake.stored import Content, a_punch

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FULL = {
    "person_name": "Zoë",
    "latitude": 52,
    "longitude": 13.4,
    "accuracy_m": 12.5,
    "is_mock_location": False,
    "device_id": "d-1",
    "biometric": {"method": "face", "score": 0.93, "liveness": 1, "matched_person_id": 8},
}
# As the first release made them, and as they are stored.
STORED: list[tuple[Content, str]] = [
    ({}, "6dc4166c3859faf006cfca79709ce02c"),
    (
        {"kind": "check_out", "occurred_at": "2026-03-02T08:00:00.000001Z"},
        "6c03f475110d72370afa8295d5bf6380",
    ),
    (FULL, "23a13c5ef21b597010f21c065949bfb9"),
    (
        {"note": "x", "battery": 0.4, "biometric": {"vendor": "V"}},
        "15cd9e9abd4634c9a65ad0267e2d4fba",
    ),
]


# As the release made them that brought taps.
TAPS: list[tuple[Content, str]] = [
    ({"kind": "tap"}, "d29d5d42d25207e9f3a4cdfc809d07f7"),
    (FULL | {"kind": "tap", "note": "x"}, "d3d34ad955e31407b097828fb045a0f0"),
]


@pytest.mark.parametrize(("fields", "stored"), TAPS)
def test_the_digests_of_taps_are_still_made(fields: Content, stored: str) -> None:
    assert read_punch(a_punch(**fields), NOW).content_hash.hex() == stored


@pytest.mark.parametrize(("fields", "stored"), STORED)
def test_the_digests_of_the_first_release_are_still_made(fields: Content, stored: str) -> None:
    assert read_punch(a_punch(**fields), NOW).content_hash.hex() == stored


def test_the_fields_of_the_first_release_are_still_fields() -> None:
    assert set(FIRST) <= set(Punch._fields)


PUNCH = Punch("p-1", 7, 15, True, NOW, device_id="d-1", biometric_score=0.9)


def test_a_later_field_that_was_not_given_leaves_no_trace() -> None:
    assert unknown_at_first(PUNCH, None, ["person_name", "biometric_liveness"]) is None
    assert unknown_at_first(PUNCH, '{"note": 1}', ["person_name"]) == '{"note": 1}'


def test_a_later_field_counts_as_the_unknown_field_that_it_was() -> None:
    as_unknown = '{"biometric":{"score":0.9,"vendor":"V"},"device_id":"d-1","note":1}'
    extra = '{"biometric":{"vendor":"V"},"note":1}'
    assert unknown_at_first(PUNCH, extra, ["device_id", "biometric_score"]) == as_unknown
    assert unknown_at_first(PUNCH, None, ["biometric_score"]) == '{"biometric":{"score":0.9}}'
