"""Calendars of recurring windows: worked out ahead, read near a moment, extended, bounded."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import _iterinfo, rrulestr
from sqlalchemy import Engine
from structlog.testing import capture_logs

import models.alerts.quiet_rows
from models.alerts.calendar import (
    AHEAD,
    CHORE,
    EXTEND_EVERY,
    NOT_EXTENDED,
    Calendar,
    extend_all,
    extend_due,
)
from models.alerts.moves import MoveRefused
from models.alerts.quiet import Span
from models.alerts.quiet_rows import add_quiet, cancel_quiet, read_quiet
from models.database import transaction
from models.due import tenants_due
from models.recurrence import parse_rule, starts_between
from models.schemas.quiet import Silence
from tests.models.alerts.cast import HOSTILE, OPERATOR, followed, recurring
from tests.models.intake.statements import counted
from tests.worker.cast import rows

NOW = datetime.now(UTC)
REBUILD = _iterinfo.rebuild
# It was taken by the release before. dateutil fails on it in each December.
UNSOUND = "FREQ=MONTHLY;BYDAY=1MO,9MO"


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def silence(**more: Any) -> Silence:
    ends_at = (NOW + timedelta(hours=1)).isoformat()
    return Silence.model_validate(
        {"kind": "silence", "reason": "Works.", "ends_at": ends_at, **more}
    )


def read(engine: Engine, at: datetime) -> list[Any]:
    with transaction(engine) as cursor:
        return read_quiet(cursor, 1, at)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=MONTHLY",
        "FREQ=MONTHLY;INTERVAL=12",
        "FREQ=MONTHLY;INTERVAL=5;BYDAY=MO,TU;BYSETPOS=-1",
        "FREQ=YEARLY",
        "FREQ=YEARLY;INTERVAL=3;BYDAY=20MO",
        "FREQ=YEARLY;BYDAY=MO,TU;BYSETPOS=3,-2;BYHOUR=1,2",
        "FREQ=YEARLY;BYWEEKNO=1,53;BYDAY=MO",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU",
        "FREQ=DAILY;INTERVAL=3;BYHOUR=1,22",
        "FREQ=MONTHLY;UNTIL=20270101T000000",
    ],
)
@pytest.mark.parametrize("starts", ["2004-02-29T22:00:00", "2003-01-31T22:00:00"])
def test_a_stretch_has_the_starts_that_the_rule_has_from_its_first(rule: str, starts: str) -> None:
    first, last = wall(starts), wall("2060-01-01")
    everything = list(rrulestr(rule, dtstart=first).between(first, last, inc=True))
    for month in range(0, 480, 7):
        since = wall(f"{2002 + month // 12}-{month % 12 + 1:02}-15")
        until = since + timedelta(days=13 * (month % 60))
        expected = [start for start in everything if since <= start < until]
        assert starts_between(parse_rule(rule, first), since, until) == expected


def test_what_a_stretch_costs_does_not_grow_with_the_age_of_the_rule() -> None:
    years = []
    for starts in ("2025-01-01", "2000-01-01"):
        rule = parse_rule(HOSTILE, wall(starts))
        with mock.patch.object(_iterinfo, "rebuild", autospec=True, side_effect=REBUILD) as rebuilt:
            assert len(starts_between(rule, wall("2027-06-01"), wall("2027-06-02"))) == 24
            years.append(len({call.args[1] for call in rebuilt.call_args_list}))
    assert years[1] <= years[0] <= 3


@pytest.mark.parametrize("minutes", [30, 3 * 24 * 60, 44_640])
@pytest.mark.parametrize("rule", ["FREQ=DAILY;BYHOUR=2,14", "FREQ=WEEKLY", "FREQ=MONTHLY", HOSTILE])
def test_what_is_read_says_the_same_as_the_whole_rule(
    engine: Engine, rule: str, minutes: float
) -> None:
    add_quiet(engine, 1, OPERATOR, recurring(rule, "2020-02-05T10:00:00", minutes))
    length, zones = timedelta(minutes=minutes), [ZoneInfo("Etc/GMT+12"), ZoneInfo("Etc/GMT-14")]
    since = (NOW - length - timedelta(days=9)).replace(tzinfo=None)
    parsed = parse_rule(rule, wall("2020-02-05T10:00:00"))
    walls = starts_between(parsed, since, since + timedelta(days=100))
    for hours in range(0, 40 * 24, 53):
        at = NOW + timedelta(hours=hours)
        (quiet,) = read(engine, at)
        for zone in zones:
            starts = (start.replace(tzinfo=zone).astimezone(UTC) for start in walls)
            spans = (Span(start, start + length) for start in starts)
            expected = next((span for span in spans if span.start <= at < span.end), None)
            assert quiet.span_at(at, zone) == expected, (at, zone)


def test_few_starts_are_read_however_many_there_are(engine: Engine) -> None:
    add_quiet(engine, 1, OPERATOR, recurring(HOSTILE, minutes=44_640))
    (quiet,) = read(engine, NOW)
    assert 0 < len(quiet.starts) <= (5 + 5 + 1) * 24


def test_who_reads_follows_no_rule(engine: Engine) -> None:
    with followed() as rules:
        for _ in range(60):
            add_quiet(engine, 1, OPERATOR, recurring(HOSTILE))
        assert rules
        rules.clear()
        with counted() as statements:
            assert len(read(engine, NOW)) == 60
    assert rules == []
    assert len(statements) == 1


def test_a_window_from_before_there_were_calendars_is_quiet_from_its_first_reading_on(
    engine: Engine,
) -> None:
    add_quiet(engine, 1, OPERATOR, recurring("FREQ=DAILY", minutes=24 * 60))
    rows(engine, "UPDATE quiet SET calendar_until = NULL RETURNING 1")
    rows(engine, "DELETE FROM quiet_day RETURNING 1")
    for follows in (True, False):
        with followed() as rules:
            (quiet,) = read(engine, NOW)
        assert quiet.span_at(NOW, ZoneInfo("Europe/Berlin"))
        assert bool(rules) is follows


def test_without_upkeep_for_a_year_and_more_there_is_no_gap(engine: Engine) -> None:
    add_quiet(engine, 1, OPERATOR, recurring("FREQ=DAILY", minutes=24 * 60))
    for days in range(0, 1_300, 50):
        at = NOW + timedelta(days=days)
        (quiet,) = read(engine, at)
        assert quiet.span_at(at, ZoneInfo("Europe/Berlin")), at


def test_upkeep_extends_a_calendar_long_before_it_ends_and_removes_what_has_passed(
    engine: Engine,
) -> None:
    add_quiet(engine, 1, OPERATOR, recurring("FREQ=DAILY"))
    add_quiet(engine, 2, OPERATOR, silence())
    with transaction(engine) as cursor:
        assert tenants_due(cursor, CHORE) == []
        # A month and a day pass.
        passed = EXTEND_EVERY + timedelta(days=1)
        for change in (
            "UPDATE quiet SET calendar_until = calendar_until - %s::interval WHERE rrule <> ''",
            "UPDATE quiet_day SET day = day - %s::interval",
            "UPDATE due SET at = at - %s::interval WHERE chore = 'calendar'",
        ):
            cursor.execute(change, (passed,))
    with transaction(engine) as cursor:
        assert tenants_due(cursor, CHORE) == [1]
    assert extend_all(engine, 1) == 1
    assert extend_all(engine, 1) == 0
    last = (NOW + AHEAD).date() - timedelta(days=1)
    ((first, newest, count),) = rows(engine, "SELECT min(day), max(day), count(*) FROM quiet_day")
    assert newest == last
    assert NOW.date() - timedelta(days=5) <= first <= NOW.date() - timedelta(days=2)
    assert count == (newest - first).days + 1
    with transaction(engine) as cursor:
        assert tenants_due(cursor, CHORE) == []


def test_upkeep_works_out_what_has_no_calendar_in_batches(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        add_quiet(engine, 1, OPERATOR, recurring("FREQ=WEEKLY"))
    rows(engine, "UPDATE quiet SET calendar_until = NULL RETURNING 1")
    expected = rows(engine, "SELECT quiet_id, day FROM quiet_day ORDER BY 1, 2")
    rows(engine, "DELETE FROM quiet_day RETURNING 1")
    monkeypatch.setattr("models.alerts.calendar.BATCH", 2)
    assert extend_all(engine, 1) == 5
    assert rows(engine, "SELECT quiet_id, day FROM quiet_day ORDER BY 1, 2") == expected


def test_one_that_is_ended_keeps_no_calendar(engine: Engine) -> None:
    quiet_id = add_quiet(engine, 1, OPERATOR, recurring("FREQ=DAILY"))
    cancel_quiet(engine, 1, OPERATOR, quiet_id)
    assert rows(engine, "SELECT count(*) FROM quiet_day") == [(0,)]


def refusal(engine: Engine, quiet: Any, tenant_id: int = 1) -> tuple[str, str] | None:
    try:
        add_quiet(engine, tenant_id, OPERATOR, quiet)
    except MoveRefused as refused:
        return refused.code, refused.message
    return None


def test_a_tenant_has_a_bounded_number_that_are_not_over(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models.alerts.quiet_rows, "MOST_QUIET", 3)
    first = add_quiet(engine, 1, OPERATOR, silence())
    with ThreadPoolExecutor(6) as pool:
        refusals = list(pool.map(lambda _: refusal(engine, silence()), range(6)))
    assert [refused and refused[0] for refused in refusals].count(None) == 2
    code, message = refusal(engine, recurring("FREQ=DAILY")) or ("", "")
    assert code == "conflict"
    assert "3 silences and maintenance windows that are not over" in message
    assert refusal(engine, silence(), tenant_id=2) is None
    cancel_quiet(engine, 1, OPERATOR, first)
    assert refusal(engine, silence()) is None
    rows(engine, "UPDATE quiet SET ends_at = now() WHERE cancelled_at IS NULL RETURNING 1")
    assert refusal(engine, silence()) is None


def test_a_site_that_the_roster_does_not_have_is_named(engine: Engine) -> None:
    rows(engine, "UPDATE site SET deleted = true WHERE tenant_id = 1 AND site_id = 16 RETURNING 1")
    for quiet in (silence(sites=[15, 16, 99]), recurring("FREQ=DAILY", sites=[15, 16, 99])):
        code, message = refusal(engine, quiet) or ("", "")
        assert (code, message) == ("invalid", "sites: the tenant's roster has no site 16, 99.")
    assert rows(engine, "SELECT count(*) FROM quiet") == [(0,)]
    assert refusal(engine, silence(sites=[15])) is None
    assert refusal(engine, silence(sites=[16]), tenant_id=2) is None


def test_a_cancelled_one_is_not_extended_by_upkeep(engine: Engine) -> None:
    quiet_id: UUID = add_quiet(engine, 1, OPERATOR, recurring("FREQ=DAILY"))
    rows(engine, "UPDATE quiet SET calendar_until = NULL RETURNING 1")
    cancel_quiet(engine, 1, OPERATOR, quiet_id)
    assert extend_all(engine, 1) == 0


def keep_unsound(engine: Engine, tenant_id: int) -> None:
    """Have a window by an unsound rule, as the release before left it, which is to be extended."""
    quiet_id = add_quiet(engine, tenant_id, OPERATOR, recurring("FREQ=MONTHLY;BYDAY=1MO"))
    with transaction(engine) as cursor:
        cursor.execute(
            "UPDATE quiet SET rrule = %s, calendar_until = NULL WHERE quiet_id = %s",
            (UNSOUND, quiet_id),
        )
        cursor.execute("DELETE FROM quiet_day WHERE quiet_id = %s", (quiet_id,))
        cursor.execute("UPDATE due SET at = now() WHERE chore = 'calendar'")


def test_a_stored_rule_that_cannot_be_followed_to_its_end_has_no_more_starts(
    engine: Engine,
) -> None:
    keep_unsound(engine, 1)
    (quiet,) = read(engine, NOW)
    rows(engine, "UPDATE quiet SET calendar_until = NULL RETURNING 1")
    assert extend_all(engine, 1) == 1
    first = wall("2026-01-05T22:00:00")
    rule = Calendar.of(quiet.quiet_id, UNSOUND, first, 60, None).rule
    starts = starts_between(rule, first, first + AHEAD)
    assert [(start.month, start.day) for start in starts] == [
        *((1, 5), (2, 2), (3, 2), (4, 6), (5, 4), (6, 1)),
        *((7, 6), (8, 3), (9, 7), (10, 5), (11, 2)),
    ]


def test_a_tenant_that_cannot_be_extended_holds_up_no_other(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_unsound(engine, 1)
    add_quiet(engine, 2, OPERATOR, recurring("FREQ=DAILY"))
    rows(engine, "UPDATE quiet SET calendar_until = NULL RETURNING 1")
    rows(engine, "UPDATE due SET at = now() - interval '2 hours' WHERE tenant_id = 1 RETURNING 1")
    rows(engine, "UPDATE due SET at = now() WHERE tenant_id = 2 RETURNING 1")
    monkeypatch.setattr("models.alerts.calendar.extend_all", extend_or_fail)
    with capture_logs() as logs:
        extend_due(engine)
    assert [(line["event"], line["tenant_id"]) for line in logs] == [(NOT_EXTENDED, 1)]
    extended = "SELECT tenant_id FROM quiet WHERE calendar_until IS NOT NULL"
    assert rows(engine, extended) == [(2,)]
    with transaction(engine) as cursor:
        assert tenants_due(cursor, CHORE) == []
    again = "SELECT at - now() FROM due WHERE tenant_id = 1 AND chore = 'calendar'"
    ((later,),) = rows(engine, again)
    assert timedelta(hours=23) < later < timedelta(hours=25)


def extend_or_fail(engine: Engine, tenant_id: int) -> int:
    """Extend the calendars of a tenant, but fail for acme."""
    if tenant_id == 1:
        raise IndexError("index out of range")
    return extend_all(engine, tenant_id)
