"""What is a punch, to the letter of the contract."""

from datetime import UTC, datetime, timedelta

import pytest

from models.intake.punches.row import content_of, read_punch, row_of
from models.intake.refused.reasons import Refused
from tests.models.intake.stored import Content, a_punch

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def flaws_of(content: object) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        read_punch(content, NOW)
    return [(why["code"], why["field"]) for why in refused.value.reasons]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("tenant_id", None, "wrong_type"),
        ("tenant_id", ["1"], "wrong_type"),
        ("person_id", "", "out_of_range"),
        ("person_id", "x" * 65, "out_of_range"),
        ("site_id", "a\0b", "bad_text"),
        ("site_id", "a\ud800", "bad_text"),
        ("tenant_id", 1.0, "wrong_type"),
        ("tenant_id", True, "wrong_type"),
        ("person_id", 0, "out_of_range"),
        ("person_id", 2**53, "out_of_range"),
        ("site_id", 10**400, "out_of_range"),
        ("punch_id", "", "out_of_range"),
        ("punch_id", "x" * 65, "out_of_range"),
        ("punch_id", 5, "wrong_type"),
        ("punch_id", "a\0b", "bad_text"),
        ("punch_id", "a\ud800", "bad_text"),
        ("kind", "lunch", "unknown_value"),
        ("kind", 1, "unknown_value"),
        ("kind", "Tap", "unknown_value"),
        ("occurred_at", "2026-03-02T08:00:00", "no_offset"),
        ("occurred_at", "2026-03-02", "no_offset"),
        ("occurred_at", "2026-02-30T08:00:00Z", "not_a_time"),
        ("occurred_at", "yesterday", "not_a_time"),
        ("occurred_at", "0001-01-01T00:00:00+14:00", "not_a_time"),
        ("occurred_at", 1772438400, "wrong_type"),
        ("occurred_at", "2000-12-31T23:59:59.999999Z", "implausible_time"),
        ("occurred_at", "2026-03-03T12:00:00.000001Z", "implausible_time"),
        ("person_name", 5, "wrong_type"),
        ("person_name", "a\0", "bad_text"),
        ("latitude", "52.5", "wrong_type"),
        ("latitude", True, "wrong_type"),
        ("latitude", float("nan"), "not_finite"),
        ("longitude", float("inf"), "not_finite"),
        ("accuracy_m", -0.1, "out_of_range"),
        ("accuracy_m", -2, "out_of_range"),
        ("accuracy_m", "-1", "wrong_type"),
        ("accuracy_m", True, "wrong_type"),
        ("is_mock_location", 1, "wrong_type"),
        ("is_mock_location", "true", "wrong_type"),
        ("device_id", "d" * 129, "out_of_range"),
        ("biometric", "face", "wrong_type"),
        ("schema_version", 2, "out_of_range"),
        ("schema_version", True, "wrong_type"),
        ("schema_version", "1", "wrong_type"),
        ("sent_at", "2026-03-02T08:00:00", "no_offset"),
    ],
)
def test_a_field_that_is_wrong_is_named(field: str, value: object, code: str) -> None:
    assert flaws_of(a_punch() | {field: value}) == [(code, field)]


def test_an_unknown_kind_is_told_which_there_are() -> None:
    with pytest.raises(Refused) as refused:
        read_punch(a_punch(kind="lunch"), NOW)
    [why] = refused.value.reasons
    assert why["message"] == "must be one of 'check_in', 'check_out' or 'tap'"


@pytest.mark.parametrize(
    ("kind", "is_check_in", "is_tap"),
    [("check_in", True, False), ("check_out", False, False), ("tap", True, True)],
)
def test_a_kind_is_stored_in_two_columns_and_given_back(
    kind: str, is_check_in: bool, is_tap: bool
) -> None:
    row = read_punch(a_punch(kind=kind), NOW)
    columns = row.columns()
    assert (columns["is_check_in"], columns["is_tap"]) == (is_check_in, is_tap)
    assert row_of(columns) == row
    assert content_of(row) == a_punch(kind=kind) | {"occurred_at": row.punch.occurred_at}


def test_is_tap_is_no_field_that_is_sent() -> None:
    """It is kept as an unknown one, beside a kind that says what holds."""
    row = read_punch(a_punch(is_tap=True, is_check_in=False), NOW)
    assert (row.punch.is_check_in, row.punch.is_tap) == (True, False)
    assert row.extra == '{"is_check_in":false,"is_tap":true}'
    assert row.content_hash != read_punch(a_punch(kind="tap"), NOW).content_hash


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("method", "voice", "unknown_value"),
        ("score", 1.01, "out_of_range"),
        ("liveness", -0.1, "out_of_range"),
        ("score", "0.5", "wrong_type"),
        ("matched_person_id", 1.5, "wrong_type"),
    ],
)
def test_a_biometric_field_that_is_wrong_is_named(field: str, value: object, code: str) -> None:
    assert flaws_of(a_punch(biometric={"method": "face", field: value})) == [
        (code, f"biometric.{field}")
    ]


@pytest.mark.parametrize("content", [None, 5, "punch", [], [a_punch()], True])
def test_what_is_no_object_is_no_punch(content: object) -> None:
    assert flaws_of(content) == [("wrong_type", "")]


def test_all_that_is_wrong_is_named_at_once() -> None:
    assert flaws_of({"punch_id": 5, "tenant_id": 1, "kind": "check_in", "occurred_at": "x"}) == [
        ("wrong_type", "punch_id"),
        ("missing", "person_id"),
        ("missing", "site_id"),
        ("not_a_time", "occurred_at"),
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tenant_id", 2**53 - 1),
        ("latitude", 900),
        ("longitude", -1e300),
        ("latitude", 0),
        ("accuracy_m", 0),
        ("occurred_at", "2001-01-01T00:00:00Z"),
        ("occurred_at", "2026-03-03T12:00:00Z"),
        ("occurred_at", "2026-03-02T08:00:00.123456789+05:45"),
        ("person_name", ""),
        ("person_name", None),
        ("biometric", None),
        ("biometric", {}),
        ("sent_at", None),
        ("schema_version", 1),
        ("punch_id", "ü" * 64),
    ],
)
def test_odd_but_sound_values_are_taken(field: str, value: object) -> None:
    assert read_punch(a_punch() | {field: value}, NOW)


@pytest.mark.parametrize("accuracy", [-1, -1.0, None])
def test_an_accuracy_of_minus_one_is_none_and_the_same_content(accuracy: float | None) -> None:
    row = read_punch(a_punch() | {"accuracy_m": accuracy}, NOW)
    assert row == read_punch(a_punch(), NOW)


def test_times_are_read_as_rfc_3339_spells_them() -> None:
    usual = read_punch(
        a_punch(occurred_at="2026-03-02T08:01:00Z", sent_at="2026-03-02T09:00:00Z"), NOW
    )
    assert (
        read_punch(a_punch(occurred_at="2026-03-02t08:00:60z", sent_at="2026-03-02t09:00:00z"), NOW)
        == usual
    )


def test_a_sent_at_ahead_of_its_receipt_counts_as_the_receipt() -> None:
    def sent(moment: datetime) -> tuple[datetime | None, datetime | None]:
        row = read_punch(a_punch(sent_at=moment.isoformat()), NOW)
        return row.sent_at, row.claimed_at

    within, beyond = NOW + timedelta(minutes=5), NOW + timedelta(minutes=5, microseconds=1)
    assert sent(within) == (within, None)
    assert sent(beyond) == (NOW, beyond)
    assert sent(datetime.max.replace(tzinfo=UTC))[0] == NOW


def test_times_are_kept_as_instants() -> None:
    row = read_punch(a_punch(occurred_at="2026-03-02T08:00:00+01:00"), NOW)
    assert row.punch.occurred_at == datetime(2026, 3, 2, 7, tzinfo=UTC)
    assert row.punch.occurred_at.utcoffset() == timedelta(0)


def test_unknown_fields_are_kept_also_within_biometric() -> None:
    content = a_punch(battery=0.4, tags=[{"a": None}], biometric={"method": "face", "vendor": "X"})
    row = read_punch(content, NOW)
    assert row.extra == '{"battery":0.4,"biometric":{"vendor":"X"},"tags":[{"a":null}]}'
    assert content_of(row) == content | {"occurred_at": row.punch.occurred_at}


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("\0", "bad_text"),
        ({"a": ["x\0"]}, "bad_text"),
        ({"\0": 1}, "bad_text"),
        (float("nan"), "not_finite"),
        ("\udfff", "bad_json"),
    ],
)
def test_what_postgres_could_not_keep_in_an_unknown_field_is_named(
    value: object, code: str
) -> None:
    assert flaws_of(a_punch(note=value)) == [(code, "note")]


def test_a_written_out_escape_is_no_nul() -> None:
    assert read_punch(a_punch(note="\\u0000"), NOW).extra == '{"note":"\\\\u0000"}'


SAME = [
    {"occurred_at": "2026-03-02T07:00:00Z"},
    {"occurred_at": "2026-03-02T08:00:00.000000+01:00"},
    {"sent_at": "2026-03-02T09:00:00Z"},
    {"person_name": None},
    {"schema_version": 1},
    {"latitude": 52},
]
OTHER = [
    {"person_id": 8},
    {"latitude": 52.1},
    {"kind": "check_out"},
    {"kind": "tap"},
    {"note": 1},
    {"occurred_at": "2026-03-02T08:00:00.000001+01:00"},
]


@pytest.mark.parametrize("fields", SAME)
def test_the_same_content_spelled_otherwise_is_the_same(fields: Content) -> None:
    punch = a_punch(latitude=52.0)
    assert read_punch(punch | fields, NOW).content_hash == read_punch(punch, NOW).content_hash


@pytest.mark.parametrize("fields", OTHER)
def test_other_content_is_told_apart(fields: Content) -> None:
    punch = a_punch(latitude=52.0)
    assert read_punch(punch | fields, NOW).content_hash != read_punch(punch, NOW).content_hash
