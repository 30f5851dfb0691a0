"""An empty post: nobody is there of those whom the shifts that are on expect."""

from typing import Any

import pytest

from tests.worker.windows import (
    ANNA,
    BEN,
    CARL,
    DEPOT,
    OFFICE,
    build,
    check_in,
    check_out,
    findings,
    nothings,
    shift,
    tap,
)
from worker.detectors import schedule_mismatch
from worker.rules.finding import Finding
from worker.rules.window import Punch, Shift

ANNAS = shift(ANNA, OFFICE, "08:00", "16:00")
BENS = shift(BEN, OFFICE, "08:00", "16:00", "s2")
CAME = check_in(ANNA, OFFICE, "07:55")
WENT = check_out(ANNA, OFFICE, "10:00")


def empty(punches: list[Punch], shifts: list[Shift], as_of: str, **more: Any) -> list[Finding]:
    found = findings(schedule_mismatch, build(punches, shifts, as_of=as_of, **more))
    return [finding for finding in found if finding.reason == "post_empty"]


def posts(punches: list[Punch], shifts: list[Shift], as_of: str, **more: Any) -> set[str]:
    return {finding.subject.shift_id for finding in empty(punches, shifts, as_of, **more)}


def test_a_post_is_empty_from_more_than_ninety_minutes_after_the_last_one_went() -> None:
    assert posts([CAME, WENT], [ANNAS], "11:30") == set()
    assert posts([CAME, WENT], [ANNAS], "11:30:01") == {"s1"}
    (finding,) = empty([CAME, WENT], [ANNAS], "12:00")
    assert (finding.severity, finding.confidence, finding.person_id) == ("HIGH", 0.85, ANNA)
    assert finding.explanation == (
        "Nobody entitled has been here since 2026-03-02 11:00, while the shift goes on to "
        "2026-03-02 17:00; 90 min are allowed."
    )
    assert finding.evidence["empty_since"] == "2026-03-02T10:00:00Z"
    assert finding.evidence["punches"] == [WENT.punch_id]
    # What is said does not change with every look.
    assert empty([CAME, WENT], [ANNAS], "15:00") == [finding]


def test_a_guarded_post_sets_less() -> None:
    policy = {"post_empty_minutes": 15}
    assert posts([CAME, WENT], [ANNAS], "10:15", policy=policy) == set()
    assert posts([CAME, WENT], [ANNAS], "10:15:01", policy=policy) == {"s1"}


def test_it_no_longer_holds_once_somebody_is_back_or_the_shift_is_over() -> None:
    assert posts([CAME, WENT, check_in(ANNA, OFFICE, "12:00")], [ANNAS], "12:00") == set()
    assert posts([CAME, WENT], [ANNAS], "16:00") == {"s1"}
    assert posts([CAME, WENT], [ANNAS], "16:00:01") == set()


def test_while_anybody_is_there_whom_a_shift_that_is_on_expects_no_post_is_empty() -> None:
    here = check_in(BEN, OFFICE, "08:00")
    assert posts([CAME, WENT, here], [ANNAS, BENS], "15:00") == set()
    # Ben is expected at another site, or only later.
    assert posts([CAME, WENT, here], [ANNAS], "15:00") == {"s1"}
    later = shift(BEN, OFFICE, "14:00", "22:00", "s2")
    assert posts([CAME, WENT, here], [ANNAS, later], "13:59:59") == {"s1"}
    assert posts([CAME, WENT, here], [ANNAS, later], "14:00") == set()
    substituted = shift(CARL, OFFICE, "08:00", "16:00", "s2", substitutes=(BEN,))
    assert posts([CAME, WENT, here], [ANNAS, substituted], "15:00") == set()


def test_who_stayed_until_their_own_shift_was_over_was_there_until_then() -> None:
    night = shift(BEN, OFFICE, "00:00", "09:00", "s2")
    there = [check_in(BEN, OFFICE, "00:00"), check_out(BEN, OFFICE, "14:00")]
    early = check_out(ANNA, OFFICE, "08:05")
    assert posts([CAME, early, *there], [ANNAS, night], "10:30") == set()
    assert posts([CAME, early, *there], [ANNAS, night], "10:30:01") == {"s1"}


def test_both_posts_are_empty_from_when_the_last_of_the_two_went() -> None:
    punches = [CAME, WENT, check_in(BEN, OFFICE, "08:00"), check_out(BEN, OFFICE, "11:00")]
    assert posts(punches, [ANNAS, BENS], "12:30") == set()
    found = empty(punches, [ANNAS, BENS], "12:30:01")
    assert {finding.subject.shift_id for finding in found} == {"s1", "s2"}
    assert {finding.evidence["empty_since"] for finding in found} == {"2026-03-02T11:00:00Z"}


def test_who_came_and_went_before_the_start_leaves_it_empty_from_the_start() -> None:
    punches = [check_in(ANNA, OFFICE, "07:30"), check_out(ANNA, OFFICE, "07:50")]
    assert posts(punches, [ANNAS], "09:30") == set()
    assert posts(punches, [ANNAS], "09:30:01") == {"s1"}


def test_a_shift_that_nobody_came_for_is_a_no_show_and_no_empty_post() -> None:
    assert posts([CAME, WENT], [ANNAS, BENS], "15:00") == {"s1"}
    assert posts([], [ANNAS], "15:00") == set()


def test_who_went_to_another_site_is_not_here() -> None:
    assert posts([CAME, check_in(ANNA, DEPOT, "10:00")], [ANNAS], "11:30:01") == {"s1"}
    assert posts([CAME, check_out(ANNA, DEPOT, "10:00")], [ANNAS], "11:30:01") == {"s1"}


def test_while_a_spell_is_open_nobody_can_tell_that_its_person_has_gone() -> None:
    long = shift(ANNA, OFFICE, "08:00", "+1 08:00")
    # By midnight the check-in is older than max_work_hours: that is `still_working`.
    assert posts([CAME], [long], "+1 06:00") == set()
    # One forgotten in a shift before shows nobody in this one.
    before = shift(ANNA, OFFICE, "-1 08:00", "-1 16:00", "s0")
    forgotten = check_in(ANNA, OFFICE, "-1 08:00")
    ben = [check_in(BEN, OFFICE, "08:00"), check_out(BEN, OFFICE, "10:00")]
    today = shift(BEN, OFFICE, "08:00", "16:00", "s2", substitutes=(ANNA,))
    assert posts([forgotten, *ben], [before, today], "11:30:01") == {"s2"}


def test_a_check_in_whose_end_is_unknown_is_believed_for_max_work_hours() -> None:
    long = shift(ANNA, OFFICE, "08:00", "+1 08:00")
    elsewhere = check_in(ANNA, DEPOT, "+1 01:00")
    policy = {"max_work_hours": 4}
    assert posts([CAME, elsewhere], [long], "+1 01:00", policy=policy) == {"s1"}
    assert empty([CAME, elsewhere], [long], "+1 01:00", policy=policy)[0].evidence[
        "empty_since"
    ] == ("2026-03-02T11:55:00Z")


def test_while_a_persons_last_punch_is_a_tap_there_nobody_can_tell_that_they_have_gone() -> None:
    taps = [tap(ANNA, OFFICE, "07:55"), tap(ANNA, OFFICE, "10:00")]
    assert posts(taps, [ANNAS], "15:00") == set()
    # Until they are heard of elsewhere, or a check-out says that they go.
    assert posts([*taps, tap(ANNA, DEPOT, "10:30")], [ANNAS], "11:30:01") == {"s1"}
    assert posts([*taps, check_out(ANNA, OFFICE, "10:30")], [ANNAS], "12:00") == set()
    assert posts([*taps, check_out(ANNA, OFFICE, "10:30")], [ANNAS], "12:00:01") == {"s1"}


def test_a_check_in_by_a_clock_ahead_of_ours_shows_its_person_there_at_once() -> None:
    ahead = check_in(ANNA, OFFICE, "13:00")
    assert posts([CAME, WENT, ahead], [ANNAS], "12:00") == set()
    assert posts([ahead], [ANNAS], "12:00") == set()
    # After the shift it shows nobody in it.
    assert posts([CAME, WENT, check_in(ANNA, OFFICE, "16:00:01")], [ANNAS], "12:00") == {"s1"}
    gone = [ahead, check_out(ANNA, OFFICE, "13:10")]
    assert posts([CAME, WENT, *gone], [ANNAS], "14:40") == set()
    assert posts([CAME, WENT, *gone], [ANNAS], "14:40:01") == {"s1"}


@pytest.mark.parametrize(
    ("as_of", "more", "because"),
    [
        ("15:00", {"roster_complete": False}, "the roster is declared incomplete"),
        ("07:00", {}, "the shift is not on"),
        ("11:00", {}, "somebody entitled to a shift that was on was here at most 90 min ago"),
    ],
)
def test_why_not(as_of: str, more: dict[str, Any], because: str) -> None:
    window = build([CAME, WENT], [ANNAS], as_of=as_of, explaining=True, **more)
    assert [n.because for n in nothings(schedule_mismatch, window) if n.reason == "post_empty"] == [
        because
    ]
