"""Who roves at a site visits it: a visit accuses nobody, and stays may overlap there."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.worker.windows import (
    ANNA,
    BEN,
    CARL,
    DEPOT,
    DORA,
    NEXT_DOOR,
    OFFICE,
    at,
    build,
    check_in,
    check_out,
    nothings,
    reasons,
    shift,
)
from worker.detectors import (
    impossible_shifts,
    schedule_mismatch,
    unauthorized_site,
    wrong_person,
)
from worker.judging.detect import detect
from worker.rules.roster import roves
from worker.rules.window import Assignment, Punch, Shift, Site, Window

DETECTORS = (impossible_shifts, schedule_mismatch, unauthorized_site, wrong_person)
BENS = shift(BEN, OFFICE, "09:00", "17:00")
BEN_CAME = check_in(BEN, OFFICE, "08:55", "ben")
VISIT = check_in(ANNA, OFFICE, "11:00", "visit")
AT_THE_DEPOT = Assignment(ANNA, DEPOT)


def told(window: Window, person_id: int = ANNA) -> set[tuple[str, str]]:
    """Return what is found on a person's punches, as (punch's id, reason)."""
    found = {one for detector in DETECTORS for one in reasons(detector, window)}
    return {one for one in found if (p := window.punch(one[0])) and p.person_id == person_id}


def roving(site_id: int, since: str = "-9 00:00", until: str = "+9 00:00") -> Assignment:
    return Assignment(ANNA, site_id, at(since), at(until), roving=True)


VISITS: dict[str, tuple[list[Punch], list[Shift], str]] = {
    "in_place_of": ([VISIT], [BENS], "in_place_of"),
    "unscheduled": ([BEN_CAME, VISIT], [BENS], "unscheduled"),
    "wrong_site": (
        [BEN_CAME, VISIT],
        [BENS, shift(ANNA, DEPOT, "09:00", "17:00", "s2")],
        "wrong_site",
    ),
}


@pytest.mark.parametrize(("punches", "shifts", "reason"), VISITS.values(), ids=VISITS.keys())
def test_a_visit_of_somebody_who_roves_accuses_nobody(
    punches: list[Punch], shifts: list[Shift], reason: str
) -> None:
    expected = {("visit", reason)}
    plain = build(punches, shifts, assignments=[Assignment(ANNA, OFFICE)])
    assert told(plain) == expected
    assert told(build(punches, shifts, assignments=[roving(OFFICE)])) == set()
    elsewhere = build(punches, shifts, assignments=[Assignment(ANNA, OFFICE), roving(DEPOT)])
    assert told(elsewhere) == expected


def test_who_roves_is_assigned() -> None:
    assert told(build([VISIT], assignments=[AT_THE_DEPOT])) == {("visit", "not_assigned")}
    assert told(build([VISIT], assignments=[roving(OFFICE)])) == set()


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("11:00", "12:00", set()),
        ("10:00", "11:00", set()),
        ("11:00:01", "12:00", {("visit", "unscheduled")}),
        ("10:00", "10:59:59", {("visit", "unscheduled")}),
    ],
)
def test_it_holds_while_the_assignment_is_valid(
    since: str, until: str, expected: set[tuple[str, str]]
) -> None:
    assigned = [Assignment(ANNA, OFFICE), roving(OFFICE, since, until)]
    assert told(build([BEN_CAME, VISIT], [BENS], assignments=assigned)) == expected


def test_one_that_is_over_leaves_who_is_not_assigned() -> None:
    window = build([VISIT], assignments=[roving(OFFICE, "08:00", "10:00"), AT_THE_DEPOT])
    assert told(window) == {("visit", "not_assigned")}


def test_of_several_assignments_that_are_valid_one_is_enough() -> None:
    window = build([VISIT], assignments=[Assignment(ANNA, OFFICE), roving(OFFICE)])
    assert roves(window, ANNA, OFFICE, at("11:00"))
    assert not roves(window, ANNA, DEPOT, at("11:00"))
    assert not roves(window, BEN, OFFICE, at("11:00"))
    assert not roves(window, ANNA, OFFICE, at("+9 00:00:01"))


def test_with_an_own_shift_there_all_counts_as_for_everybody() -> None:
    own = shift(ANNA, OFFICE, "10:00", "12:00", "s2")
    window = build(
        [BEN_CAME, VISIT, check_out(ANNA, OFFICE, "11:30", "out")],
        [BENS, own],
        assignments=[roving(OFFICE)],
    )
    assert told(window) == {("visit", "late"), ("out", "left_early")}


def test_shortly_before_an_own_shift_there_it_is_early() -> None:
    own = shift(ANNA, OFFICE, "14:00", "17:00", "s2")
    punches = [BEN_CAME, VISIT, check_out(ANNA, OFFICE, "11:20")]
    window = build(punches, [BENS, own], assignments=[roving(OFFICE)])
    assert told(window) == {("visit", "early")}


def test_an_earlier_visit_stands_in_nobodys_place() -> None:
    """So the check-in after the round is the first that does."""
    punches = [VISIT, check_out(ANNA, OFFICE, "11:20"), check_in(ANNA, OFFICE, "13:00", "back")]
    assigned = [Assignment(ANNA, OFFICE), roving(OFFICE, "08:00", "12:00")]
    assert told(build(punches, [BENS], assignments=assigned)) == {("back", "in_place_of")}


@pytest.mark.parametrize("mode", ["off", "shadow"])
def test_it_holds_whatever_is_off(mode: str) -> None:
    off = dict.fromkeys(("wrong_person", "unauthorized_site"), mode)
    window = build([BEN_CAME, VISIT], [BENS], assignments=[roving(OFFICE)], policy=off)
    assert told(window) == set()


STAYS = [
    check_in(ANNA, OFFICE, "08:00", "a"),
    check_in(ANNA, NEXT_DOOR, "10:00", "b"),
    check_out(ANNA, OFFICE, "12:00"),
    check_out(ANNA, NEXT_DOOR, "14:00"),
]


@pytest.mark.parametrize(
    ("assignments", "expected"),
    [
        ([], {("b", "overlapping")}),
        ([Assignment(ANNA, OFFICE), Assignment(ANNA, NEXT_DOOR)], {("b", "overlapping")}),
        ([roving(OFFICE)], set()),
        ([roving(NEXT_DOOR)], set()),
        ([roving(DEPOT)], {("b", "overlapping")}),
        ([roving(OFFICE, "08:00", "08:00")], set()),
        ([roving(OFFICE, "08:00:01", "14:00")], {("b", "overlapping")}),
        ([roving(NEXT_DOOR, "08:00", "09:59:59")], {("b", "overlapping")}),
        ([Assignment(BEN, OFFICE, roving=True)], {("b", "overlapping")}),
    ],
)
def test_stays_overlap_unless_the_person_roves_at_either_as_it_begins(
    assignments: Sequence[Assignment], expected: set[tuple[str, str]]
) -> None:
    window = build(STAYS, assignments=assignments)
    assert reasons(impossible_shifts, window) == expected


def test_of_several_stays_that_overlap_only_those_elsewhere_count() -> None:
    punches = [check_in(ANNA, DEPOT, "-1 20:00", "d"), *STAYS, check_out(ANNA, DEPOT, "13:00")]
    far = [Site(OFFICE, "Office", "UTC"), Site(NEXT_DOOR, "Next", "UTC"), Site(DEPOT, "D", "UTC")]
    window = build(punches, sites=far, assignments=[roving(OFFICE)])
    assert reasons(impossible_shifts, window) == {("b", "overlapping")}
    (overlapping,) = [one.finding for one in detect(window) if one.finding.reason == "overlapping"]
    assert overlapping.other_sites == {DEPOT}


@pytest.mark.parametrize(
    ("site_id", "because"),
    [(NEXT_DOOR, "the person roves here"), (OFFICE, "where they do not rove")],
)
def test_why_not_is_told(site_id: int, because: str) -> None:
    window = build(STAYS, assignments=[roving(site_id)], explaining=True)
    answers = {
        (answer.subject.punch_id, answer.reason): answer.because
        for answer in nothings(impossible_shifts, window)
    }
    assert because in answers["b", "overlapping"]
    window = build([BEN_CAME, VISIT], [BENS], assignments=[roving(OFFICE)], explaining=True)
    excused = {
        answer.reason: answer.because
        for answer in nothings(schedule_mismatch, window)
        if answer.subject.punch_id == "visit"
    }
    assert "roves here" in excused["unscheduled"] and "roves here" in excused["wrong_site"]


HOME = 20
POSTS = (OFFICE, DEPOT, NEXT_DOOR, 18, 19)
GUARDS = dict(zip(POSTS, (BEN, CARL, DORA, 5, 6), strict=True))


def _rounds() -> tuple[list[Punch], list[Shift]]:
    """Return 20 visits on four days: each day one to every post, within a shift of Anna's at home.

    At one post the guard comes late, at one never, and once Anna checks out only in the evening.
    """
    punches: list[Punch] = []
    shifts: list[Shift] = []
    for day in range(4):
        shifts.append(shift(ANNA, HOME, f"+{day} 08:00", f"+{day} 17:30", f"home {day}"))
        for place, site in enumerate(POSTS):
            guard, name = GUARDS[site], f"{site} {day}"
            shifts.append(shift(guard, site, f"+{day} 06:00", f"+{day} 22:00", name))
            if site != 19:
                comes = "12:00" if site == 18 else "05:58"
                punches.append(check_in(guard, site, f"+{day} {comes}", f"guard in {name}"))
                punches.append(check_out(guard, site, f"+{day} 22:01", f"guard out {name}"))
            hour = 9 + 2 * place
            punches.append(check_in(ANNA, site, f"+{day} {hour}:00", f"visit {name}"))
            leaves = "19:00" if (site, day) == (OFFICE, 2) else f"{hour}:25"
            punches.append(check_out(ANNA, site, f"+{day} {leaves}", f"left {name}"))
    return punches, shifts


def test_a_supervisors_rounds_find_nothing() -> None:
    punches, shifts = _rounds()
    sites = [
        Site(site, f"Post {site}", "Europe/Berlin", 52.5, 13.4 + site / 100)
        for site in (*POSTS, HOME)
    ]
    given: dict[str, Any] = {
        "sites": sites,
        "people": {ANNA: "Anna"} | {guard: f"Guard {guard}" for guard in GUARDS.values()},
        "first_punch_at": {site: at("-9 00:00") for site in (*POSTS, HOME)},
    }
    guards = [Assignment(guard, site) for site, guard in GUARDS.items()]
    plain = [Assignment(ANNA, site) for site in POSTS]
    rounds = [row._replace(roving=True) for row in plain]

    def on_anna(assignments: list[Assignment]) -> list[tuple[str, str]]:
        window = build(punches, shifts, assignments=[*guards, *assignments], **given)
        of_anna = {punch.punch_id for punch in punches if punch.person_id == ANNA}
        return [
            (scored.finding.subject.punch_id, scored.finding.reason)
            for scored in detect(window)
            if scored.finding.subject.punch_id in of_anna
        ]

    assert len({punch_id for punch_id, _ in on_anna(plain)}) >= 20
    assert on_anna(rounds) == []
