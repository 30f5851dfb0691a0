"""Facts are measured by the policy of their own site at their own moment, the limits of a rule by
that of the subject's site at the subject's moment.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest

from models.policy import Policy
from tests.worker.windows import (
    ANNA,
    BEN,
    DEPOT,
    NEXT_DOOR,
    OFFICE,
    build,
    changing,
    check_in,
    check_out,
    findings,
    reasons,
    shift,
)
from worker.detectors import (
    gps_spoofing,
    impossible_shifts,
    overtime_violation,
    schedule_mismatch,
    unauthorized_site,
    wrong_person,
)
from worker.rules.past import Past
from worker.rules.window import Assignment

pytestmark = pytest.mark.unit

SitePolicies = Mapping[int, Mapping[str, Any] | Past[Policy]]


def told(
    detector: ModuleType, punches: list[Any], shifts: list[Any], policies: SitePolicies, **more: Any
) -> set[tuple[str, str]]:
    return reasons(detector, build(punches, shifts, site_policies=policies, **more))


# 9.5 or 10 hours at the office, as the second check-in there begins the spell or repeats the first,
# and 6.5 at the depot.
TAPPED_TWICE = [
    check_in(ANNA, OFFICE, "00:00"),
    check_in(ANNA, OFFICE, "00:30", "again"),
    check_out(ANNA, OFFICE, "10:00"),
    check_in(ANNA, DEPOT, "11:00"),
    check_out(ANNA, DEPOT, "17:30"),
]
REPEATS: dict[str, tuple[SitePolicies, bool]] = {
    "its own site's is too short": (
        {OFFICE: {"repeat_minutes": 29}, DEPOT: {"repeat_minutes": 60}},
        False,
    ),
    "its own site's is long enough": (
        {OFFICE: {"repeat_minutes": 30}, DEPOT: {"repeat_minutes": 0}},
        True,
    ),
    "too short by then": (
        {OFFICE: changing({"repeat_minutes": 30}, "00:30", {"repeat_minutes": 29})},
        False,
    ),
    "long enough by then": (
        {OFFICE: changing({"repeat_minutes": 29}, "00:30", {"repeat_minutes": 30})},
        True,
    ),
    "changed only afterwards": (
        {OFFICE: changing({"repeat_minutes": 30}, "00:31", {"repeat_minutes": 29})},
        True,
    ),
}


@pytest.mark.parametrize(("policies", "repeats"), REPEATS.values(), ids=REPEATS.keys())
def test_a_check_in_repeats_another_by_the_policy_of_its_own_site_and_time(
    policies: SitePolicies, repeats: bool
) -> None:
    expected = {("in 11:00", "worked_too_long")} if repeats else set()
    assert told(overtime_violation, TAPPED_TWICE, [], policies) == expected


# 10 hours at the office, if they are a spell, and 6.5 at the depot.
DOUBLE = [
    check_in(ANNA, OFFICE, "00:00"),
    check_out(ANNA, OFFICE, "10:00"),
    check_in(ANNA, DEPOT, "11:00"),
    check_out(ANNA, DEPOT, "17:30"),
]
LONGEST: dict[str, tuple[SitePolicies, bool]] = {
    "longer than at its own site": (
        {OFFICE: {"max_spell_hours": 9}, DEPOT: {"max_spell_hours": 36}},
        False,
    ),
    "not longer than at its own site": (
        {OFFICE: {"max_spell_hours": 10}, DEPOT: {"max_spell_hours": 7}},
        True,
    ),
    "longer than at its check-in": (
        {OFFICE: changing({"max_spell_hours": 9}, "00:01", {"max_spell_hours": 36})},
        False,
    ),
    "not longer than at its check-in": (
        {OFFICE: changing({"max_spell_hours": 36}, "00:01", {"max_spell_hours": 9})},
        True,
    ),
}


@pytest.mark.parametrize(("policies", "is_spell"), LONGEST.values(), ids=LONGEST.keys())
def test_a_spell_is_as_long_as_may_be_where_and_when_it_began(
    policies: SitePolicies, is_spell: bool
) -> None:
    expected = {("in 11:00", "worked_too_long")} if is_spell else set()
    assert told(overtime_violation, DOUBLE, [], policies) == expected
    at_one_site = [punch._replace(site_id=OFFICE) for punch in DOUBLE]
    if DEPOT not in policies:
        assert told(overtime_violation, at_one_site, [], policies) == expected


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ({OFFICE: {"max_work_hours": 10}, DEPOT: {"max_work_hours": 17}}, set()),
        ({OFFICE: {"max_work_hours": 17}, DEPOT: {"max_work_hours": 16}}, {"in 11:00"}),
        ({DEPOT: changing({"max_work_hours": 17}, "11:01", {"max_work_hours": 16})}, set()),
        ({DEPOT: changing({"max_work_hours": 16}, "11:01", {"max_work_hours": 17})}, {"in 11:00"}),
    ],
)
def test_how_much_work_is_too_much_is_the_subjects_to_say(
    policies: SitePolicies, expected: set[str]
) -> None:
    assert told(overtime_violation, DOUBLE, [], policies) == {
        (punch_id, "worked_too_long") for punch_id in expected
    }


ANNAS = shift(ANNA, OFFICE, "09:00", "17:00")


@pytest.mark.parametrize(
    ("policy", "came"),
    [
        (changing({"max_work_hours": 7}, "02:01", {"max_work_hours": 16}), False),
        (changing({"max_work_hours": 16}, "02:01", {"max_work_hours": 7}), True),
    ],
    ids=["7 hours at the check-in", "16 hours at the check-in"],
)
def test_an_open_spell_counts_for_as_long_as_work_may_be_at_its_check_in(
    policy: Past[Policy], came: bool
) -> None:
    told_of = told(schedule_mismatch, [check_in(ANNA, OFFICE, "02:00")], [ANNAS], {OFFICE: policy})
    assert (("s1", "no_show") in told_of) is not came


# A stay at the office of ten hours, and next door another within it.
OVERLAP = [
    check_in(ANNA, OFFICE, "00:00"),
    check_in(ANNA, NEXT_DOOR, "04:00"),
    check_out(ANNA, NEXT_DOOR, "05:00"),
    check_out(ANNA, OFFICE, "10:00"),
]


@pytest.mark.parametrize(
    ("policies", "overlaps"),
    [
        ({OFFICE: {"max_spell_hours": 9}}, False),
        ({NEXT_DOOR: {"max_spell_hours": 9}}, True),
        ({OFFICE: changing({"max_spell_hours": 9}, "00:01", {})}, False),
        ({OFFICE: changing({}, "00:01", {"max_spell_hours": 9})}, True),
    ],
    ids=["longer than at its site", "shorter next door", "longer at its check-in", "only later"],
)
def test_a_stay_is_as_long_as_may_be_where_and_when_it_began(
    policies: SitePolicies, overlaps: bool
) -> None:
    expected = {("in 04:00", "overlapping")} if overlaps else set()
    assert told(impossible_shifts, OVERLAP, [], policies) == expected


WIDER = changing({"early_window_minutes": 15}, "08:30", {"early_window_minutes": 60})
NARROWER = changing({"early_window_minutes": 60}, "08:30", {"early_window_minutes": 15})


@pytest.mark.parametrize(
    ("policy", "within"), [(WIDER, True), (NARROWER, False)], ids=["wider by then", "narrower"]
)
def test_reach_is_that_of_the_shifts_start(policy: Past[Policy], within: bool) -> None:
    """Anna, and Ben in her place, come before a change, for a shift that starts after it."""
    policies, stayed = {OFFICE: policy}, [check_in(ANNA, OFFICE, "08:20")]
    came_and_left = [*stayed, check_out(ANNA, OFFICE, "08:50")]
    early = set() if within else {("in 08:20", "early")}
    assert told(schedule_mismatch, stayed, [ANNAS], policies, as_of="09:45") == early
    no_show = early if within else early | {("s1", "no_show")}
    assert told(schedule_mismatch, came_and_left, [ANNAS], policies, as_of="09:45") == no_show
    assert told(wrong_person, [check_in(BEN, OFFICE, "08:20")], [ANNAS], policies) == (
        {("in 08:20", "in_place_of")} if within else set()
    )


@pytest.mark.parametrize(
    ("before", "after", "within"), [(15, 60, True), (60, 15, False)], ids=["wider", "narrower"]
)
def test_reach_of_a_shift_assigns_as_at_its_start(before: int, after: int, within: bool) -> None:
    never_early = {"early_limit_hours": 0}
    policy = changing(
        {"early_window_minutes": before, **never_early},
        "08:30",
        {"early_window_minutes": after, **never_early},
    )
    told_of = told(
        unauthorized_site,
        [check_in(ANNA, OFFICE, "08:20")],
        [ANNAS],
        {OFFICE: policy},
        assignments=[Assignment(BEN, OFFICE)],
    )
    assert told_of == (set() if within else {("in 08:20", "not_assigned")})


def test_early_tells_what_reach_the_shift_has() -> None:
    window = build([check_in(ANNA, OFFICE, "08:20")], [ANNAS], site_policies={OFFICE: NARROWER})
    (finding,) = [f for f in findings(schedule_mismatch, window) if f.reason == "early"]
    assert (finding.evidence["observed"], finding.evidence["limit"]) == (40, 15)


# The depot is rostered: Ben is there, for his shift.
AT_THE_DEPOT = [check_in(BEN, DEPOT, "06:00", "ben"), check_in(ANNA, DEPOT, "06:00")]
ROSTERED = [ANNAS, shift(BEN, DEPOT, "06:00", "14:00", "s2")]


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ({}, {"unscheduled"}),
        ({OFFICE: {"early_window_minutes": 180}}, set()),
        ({DEPOT: {"early_window_minutes": 180}}, {"wrong_site"}),
        ({DEPOT: {"early_window_minutes": 179}}, {"unscheduled"}),
        ({DEPOT: changing({"early_window_minutes": 180}, "06:01", {})}, {"wrong_site"}),
        ({DEPOT: changing({}, "06:01", {"early_window_minutes": 180})}, {"unscheduled"}),
        ({OFFICE: changing({}, "09:00", {"early_window_minutes": 180})}, set()),
        ({OFFICE: changing({"early_window_minutes": 180}, "09:00", {})}, {"unscheduled"}),
    ],
    ids=[
        "within reach by neither",
        "by the shift's site",
        "by the punch's site",
        "a minute too little",
        "by the punch's at its time",
        "only later",
        "by the shift's site at its start",
        "only before",
    ],
)
def test_whether_a_shift_elsewhere_is_within_reach_is_for_both_sites_to_say(
    policies: SitePolicies, expected: set[str]
) -> None:
    """The punch's site measures for wrong_site, the shift's own for unscheduled."""
    told_of = told(schedule_mismatch, AT_THE_DEPOT, ROSTERED, policies, as_of="09:00")
    assert told_of == {("in 06:00", reason) for reason in expected}


@pytest.mark.parametrize(
    ("policy", "late", "left_early"),
    [
        (changing({"grace_minutes": 30}, "12:00", {"grace_minutes": 15}), False, True),
        (changing({"grace_minutes": 15}, "12:00", {"grace_minutes": 30}), True, False),
    ],
    ids=["stricter after noon", "stricter before noon"],
)
def test_the_grace_is_that_of_the_punch(policy: Past[Policy], late: bool, left_early: bool) -> None:
    punches = [check_in(ANNA, OFFICE, "09:20"), check_out(ANNA, OFFICE, "16:40")]
    expected = {("in 09:20", "late")} if late else set()
    expected |= {("out 16:40", "left_early")} if left_early else set()
    assert told(schedule_mismatch, punches, [ANNAS], {OFFICE: policy}) == expected


@pytest.mark.parametrize(
    ("policy", "missed"),
    [
        (changing({"no_show_after_minutes": 60}, "09:00", {"no_show_after_minutes": 30}), True),
        (changing({"no_show_after_minutes": 30}, "09:00", {"no_show_after_minutes": 60}), False),
    ],
)
def test_a_shift_is_judged_by_the_policy_at_its_start(policy: Past[Policy], missed: bool) -> None:
    expected = {("s1", "no_show")} if missed else set()
    told_of = told(schedule_mismatch, [], [ANNAS], {OFFICE: policy}, as_of="09:45")
    assert told_of == expected


# Taken at the office by its site, and at the depot by this fix.
NEAR_THE_DEPOT: dict[str, Any] = {"latitude": 53.5, "longitude": 10.0, "accuracy_m": 500}
COARSE: dict[str, tuple[SitePolicies, bool]] = {
    "too coarse for its own site": ({OFFICE: {"coarse_fix_cap_m": 499}}, False),
    "too coarse for the other site only": ({DEPOT: {"coarse_fix_cap_m": 499}}, True),
    "too coarse by then": (
        {OFFICE: changing({}, "00:00", {"coarse_fix_cap_m": 499})},
        False,
    ),
    "too coarse only later": (
        {OFFICE: changing({}, "00:01", {"coarse_fix_cap_m": 499})},
        True,
    ),
}


@pytest.mark.parametrize(("policies", "is_fix"), COARSE.values(), ids=COARSE.keys())
def test_a_fix_is_too_coarse_by_the_policy_of_its_own_site_and_time(
    policies: SitePolicies, is_fix: bool
) -> None:
    punches = [
        check_out(ANNA, OFFICE, "00:00", **NEAR_THE_DEPOT),
        check_in(ANNA, DEPOT, "00:10", latitude=53.5, longitude=10.0, accuracy_m=5),
    ]
    too_far = {("in 00:10", "too_far_too_soon")}
    assert told(impossible_shifts, punches, [], policies) == (set() if is_fix else too_far)
    at_home = [
        check_out(ANNA, OFFICE, "00:00", **NEAR_THE_DEPOT),
        check_in(ANNA, DEPOT, "00:10", latitude=52.5, longitude=13.4, accuracy_m=5),
    ]
    teleport = {("in 00:10", "teleport")}
    assert told(gps_spoofing, at_home, [], policies) == (teleport if is_fix else set())


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ({OFFICE: {"gps_accuracy_cap_m": 400}}, True),
        ({NEXT_DOOR: {"gps_accuracy_cap_m": 400}}, False),
        ({NEXT_DOOR: changing({}, "00:00:30", {"gps_accuracy_cap_m": 400})}, True),
    ],
    ids=["the other site's", "the subject's", "the subject's, but later"],
)
def test_the_slack_of_a_way_is_the_subjects_to_say(policies: SitePolicies, expected: bool) -> None:
    """The way is 1,222 m, its fixes are good to 500 m each."""
    fix: dict[str, Any] = {"latitude": 52.5, "accuracy_m": 500, "device_id": "phone"}
    start = check_out(ANNA, OFFICE, "00:00", longitude=13.4, **fix)
    end = check_in(ANNA, NEXT_DOOR, "00:00:10", longitude=13.418, **fix)
    assert told(impossible_shifts, [start, end], [], policies) == (
        {("in 00:00:10", "too_far_too_soon")} if expected else set()
    )
