"""People on leave and sites on holiday: what is not asked of them, and what is told of them."""

from datetime import date
from typing import Any

import pytest

from tests.worker.windows import (
    ANNA,
    BEN,
    DEPOT,
    OFFICE,
    at,
    build,
    check_in,
    check_out,
    findings,
    nothings,
    reasons,
    shift,
    tap,
)
from worker.detectors import schedule_mismatch
from worker.rules.absences import COVERED
from worker.rules.window import Absence, Punch, Shift

TODAY, TOMORROW = date(2026, 3, 2), date(2026, 3, 3)
ANNAS = shift(ANNA, OFFICE, "09:00", "17:00", substitutes=(BEN,))
COMES_LATE = [check_in(ANNA, OFFICE, "10:00"), check_out(ANNA, OFFICE, "15:00")]


def leave(since: date, until: date, person: int = ANNA, absence_id: str = "l1") -> Absence:
    return Absence(absence_id, person, None, since, until, "annual leave")


def holiday(since: date, until: date, site: int = OFFICE) -> Absence:
    return Absence("h1", None, site, since, until)


def told(punches: list[Punch], shifts: list[Shift], absences: list[Absence]) -> set[str]:
    """Return the reasons of all that stands."""
    window = build(punches, shifts, absences=absences)
    return {reason for _, reason in reasons(schedule_mismatch, window)}


@pytest.mark.parametrize(
    ("absences", "is_covered"),
    [
        ([], False),
        ([leave(at("09:00"), at("09:00"))], True),
        ([leave(at("08:00"), at("09:00"))], True),
        ([leave(at("09:00"), at("20:00"))], True),
        ([leave(at("08:00"), at("08:59:59"))], False),
        ([leave(at("09:00:01"), at("20:00"))], False),
        ([leave(TODAY, TODAY)], True),
        ([leave(TOMORROW, TOMORROW)], False),
        ([leave(TODAY, at("08:59"))], False),
        ([leave(at("09:01"), TODAY)], False),
        ([leave(TODAY, TODAY, BEN)], False),
        ([holiday(TODAY, TODAY)], True),
        ([holiday(TODAY, TODAY, DEPOT)], False),
        ([leave(TOMORROW, TOMORROW), leave(TODAY, TODAY, absence_id="l2")], True),
    ],
)
def test_a_shift_is_covered_if_its_start_is(absences: list[Absence], is_covered: bool) -> None:
    asked = {"no_show", "late", "left_early"}
    both = told([], [ANNAS], absences) | told(COMES_LATE, [ANNAS], absences)
    assert both & asked == (set() if is_covered else asked)


@pytest.mark.parametrize(("starts", "is_covered"), [("22:30", True), ("23:00", False)])
def test_a_date_is_the_day_at_the_shifts_site(starts: str, is_covered: bool) -> None:
    """In Berlin 23:00 in UTC is midnight."""
    night = shift(ANNA, OFFICE, starts, "+1 06:00")
    assert told([], [night], [leave(TODAY, TODAY)]) == (set() if is_covered else {"no_show"})


def test_a_substitute_is_late_for_the_shift_of_somebody_on_leave() -> None:
    came = [check_in(BEN, OFFICE, "10:00"), check_out(BEN, OFFICE, "15:00")]
    assert told(came, [ANNAS], [leave(TODAY, TODAY)]) == {"late", "left_early"}
    assert told(came, [ANNAS], [leave(TODAY, TODAY, BEN)]) == {"on_leave"}
    assert told(came, [ANNAS], [holiday(TODAY, TODAY)]) == set()


def test_who_comes_within_their_own_absence_is_on_leave() -> None:
    window = build(COMES_LATE, [ANNAS], absences=[leave(TODAY, at("12:00"))])
    (finding,) = findings(schedule_mismatch, window)
    assert (finding.reason, finding.severity, finding.confidence) == ("on_leave", "MEDIUM", 0.70)
    assert finding.explanation == (
        "Checked in at 2026-03-02 11:00 while on leave from 2026-03-02 to 2026-03-02 13:00."
    )
    said = {"absence_id": "l1", "from": "2026-03-02", "to": "2026-03-02T12:00:00Z"}
    assert finding.evidence == finding.evidence | said | {"reason": "annual leave"}


ON_LEAVE: dict[str, tuple[list[Any], list[Shift], list[Absence], set[str]]] = {
    "at its first moment": (
        [check_in(ANNA, OFFICE, "10:00")],
        [],
        [leave(at("10:00"), at("12:00"))],
        {"in 10:00"},
    ),
    "at its last moment": (
        [check_in(ANNA, OFFICE, "10:00")],
        [],
        [leave(at("08:00"), at("10:00"))],
        {"in 10:00"},
    ),
    "a second later": (
        [check_in(ANNA, OFFICE, "10:00:01")],
        [],
        [leave(at("08:00"), at("10:00"))],
        set(),
    ),
    "a day by the clocks of the site": (
        [check_in(ANNA, OFFICE, "-1 22:59"), check_in(BEN, OFFICE, "-1 23:00")],
        [],
        [leave(TODAY, TODAY), leave(TODAY, TODAY, BEN, "l2")],
        {"in -1 23:00"},
    ),
    "somebody else's": ([check_in(BEN, OFFICE, "10:00")], [], [leave(TODAY, TODAY)], set()),
    "a holiday of the site": (
        [check_in(ANNA, OFFICE, "10:00")],
        [],
        [holiday(TODAY, TODAY)],
        set(),
    ),
    "at any site": (
        [check_in(ANNA, DEPOT, "10:00")],
        [ANNAS],
        [leave(TODAY, TODAY)],
        {"in 10:00"},
    ),
    "told at the first of what goes on": (
        [
            check_in(ANNA, OFFICE, "10:00"),
            check_in(ANNA, OFFICE, "10:05"),
            check_out(ANNA, OFFICE, "12:00"),
            check_in(ANNA, OFFICE, "13:30"),
        ],
        [],
        [leave(TODAY, TODAY)],
        {"in 10:00"},
    ),
    "told again after longer": (
        [
            check_in(ANNA, OFFICE, "10:00"),
            check_out(ANNA, OFFICE, "12:00"),
            check_in(ANNA, OFFICE, "13:31"),
        ],
        [],
        [leave(TODAY, TODAY)],
        {"in 10:00", "in 13:31"},
    ),
    "back from a break of the night before": (
        [
            check_in(ANNA, OFFICE, "-1 20:00"),
            check_out(ANNA, OFFICE, "-1 22:50"),
            check_in(ANNA, OFFICE, "-1 23:20"),
        ],
        [shift(ANNA, OFFICE, "-1 20:00", "04:00")],
        [leave(TODAY, TODAY)],
        set(),
    ),
    "in time for the shift after it": (
        [check_in(ANNA, OFFICE, "22:50")],
        [shift(ANNA, OFFICE, "23:30", "+1 06:00")],
        [leave(TODAY, TODAY)],
        set(),
    ),
    "which is covered as well": (
        [check_in(ANNA, OFFICE, "22:50")],
        [shift(ANNA, OFFICE, "23:30", "+1 06:00")],
        [leave(TODAY, TODAY), leave(TOMORROW, TOMORROW, absence_id="l2")],
        {"in 22:50"},
    ),
    "long before the shift after it": (
        [check_in(ANNA, OFFICE, "22:00")],
        [shift(ANNA, OFFICE, "23:30", "+1 06:00")],
        [leave(TODAY, TODAY)],
        {"in 22:00"},
    ),
    "a tap": (
        [tap(ANNA, OFFICE, "10:00"), tap(ANNA, OFFICE, "15:00")],
        [],
        [leave(TODAY, TODAY)],
        {"tap 10:00"},
    ),
}


@pytest.mark.parametrize(
    ("punches", "shifts", "absences", "expected"), ON_LEAVE.values(), ids=ON_LEAVE.keys()
)
def test_on_leave(
    punches: list[Any], shifts: list[Shift], absences: list[Absence], expected: set[str]
) -> None:
    window = build(punches, shifts, absences=absences)
    on_leave = {id_ for id_, reason in reasons(schedule_mismatch, window) if reason == "on_leave"}
    assert on_leave == expected


def test_a_policy_has_another_severity() -> None:
    policy = {"on_leave_severity": "HIGH"}
    punches = [check_in(ANNA, OFFICE, "10:00")]
    window = build(punches, absences=[leave(TODAY, TODAY)], policy=policy)
    assert [finding.severity for finding in findings(schedule_mismatch, window)] == ["HIGH"]


def test_it_is_explained_that_an_absence_covers_a_shift() -> None:
    def because(punches: list[Punch]) -> dict[str, set[str]]:
        window = build(punches, [ANNAS], absences=[leave(TODAY, TODAY)], explaining=True)
        answers: dict[str, set[str]] = {}
        for answer in nothings(schedule_mismatch, window):
            answers.setdefault(answer.reason, set()).add(answer.because)
        return answers

    came = because(COMES_LATE)
    assert (came["late"], came["left_early"]) == ({COVERED}, {COVERED})
    assert because([])["no_show"] == {COVERED}
    assert because([check_in(BEN, OFFICE, "09:00")])["on_leave"] == {
        "no absence of theirs holds then"
    }
