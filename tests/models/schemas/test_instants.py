"""Moments as RFC 3339 spells them, and everything else as Python reads it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.schemas.instants import parse_instant

MIDNIGHT = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23t08:00:00z", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("2026-11-23T08:00:00.25z", datetime(2026, 11, 23, 8, microsecond=250_000, tzinfo=UTC)),
        ("2026-11-23 08:00:00z", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("2026-12-31T23:59:60Z", MIDNIGHT),
        ("2026-12-31t23:59:60.5z", MIDNIGHT + timedelta(seconds=0.5)),
        ("2027-01-01T00:59:60+01:00", MIDNIGHT),
        ("2026-12-31T23:59:60", MIDNIGHT.replace(tzinfo=None)),
    ],
)
def test_what_rfc_3339_allows_is_read(text: str, moment: datetime) -> None:
    assert parse_instant(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "z",
        "yesterdayz",
        "2026-11-23T08:00:61Z",
        "2026-11-23T08:60:00Z",
        "2026-11-23T08:00:600Z",
        "2026-11-23T08:00zz:60",
        "9999-12-31T23:59:60Z",
        "2026-02-30T23:59:60Z",
        "\ud800z",
        f"2026-11-23T08:00:60{'9' * 100_000}",
    ],
)
def test_what_is_no_moment_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        parse_instant(text)


ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=st.none() | ZONES), st.sampled_from("Tt "))
def test_ordinary_moments_are_read_as_python_reads_them(moment: datetime, between: str) -> None:
    assert parse_instant(moment.isoformat(sep=between)) == moment


@given(st.text(alphabet="0123456789-:+.TtZz ", max_size=40))
def test_nothing_that_python_reads_is_read_otherwise(text: str) -> None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return
    assert parse_instant(text) == moment
