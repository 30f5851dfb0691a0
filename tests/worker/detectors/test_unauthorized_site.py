"""UNAUTHORIZED_SITE as the definitions have it."""

from typing import Any

import pytest

from tests.worker.windows import (
    ANNA,
    BEN,
    DEPOT,
    NEXT_DOOR,
    OFFICE,
    at,
    build,
    check_in,
    check_out,
    findings,
    reasons,
    shift,
)
from worker.detectors import unauthorized_site
from worker.rules.window import Assignment

ELSEWHERE = Assignment(ANNA, DEPOT)
FEBRUARY = Assignment(ANNA, OFFICE, at("-2 00:00"), at("10:00"))

ASSIGNED = {
    "no assignment to this site": (
        [check_in(ANNA, OFFICE, "09:00")],
        [],
        [ELSEWHERE],
        {"in 09:00"},
    ),
    "assigned": ([check_in(ANNA, OFFICE, "09:00")], [], [Assignment(ANNA, OFFICE)], set()),
    "a check-in exactly max_work_hours later": (
        [check_in(ANNA, OFFICE, "00:00"), check_in(ANNA, OFFICE, "16:00")],
        [],
        [ELSEWHERE],
        {"in 00:00"},
    ),
    "somebody else is": (
        [check_in(ANNA, OFFICE, "09:00")],
        [],
        [Assignment(BEN, OFFICE)],
        {"in 09:00"},
    ),
    "at the very end of validity": ([check_in(ANNA, OFFICE, "10:00")], [], [FEBRUARY], set()),
    "a second after it": ([check_in(ANNA, OFFICE, "10:00:01")], [], [FEBRUARY], {"in 10:00:01"}),
    "at its very beginning": ([check_in(ANNA, OFFICE, "-2 00:00")], [], [FEBRUARY], set()),
    "entitled to a shift within reach": (
        [check_in(ANNA, OFFICE, "08:00")],
        [shift(BEN, OFFICE, "09:00", "17:00", substitutes=(ANNA,))],
        [ELSEWHERE],
        set(),
    ),
    "a shift just out of any reach": (
        [check_in(ANNA, OFFICE, "04:59:59")],
        [shift(ANNA, OFFICE, "09:00", "17:00")],
        [ELSEWHERE],
        {"in 04:59:59"},
    ),
    "early for an own shift": (
        [check_in(ANNA, OFFICE, "05:00")],
        [shift(ANNA, OFFICE, "09:00", "17:00")],
        [ELSEWHERE],
        set(),
    ),
    "held over": (
        [check_in(ANNA, OFFICE, "19:00")],
        [shift(ANNA, OFFICE, "09:00", "17:00")],
        [ELSEWHERE],
        set(),
    ),
    "held over, a stray check-out": (
        [check_out(ANNA, OFFICE, "19:00")],
        [shift(ANNA, OFFICE, "09:00", "17:00")],
        [ELSEWHERE],
        set(),
    ),
    "past the holdover": (
        [check_in(ANNA, OFFICE, "19:00:01")],
        [shift(ANNA, OFFICE, "09:00", "17:00")],
        [ELSEWHERE],
        {"in 19:00:01"},
    ),
    "its check-out was judged with it": (
        [check_in(ANNA, OFFICE, "09:00"), check_out(ANNA, OFFICE, "10:00")],
        [],
        [ELSEWHERE],
        {"in 09:00"},
    ),
    "a stray check-out is judged": (
        [check_out(ANNA, OFFICE, "10:00")],
        [],
        [ELSEWHERE],
        {"out 10:00"},
    ),
    "a check-out of a spell begun elsewhere": (
        [check_in(ANNA, DEPOT, "09:00"), check_out(ANNA, OFFICE, "10:00")],
        [],
        [ELSEWHERE],
        {"out 10:00"},
    ),
    "a check-out after the longest spell": (
        [check_in(ANNA, OFFICE, "00:00"), check_out(ANNA, OFFICE, "+1 12:00:01")],
        [],
        [ELSEWHERE],
        {"in 00:00", "out +1 12:00:01"},
    ),
    "a double tap": (
        [check_in(ANNA, OFFICE, "09:00"), check_in(ANNA, OFFICE, "10:00")],
        [],
        [ELSEWHERE],
        {"in 09:00"},
    ),
    "a check-in a second past max_work_hours": (
        [check_in(ANNA, OFFICE, "00:00"), check_in(ANNA, OFFICE, "16:00:01")],
        [],
        [ELSEWHERE],
        {"in 00:00", "in 16:00:01"},
    ),
    "nobody is assigned anywhere: cannot tell": ([check_in(ANNA, OFFICE, "09:00")], [], [], set()),
}


@pytest.mark.parametrize(
    ("punches", "shifts", "assignments", "expected"), ASSIGNED.values(), ids=ASSIGNED.keys()
)
def test_not_assigned(
    punches: list[Any], shifts: list[Any], assignments: list[Any], expected: set[str]
) -> None:
    window = build(punches, shifts, assignments=assignments)
    assert reasons(unauthorized_site, window) == {
        (punch_id, "not_assigned") for punch_id in expected
    }


def test_an_incomplete_roster_cannot_tell() -> None:
    window = build([check_in(9, OFFICE, "09:00")], assignments=[ELSEWHERE], roster_complete=False)
    assert reasons(unauthorized_site, window) == set()


@pytest.mark.parametrize(
    ("people", "expected"),
    [({BEN: "Ben"}, {("in 09:00", "unknown_person")}), ({ANNA: "Anna"}, set()), ({}, set())],
    ids=["not in the roster", "in the roster", "nobody is synced: cannot tell"],
)
def test_unknown_person(people: dict[int, str], expected: set[tuple[str, str]]) -> None:
    window = build(
        [check_in(ANNA, OFFICE, "09:00"), check_out(ANNA, OFFICE, "10:00")], people=people
    )
    assert reasons(unauthorized_site, window) == expected


def test_severities_are_policy() -> None:
    window = build(
        [check_in(ANNA, OFFICE, "09:00")],
        assignments=[ELSEWHERE],
        site_policies={OFFICE: {"unauthorized_severity": "LOW"}},
    )
    assert [(f.severity, f.confidence) for f in findings(unauthorized_site, window)] == [
        ("LOW", 0.90)
    ]
    window = build([check_in(ANNA, OFFICE, "09:00")], assignments=[ELSEWHERE])
    assert [(f.severity, f.confidence) for f in findings(unauthorized_site, window)] == [
        ("CRITICAL", 0.90)
    ]


def out(when: str, site: int = OFFICE) -> Any:
    return check_out(ANNA, site, when, when)


def came(when: str, site: int = OFFICE) -> Any:
    return check_in(ANNA, site, when, when)


PERIODS = {
    "as long as a break may be": ([came("08:00"), out("12:00"), came("13:30")], {"08:00"}),
    "a second longer": ([came("08:00"), out("12:00"), came("13:30:01")], {"08:00", "13:30:01"}),
    "a check-in again": ([came("08:00"), came("08:05"), came("12:00")], {"08:00"}),
    "so long after that they may have gone": (
        [came("08:00"), came("+1 00:00:01")],
        {"08:00", "+1 00:00:01"},
    ),
    "a bounce": ([came("08:00"), out("08:05"), out("12:00")], {"08:00"}),
    "an end that moved": ([came("08:00"), out("12:00"), out("12:20")], {"08:00"}),
    "a check-out that closes nothing, within a break": (
        [came("08:00"), out("12:00"), out("13:00")],
        {"08:00"},
    ),
    "and later": ([came("08:00"), out("12:00"), out("14:00")], {"08:00", "14:00"}),
    "another site between": (
        [came("08:00"), out("12:00"), came("12:10", DEPOT), out("12:20", DEPOT), came("12:40")],
        {"08:00", "12:10"},
    ),
}


@pytest.mark.parametrize(("punches", "expected"), PERIODS.values(), ids=PERIODS.keys())
@pytest.mark.parametrize("reason", ["unknown_person", "not_assigned"])
def test_told_once_a_work_period(reason: str, punches: list[Any], expected: set[str]) -> None:
    somewhere = [Assignment(ANNA, NEXT_DOOR)]
    window = (
        build(punches, people={BEN: "Ben"})
        if reason == "unknown_person"
        else build(punches, assignments=somewhere)
    )
    assert reasons(unauthorized_site, window) == {(punch_id, reason) for punch_id in expected}


def test_a_break_across_the_end_of_an_assignment() -> None:
    """What crosses midnight belongs to the day it began."""
    until = [Assignment(ANNA, OFFICE, None, at("+1 00:00"))]
    night = [came("22:00"), out("+1 00:30"), came("+1 01:00"), out("+1 06:00")]
    assert reasons(unauthorized_site, build(night, assignments=until)) == set()
    window = build([*night, came("+1 22:00")], assignments=until)
    assert reasons(unauthorized_site, window) == {("+1 22:00", "not_assigned")}
