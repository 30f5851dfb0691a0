"""When it is quiet: recurring windows over both changes of clocks, in two zones; refused rules."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr

from models.alerts.quiet import Quiet, Span, cover_of
from models.recurrence import parse_rule, starts_between
from tests.models.alerts.cast import new_alert

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
NONE: frozenset[Any] = frozenset()


def window(rule: str, starts: str, hours: float) -> Quiet:
    first = datetime.fromisoformat(starts)
    years = starts_between(parse_rule(rule, first), first, first + timedelta(days=2_000))
    return Quiet(
        UUID(int=1), "Works.", NONE, NONE, NONE, NONE, None, tuple(years), timedelta(hours=hours)
    )


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


# Clocks go forward in Berlin on 2026-03-29 at 02:00 and back on 2026-10-25 at 03:00; in New York on
# 03-08 and 11-01 at 02:00.
@pytest.mark.parametrize(
    ("zone", "day", "offset"),
    [
        (BERLIN, "2026-03-28", "+01:00"),
        (BERLIN, "2026-03-30", "+02:00"),
        (BERLIN, "2026-10-24", "+02:00"),
        (BERLIN, "2026-10-26", "+01:00"),
        (NEW_YORK, "2026-03-07", "-05:00"),
        (NEW_YORK, "2026-03-09", "-04:00"),
        (NEW_YORK, "2026-10-31", "-04:00"),
        (NEW_YORK, "2026-11-02", "-05:00"),
    ],
)
def test_ten_in_the_evening_stays_ten_in_the_evening(zone: ZoneInfo, day: str, offset: str) -> None:
    nightly = window("FREQ=DAILY", "2026-01-01T22:00:00", 1)
    start = at(f"{day}T22:00:00{offset}")
    assert nightly.span_at(start, zone) == Span(start, start + timedelta(hours=1))
    assert nightly.span_at(start - timedelta(seconds=1), zone) is None
    assert nightly.span_at(start + timedelta(hours=1), zone) is None


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        # Four hours of real time from 23:00 on: in spring they end at 04:00 by the clock, in autumn
        # at 02:00.
        (BERLIN, "2026-03-28T23:00:00+01:00", "2026-03-29T04:00:00+02:00"),
        (BERLIN, "2026-10-24T23:00:00+02:00", "2026-10-25T02:00:00+01:00"),
        (NEW_YORK, "2026-03-07T23:00:00-05:00", "2026-03-08T04:00:00-04:00"),
        (NEW_YORK, "2026-10-31T23:00:00-04:00", "2026-11-01T02:00:00-05:00"),
    ],
)
def test_a_window_over_the_change_lasts_as_long_as_any_other(
    zone: ZoneInfo, start: str, end: str
) -> None:
    span = window("FREQ=DAILY", "2026-01-01T23:00:00", 4).span_at(at(start), zone)
    assert span == Span(at(start), at(end))


@pytest.mark.parametrize(
    ("zone", "starts", "expected"),
    [
        # skipped: the moment after the gap
        (BERLIN, "2026-03-29T02:30:00", "2026-03-29T03:30:00+02:00"),
        (BERLIN, "2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00"),  # twice: the first
        (NEW_YORK, "2026-03-08T02:30:00", "2026-03-08T03:30:00-04:00"),
        (NEW_YORK, "2026-11-01T01:30:00", "2026-11-01T01:30:00-04:00"),
    ],
)
def test_a_start_that_the_clocks_skip_or_repeat(zone: ZoneInfo, starts: str, expected: str) -> None:
    once = window("FREQ=YEARLY", starts, 0.5)
    assert once.span_at(at(expected), zone) == Span(
        at(expected), at(expected) + timedelta(minutes=30)
    )
    assert once.span_at(at(expected) - timedelta(seconds=1), zone) is None


def test_one_window_is_at_each_sites_own_time() -> None:
    weekend = window("FREQ=WEEKLY;BYDAY=SA,SU", "2026-01-03T08:00:00", 8)
    moment = at("2026-11-21T08:30:00+01:00")  # a Saturday; half past two at night in New York
    assert weekend.span_at(moment, BERLIN)
    assert weekend.span_at(moment, NEW_YORK) is None


def test_a_rule_ends_by_its_count_or_its_until() -> None:
    for rule in ("FREQ=DAILY;COUNT=3", "FREQ=DAILY;UNTIL=20260103T220000"):
        nights = window(rule, "2026-01-01T22:00:00", 1)
        days = [
            day
            for day in range(1, 9)
            if nights.span_at(at(f"2026-01-0{day}T22:30:00+01:00"), BERLIN)
        ]
        assert days == [1, 2, 3], rule


@pytest.mark.parametrize(
    "rule",
    [
        "every day",
        "FREQ=HOURLY",
        "FREQ=SECONDLY",
        "FREQ=DAILY;BYHOUR=1,2;BYMINUTE=" + ",".join(map(str, range(60))),
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",  # never comes
        "RRULE:FREQ=DAILY\nEXDATE:20260102T220000",
        "DTSTART:20200101T000000\nRRULE:FREQ=DAILY",
        "FREQ=DAILY;UNTIL=20270101T000000Z",
        "FREQ=DAILY;BYMONTH=13",
        "FREQ=YEARLY;BYDAY=+99MO",
        "FREQ=DAILY;INTERVAL=0",  # which dateutil follows for ever
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=99999999999",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=999999999999999999999",
        "FREQ=YEARLY;BYEASTER=0",
        "FREQ=YEARLY;BYEASTER=9999999",
    ],
)
def test_a_rule_that_says_nothing_sensible_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="rrule"):
        parse_rule(rule, datetime.fromisoformat("2026-01-01T22:00:00"))


@pytest.mark.parametrize(
    ("rule", "most"),
    [
        ("FREQ=MONTHLY;BYDAY=1MO,9MO", 5),  # which dateutil follows up to the first December
        ("FREQ=MONTHLY;BYDAY=1MO,-6MO", 5),
        ("FREQ=YEARLY;BYMONTH=1,12;BYDAY=1MO,9MO", 5),
        ("FREQ=YEARLY;BYDAY=1MO,54MO", 53),
    ],
)
def test_a_weekday_that_no_month_or_year_has_is_refused(rule: str, most: int) -> None:
    with pytest.raises(ValueError, match=f"rrule: BYDAY .* 1 to {most} or"):
        parse_rule(rule, datetime.fromisoformat("2026-01-05T22:00:00"))


@pytest.mark.parametrize(
    "rule",
    ["FREQ=MONTHLY;BYDAY=5MO,-5SU", "FREQ=YEARLY;BYDAY=53MO,53TU,53WE,53TH,53FR,53SA,53SU,-53MO"],
)
def test_the_last_weekday_that_there_may_be_is_followed_for_years(rule: str) -> None:
    first = datetime.fromisoformat("2026-01-05T22:00:00")
    starts = starts_between(parse_rule(rule, first), first, first + timedelta(days=12_000))
    assert starts[-1] > first + timedelta(days=11_000)


@pytest.mark.parametrize(
    "starts",
    ["0001-01-01T00:00:00", "1999-12-31T23:59:59", "2101-01-01T00:00:00", "9999-12-31T23:00:00"],
)
def test_a_first_start_out_of_all_reason_is_refused(starts: str) -> None:
    with pytest.raises(ValueError, match="starts_at"):
        parse_rule("FREQ=DAILY", datetime.fromisoformat(starts))


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=3;BYHOUR=1,22",
        "FREQ=DAILY;BYMONTH=2,3;BYMONTHDAY=-1",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU",
        "FREQ=WEEKLY;INTERVAL=3",
        "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
    ],
)
def test_years_later_a_window_is_where_its_rule_says_from_its_first_start_on(rule: str) -> None:
    starts = datetime.fromisoformat("2024-02-29T22:00:00")
    quiet = window(rule, starts.isoformat(), 1)
    days = [datetime.fromisoformat("2028-02-01") + timedelta(days=day) for day in range(60)]
    for hour, day in product((1, 22), days):
        wall = day + timedelta(hours=hour)
        expected = bool(rrulestr(rule, dtstart=starts).between(wall, wall, inc=True))
        assert (quiet.span_at(wall.replace(tzinfo=UTC), ZoneInfo("UTC")) is not None) is expected, (
            wall
        )


def test_matchers_are_alternatives_within_and_all_needed_between() -> None:
    quiet = Quiet(
        UUID(int=1),
        "x",
        frozenset({"WRONG_PERSON", "GPS_SPOOFING"}),
        NONE,
        frozenset({15}),
        NONE,
        None,
    )
    assert quiet.matches("GPS_SPOOFING", "LOW", 15, 7)
    assert not quiet.matches("GPS_SPOOFING", "LOW", 16, 7)
    assert not quiet.matches("OVERTIME_VIOLATION", "LOW", 15, 7)


def test_of_several_that_match_the_one_that_ends_last_is_named() -> None:
    now = datetime.now(UTC)
    spans = [Span(now, now + timedelta(hours=hours)) for hours in (1, 3, 2)]
    quiets = [
        Quiet(UUID(int=number), str(number), NONE, NONE, NONE, NONE, span)
        for number, span in enumerate(spans, 1)
    ]
    alert = new_alert(now, severity="LOW")
    cover = cover_of(quiets, alert, now, BERLIN)
    assert cover
    assert (cover.quiet.reason, cover.until) == ("2", spans[1].end)
    assert cover_of(quiets, alert, now + timedelta(hours=3), BERLIN) is None
