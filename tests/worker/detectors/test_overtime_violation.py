"""OVERTIME_VIOLATION as the definitions have it."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.worker.windows import (
    ANNA,
    BEN,
    DEPOT,
    NEXT_DOOR,
    OFFICE,
    build,
    check_in,
    check_out,
    findings,
    nothings,
    reasons,
    shift,
)
from worker.detectors import overtime_violation
from worker.rules.window import Device, Punch

PHONE = Device("phone", False, ANNA)

WORKED = {
    "exactly the limit": (
        [check_in(ANNA, OFFICE, "00:00"), check_out(ANNA, OFFICE, "16:00")],
        set(),
    ),
    "a second more": (
        [check_in(ANNA, OFFICE, "00:00"), check_out(ANNA, OFFICE, "16:00:01")],
        {"in 00:00"},
    ),
    "a break does not count": (
        [
            check_in(ANNA, OFFICE, "00:00"),
            check_out(ANNA, OFFICE, "08:00"),
            check_in(ANNA, OFFICE, "08:30"),
            check_out(ANNA, OFFICE, "16:30"),
        ],
        set(),
    ),
    "both halves of a double count": (
        [
            check_in(ANNA, OFFICE, "00:00"),
            check_out(ANNA, OFFICE, "09:00"),
            check_in(ANNA, NEXT_DOOR, "10:00"),
            check_out(ANNA, NEXT_DOOR, "17:00:01"),
        ],
        {"in 10:00"},
    ),
    "only what lies within the 24 hours": (
        [
            check_in(ANNA, OFFICE, "00:00"),
            check_out(ANNA, OFFICE, "12:00"),
            check_in(ANNA, OFFICE, "20:00"),
            check_out(ANNA, OFFICE, "+1 04:00"),
        ],
        set(),
    ),
    "a second too much within them": (
        [
            check_in(ANNA, OFFICE, "00:00"),
            check_out(ANNA, OFFICE, "12:00:01"),
            check_in(ANNA, OFFICE, "20:00"),
            check_out(ANNA, OFFICE, "+1 04:00"),
        ],
        {"in 20:00"},
    ),
    "a check-out at another site closes the spell": (
        [check_in(ANNA, OFFICE, "00:00"), check_out(ANNA, DEPOT, "16:00:01")],
        {"in 00:00"},
    ),
    "a check-in between leaves the end unknown": (
        [
            check_in(ANNA, OFFICE, "00:00"),
            check_in(ANNA, OFFICE, "08:00"),
            check_out(ANNA, OFFICE, "20:00"),
        ],
        set(),
    ),
    "a double tap only repeats": (
        [
            check_in(ANNA, OFFICE, "00:00"),
            check_in(ANNA, OFFICE, "00:10", "tap"),
            check_out(ANNA, OFFICE, "16:00:01"),
        ],
        {"in 00:00"},
    ),
    "a second later it is another spell": (
        [
            check_in(ANNA, OFFICE, "00:00"),
            check_in(ANNA, OFFICE, "00:10:01", "tap"),
            check_out(ANNA, OFFICE, "16:00:01"),
        ],
        set(),
    ),
    "a spell as long as may be without a shift": (
        [check_in(ANNA, OFFICE, "00:00"), check_out(ANNA, OFFICE, "22:00")],
        {"in 00:00"},
    ),
    "a longer one has an unknown end": (
        [check_in(ANNA, OFFICE, "00:00"), check_out(ANNA, OFFICE, "+1 12:00:01")],
        set(),
    ),
}


@pytest.mark.parametrize(("punches", "expected"), WORKED.values(), ids=WORKED.keys())
def test_worked_too_long(punches: list[Any], expected: set[str]) -> None:
    found = findings(overtime_violation, build(punches))
    assert {f.subject.punch_id for f in found} == expected
    assert all(
        (f.reason, f.severity, f.confidence) == ("worked_too_long", "HIGH", 0.98) for f in found
    )


@pytest.mark.parametrize(
    ("shifts", "severity"),
    [
        ([shift(ANNA, OFFICE, "00:00", "10:30")], "HIGH"),
        ([shift(ANNA, OFFICE, "00:00", "10:29:59")], "LOW"),
        (
            [shift(ANNA, OFFICE, "00:00", "08:00"), shift(ANNA, OFFICE, "08:00", "16:00", "s2")],
            "HIGH",
        ),
    ],
    ids=["the shift ended 6 h before", "a second earlier", "of a double the last counts"],
)
def test_a_check_out_long_after_the_shift_makes_up_for_a_forgotten_one(
    shifts: list[Any], severity: str
) -> None:
    (finding,) = findings(
        overtime_violation,
        build([check_in(ANNA, OFFICE, "00:00"), check_out(ANNA, OFFICE, "16:30")], shifts),
    )
    assert (finding.severity, finding.confidence) == (
        severity,
        0.98 if severity == "HIGH" else 0.50,
    )


LONG = [check_in(ANNA, OFFICE, "00:00"), check_out(ANNA, OFFICE, "16:30")]


@pytest.mark.parametrize(
    ("punches", "shifts", "severity"),
    [
        (LONG, [shift(ANNA, OFFICE, "06:00", "16:00")], "HIGH"),
        (LONG, [shift(ANNA, OFFICE, "06:01", "16:00")], "LOW"),
        (
            LONG,
            [shift(ANNA, OFFICE, "00:00", "04:00"), shift(ANNA, OFFICE, "10:01", "16:00", "s2")],
            "LOW",
        ),
        (LONG, [shift(BEN, OFFICE, "06:01", "16:00")], "HIGH"),
        ([LONG[0], check_out(ANNA, OFFICE, "22:00")], [], "HIGH"),
        ([LONG[0], check_out(ANNA, OFFICE, "22:00:01")], [], "LOW"),
        ([LONG[0], check_out(ANNA, OFFICE, "+1 12:00")], [], "LOW"),
    ],
    ids=[
        "6 h before the shift",
        "a minute more",
        "between two shifts",
        "somebody else's shift",
        "no shift, and 22 h",
        "a second more",
        "as long as a spell may be",
    ],
)
def test_much_outside_the_shifts_planned_is_a_forgotten_pair(
    punches: list[Any], shifts: list[Any], severity: str
) -> None:
    (finding,) = findings(overtime_violation, build(punches, shifts))
    assert (finding.subject.punch_id, finding.severity) == ("in 00:00", severity)


def test_a_forgotten_pair_is_no_work_to_other_sums() -> None:
    """The last five of 23 hours, which nobody works, lie in the day before the next check-out."""
    forgotten = [check_in(ANNA, OFFICE, "00:00"), check_out(ANNA, OFFICE, "23:00")]
    following = [check_in(ANNA, OFFICE, "+1 04:00"), check_out(ANNA, OFFICE, "+1 18:00")]
    found = findings(overtime_violation, build([*forgotten, *following]))
    assert [(f.subject.punch_id, f.severity) for f in found] == [("in 00:00", "LOW")]
    worked = [check_in(ANNA, OFFICE, "00:00"), check_out(ANNA, OFFICE, "22:00")]
    found = findings(overtime_violation, build([*worked, *following]))
    assert [(f.subject.punch_id, f.severity) for f in found] == [
        ("in 00:00", "HIGH"),
        ("in +1 04:00", "HIGH"),
    ]


@pytest.mark.parametrize(
    ("ends", "is_found"),
    [("17:00", False), ("17:15", False), ("17:15:01", True), ("16:30", False)],
)
def test_a_long_shift_worked_as_planned_is_nothing(ends: str, is_found: bool) -> None:
    punches = [check_in(ANNA, OFFICE, "00:00"), check_out(ANNA, OFFICE, ends)]
    found = findings(overtime_violation, build(punches, [shift(ANNA, OFFICE, "00:00", "17:00")]))
    assert bool(found) is is_found


def test_a_day_and_a_night_as_planned_are_nothing() -> None:
    punches = [check_in(ANNA, OFFICE, "08:00"), check_out(ANNA, OFFICE, "+1 08:10")]
    planned = [
        shift(ANNA, OFFICE, "08:00", "20:00"),
        shift(ANNA, OFFICE, "20:00", "+1 08:00", "s2"),
    ]
    assert findings(overtime_violation, build(punches, planned)) == []
    assert findings(overtime_violation, build(punches, planned[:1])) != []


def test_still_working_after_the_wrong_button() -> None:
    """Who checks in just after their shift may have meant to check out."""
    planned = [shift(ANNA, OFFICE, "00:00", "08:00")]
    for came, severity in (("10:00", "LOW"), ("10:00:01", "HIGH")):
        window = build(
            [check_in(ANNA, OFFICE, came, device_id="phone")],
            planned,
            devices=[Device("phone", False, ANNA)],
            as_of="+1 03:00",
        )
        (finding,) = findings(overtime_violation, window)
        assert (finding.reason, finding.severity) == ("still_working", severity)


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [("16:00", False), ("16:00:01", True), ("22:00", True), ("22:00:01", False)],
)
def test_still_working_from_the_limit_until_it_counts_as_forgotten(
    as_of: str, expected: bool
) -> None:
    punches = [check_in(ANNA, OFFICE, "00:00", device_id="phone")]
    found = findings(overtime_violation, build(punches, as_of=as_of, devices=[PHONE]))
    assert [(f.reason, f.severity, f.confidence) for f in found] == (
        [("still_working", "HIGH", 0.98)] if expected else []
    )


def test_still_working_after_the_shift_is_over_is_likelier_a_forgotten_check_out() -> None:
    punches = [check_in(ANNA, OFFICE, "00:00", device_id="phone")]
    shifts = [shift(ANNA, OFFICE, "00:00", "16:30")]
    (over,) = findings(
        overtime_violation, build(punches, shifts, as_of="16:30:01", devices=[PHONE])
    )
    (running,) = findings(
        overtime_violation, build(punches, shifts, as_of="16:30", devices=[PHONE])
    )
    assert (over.severity, over.confidence, running.severity) == ("LOW", 0.50, "HIGH")


def test_what_is_said_of_a_running_spell_does_not_change_with_every_look() -> None:
    punches = [check_in(ANNA, OFFICE, "00:00")]
    assert findings(overtime_violation, build(punches, as_of="17:00")) == findings(
        overtime_violation, build(punches, as_of="18:00")
    )


def test_only_the_latest_punch_can_leave_a_spell_open() -> None:
    punches = [check_in(ANNA, OFFICE, "00:00"), check_in(ANNA, OFFICE, "12:00")]
    assert reasons(overtime_violation, build(punches, as_of="17:00")) == set()


@pytest.mark.parametrize(
    ("day", "hours"),
    [((2026, 3, 28), 11), ((2026, 10, 24), 13), ((2026, 6, 1), 12)],
    ids=["spring forward", "fall back", "an ordinary night"],
)
def test_a_night_shift_is_worked_in_real_hours(day: tuple[int, int, int], hours: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    year, month, date = day
    begins, ends = (
        datetime(year, month, date, 20, tzinfo=zone),
        datetime(year, month, date + 1, 8, tzinfo=zone),
    )
    utc = ZoneInfo("UTC")
    punches = [
        Punch("in", ANNA, OFFICE, True, begins.astimezone(utc)),
        Punch("out", ANNA, OFFICE, False, ends.astimezone(utc)),
    ]
    assert not findings(overtime_violation, build(punches, policy={"max_work_hours": hours}))
    (finding,) = findings(overtime_violation, build(punches, policy={"max_work_hours": hours - 1}))
    assert finding.evidence["observed"] == hours


KIOSK_MORNINGS = [check_in(ANNA, OFFICE, f"-{day} 08:00") for day in range(1, 5)]


def test_nobody_still_works_where_they_do_not_check_out() -> None:
    punches = [*KIOSK_MORNINGS, check_in(ANNA, OFFICE, "08:00")]
    assert reasons(overtime_violation, build(punches, as_of="+1 01:00")) == set()
    (because,) = (
        nothing.because
        for nothing in nothings(
            overtime_violation, build(punches, as_of="+1 01:00", explaining=True)
        )
        if nothing.reason == "still_working"
    )
    assert because == (
        "the person does not check out here: 0 of 4 of the person's spells here in the 14 days "
        "before were closed here in time"
    )


def test_where_too_few_spells_tell_whether_people_check_out_a_running_one_is_low() -> None:
    (finding,) = findings(
        overtime_violation, build([check_in(ANNA, OFFICE, "08:00")], as_of="+1 01:00")
    )
    assert (finding.reason, finding.severity, finding.confidence) == ("still_working", "LOW", 0.50)
    assert "too few spells here tell whether people check out" in finding.explanation


def test_a_pair_without_a_shift_is_a_forgotten_one_where_the_person_does_not_check_out() -> None:
    long = [check_in(ANNA, OFFICE, "08:00"), check_out(ANNA, OFFICE, "+1 01:00")]
    (usual,) = findings(overtime_violation, build(long))
    assert (usual.severity, usual.confidence) == ("HIGH", 0.98)
    (forgotten,) = findings(overtime_violation, build([*KIOSK_MORNINGS, *long]))
    assert (forgotten.severity, forgotten.confidence) == ("LOW", 0.50)
    own = [shift(ANNA, OFFICE, "08:00", "20:00")]
    (planned,) = findings(overtime_violation, build([*KIOSK_MORNINGS, *long], own))
    assert planned.severity == "HIGH"


def test_such_a_pair_is_no_work_to_other_sums() -> None:
    pair = [check_in(ANNA, OFFICE, "08:00"), check_out(ANNA, OFFICE, "17:00")]
    later = [check_in(ANNA, NEXT_DOOR, "22:00"), check_out(ANNA, NEXT_DOOR, "+1 06:00")]
    assert reasons(overtime_violation, build([*pair, *later])) == {("in 22:00", "worked_too_long")}
    assert reasons(overtime_violation, build([*KIOSK_MORNINGS, *pair, *later])) == set()
