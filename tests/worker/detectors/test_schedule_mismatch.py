"""SCHEDULE_MISMATCH as the definitions have it."""

from typing import Any

import pytest

from tests.worker.windows import (
    ANNA,
    BEN,
    CARL,
    DEPOT,
    OFFICE,
    at,
    build,
    changing,
    check_in,
    check_out,
    findings,
    nothings,
    reasons,
    shift,
)
from worker.detectors import schedule_mismatch
from worker.rules.window import Assignment

ANNAS = shift(ANNA, OFFICE, "09:00", "17:00")
SUBSTITUTED = shift(ANNA, OFFICE, "09:00", "17:00", substitutes=(BEN, CARL))
DOUBLE = [ANNAS, shift(ANNA, OFFICE, "17:00", "23:00", "s2")]
LEVELS = {
    "late": ("LOW", 0.95),
    "left_early": ("LOW", 0.95),
    "early": ("LOW", 0.95),
    "wrong_site": ("HIGH", 0.85),
    "unscheduled": ("MEDIUM", 0.70),
    "no_show": ("HIGH", 0.95),
    "stood_in_for": ("LOW", 0.60),
    "post_empty": ("HIGH", 0.85),
    "missing_check_out": ("LOW", 0.80),
    "missing_check_in": ("LOW", 0.80),
}


def found(reason: str, punches: list[Any], shifts: list[Any], **more: Any) -> set[str]:
    """The subjects of one reason."""
    window = build(punches, shifts, **more)
    assert all(
        (f.severity, f.confidence) == LEVELS[f.reason] for f in findings(schedule_mismatch, window)
    )
    return {subject for subject, why in reasons(schedule_mismatch, window) if why == reason}


LATE = {
    "at the end of the grace": ([check_in(ANNA, OFFICE, "09:15")], [ANNAS], set()),
    "a second later": ([check_in(ANNA, OFFICE, "09:15:01")], [ANNAS], {"in 09:15:01"}),
    "back from a break": (
        [
            check_in(ANNA, OFFICE, "08:50"),
            check_out(ANNA, OFFICE, "12:00"),
            check_in(ANNA, OFFICE, "12:30"),
        ],
        [ANNAS],
        set(),
    ),
    "in a spell there at the start": (
        [
            check_in(ANNA, OFFICE, "06:00"),
            check_out(ANNA, OFFICE, "09:00"),
            check_in(ANNA, OFFICE, "10:00"),
        ],
        [ANNAS],
        set(),
    ),
    "that spell ended before": (
        [
            check_in(ANNA, OFFICE, "06:00"),
            check_out(ANNA, OFFICE, "08:59"),
            check_in(ANNA, OFFICE, "10:00"),
        ],
        [ANNAS],
        {"in 10:00"},
    ),
    "a further check-in repeats": (
        [check_in(ANNA, OFFICE, "06:00"), check_in(ANNA, OFFICE, "10:00")],
        [ANNAS],
        set(),
    ),
    "only the first is late": (
        [
            check_in(ANNA, OFFICE, "09:30"),
            check_out(ANNA, OFFICE, "12:00"),
            check_in(ANNA, OFFICE, "12:30"),
        ],
        [ANNAS],
        {"in 09:30"},
    ),
    "a substitute whom nobody spares": (
        [check_in(BEN, OFFICE, "10:00")],
        [SUBSTITUTED],
        {"in 10:00"},
    ),
    "a substitute, but Anna attends": (
        [check_in(ANNA, OFFICE, "11:00"), check_in(BEN, OFFICE, "10:00")],
        [SUBSTITUTED],
        {"in 11:00"},
    ),
    "a substitute, but another attends": (
        [check_in(CARL, OFFICE, "09:00"), check_in(BEN, OFFICE, "10:00")],
        [SUBSTITUTED],
        set(),
    ),
    "nearer to the next shift": ([check_in(ANNA, OFFICE, "16:30")], DOUBLE, set()),
}


@pytest.mark.parametrize(("punches", "shifts", "expected"), LATE.values(), ids=LATE.keys())
def test_late(punches: list[Any], shifts: list[Any], expected: set[str]) -> None:
    assert found("late", punches, shifts) == expected


IN = check_in(ANNA, OFFICE, "08:50")
HOME = check_out(ANNA, OFFICE, "23:00", "home")
LEFT = {
    "at the grace before the end": (
        [IN, check_out(ANNA, OFFICE, "16:45")],
        [ANNAS],
        "+5 00:00",
        set(),
    ),
    "a second earlier": (
        [IN, check_out(ANNA, OFFICE, "16:44:59")],
        [ANNAS],
        "+5 00:00",
        {"out 16:44:59"},
    ),
    "not judged while the shift runs": (
        [IN, check_out(ANNA, OFFICE, "12:00")],
        [ANNAS],
        "17:00",
        set(),
    ),
    "judged as soon as it is over": (
        [IN, check_out(ANNA, OFFICE, "12:00")],
        [ANNAS],
        "17:00:01",
        {"out 12:00"},
    ),
    "back at the very end": (
        [IN, check_out(ANNA, OFFICE, "12:00"), check_in(ANNA, OFFICE, "17:00")],
        [ANNAS],
        "+5 00:00",
        set(),
    ),
    "back after it": (
        [IN, check_out(ANNA, OFFICE, "12:00"), check_in(ANNA, OFFICE, "17:01")],
        [ANNAS],
        "+5 00:00",
        {"out 12:00"},
    ),
    "back elsewhere": (
        [IN, check_out(ANNA, OFFICE, "12:00"), check_in(ANNA, DEPOT, "15:00")],
        [ANNAS],
        "+5 00:00",
        {"out 12:00"},
    ),
    "the spell runs on into the next shift": (
        [IN, check_out(ANNA, OFFICE, "22:50")],
        DOUBLE,
        "+5 00:00",
        set(),
    ),
    "and leaves that one early": (
        [IN, check_out(ANNA, OFFICE, "20:00")],
        DOUBLE,
        "+5 00:00",
        {"out 20:00"},
    ),
    "the next is somebody else's, who came": (
        [IN, check_out(ANNA, OFFICE, "17:05"), check_in(BEN, OFFICE, "16:55")],
        [ANNAS, shift(BEN, OFFICE, "17:00", "23:00", "s2", substitutes=(ANNA,))],
        "17:30",
        set(),
    ),
    "a check-out alone": (
        [check_out(ANNA, OFFICE, "12:00")],
        [ANNAS],
        "+5 00:00",
        {"out 12:00"},
    ),
    "by way of another site": (
        [IN, check_out(ANNA, DEPOT, "12:00")],
        [ANNAS],
        "+5 00:00",
        {"out 12:00"},
    ),
    "only the last of several": (
        [IN, check_out(ANNA, OFFICE, "12:00"), check_out(ANNA, OFFICE, "12:20")],
        [ANNAS],
        "+5 00:00",
        {"out 12:20"},
    ),
    "a check-out that closes nothing comes later": (
        [IN, check_out(ANNA, OFFICE, "12:00"), check_out(ANNA, OFFICE, "16:50")],
        [ANNAS],
        "+5 00:00",
        set(),
    ),
    "the relief, once somebody came": (
        [
            check_in(BEN, OFFICE, "08:55", "ben"),
            check_out(BEN, OFFICE, "12:00", "ben left"),
            check_in(ANNA, OFFICE, "11:55", "anna"),
        ],
        [SUBSTITUTED],
        "+5 00:00",
        set(),
    ),
    "back for the next shift": (
        [IN, check_out(ANNA, OFFICE, "16:30"), check_in(ANNA, OFFICE, "17:10"), HOME],
        DOUBLE,
        "+5 00:00",
        {"out 16:30"},
    ),
    "the relief, if nobody comes": (
        [check_in(BEN, OFFICE, "08:55", "ben"), check_out(BEN, OFFICE, "12:00", "ben left")],
        [SUBSTITUTED],
        "+5 00:00",
        {"ben left"},
    ),
}


@pytest.mark.parametrize(("punches", "shifts", "as_of", "expected"), LEFT.values(), ids=LEFT.keys())
def test_left_early(punches: list[Any], shifts: list[Any], as_of: str, expected: set[str]) -> None:
    assert found("left_early", punches, shifts, as_of=as_of) == expected


def test_left_early_by_way_of_another_site_does_not_say_which() -> None:
    window = build([IN, check_out(ANNA, DEPOT, "12:00")], [ANNAS])
    (finding,) = [f for f in findings(schedule_mismatch, window) if f.reason == "left_early"]
    assert finding.site_id == DEPOT
    assert "another site" in finding.explanation and "Main Office" not in finding.explanation
    assert finding.evidence["shifts"] == []
    assert finding.private and finding.private["shifts"][0]["shift_id"] == "s1"


ROUNDS = [Assignment(ANNA, DEPOT, roving=True)]


@pytest.mark.parametrize(
    ("punches", "expected"),
    [
        ([IN, check_out(ANNA, OFFICE, "12:00"), check_in(ANNA, DEPOT, "13:00")], set()),
        (
            [
                *[IN, check_out(ANNA, OFFICE, "12:00"), check_in(ANNA, DEPOT, "13:00")],
                check_out(ANNA, DEPOT, "16:50", "home"),
            ],
            set(),
        ),
        (
            [
                *[IN, check_out(ANNA, OFFICE, "12:00"), check_in(ANNA, DEPOT, "13:00")],
                check_out(ANNA, DEPOT, "14:00", "home"),
            ],
            {"home"},
        ),
    ],
    ids=["on the round", "until the end", "and home from there"],
)
def test_a_round_counts_as_being_at_the_shifts_site(punches: list[Any], expected: set[str]) -> None:
    assert found("left_early", punches, [ANNAS], assignments=ROUNDS) == expected


MISSING_IN = {
    "no check-in for the shift": ([check_out(ANNA, OFFICE, "17:05")], [ANNAS], {"out 17:05"}),
    "as late as it may be": ([check_out(ANNA, OFFICE, "19:00")], [ANNAS], {"out 19:00"}),
    "a second later": ([check_out(ANNA, OFFICE, "19:00:01")], [ANNAS], set()),
    "before the shift": ([check_out(ANNA, OFFICE, "08:59:59")], [ANNAS], set()),
    "at another site": ([check_out(ANNA, DEPOT, "17:05")], [ANNAS], set()),
    "somebody else's shift": ([check_out(BEN, OFFICE, "17:05")], [ANNAS], set()),
    "it closes a spell": ([IN, check_out(ANNA, OFFICE, "17:05")], [ANNAS], set()),
    "they checked in once": (
        [IN, check_out(ANNA, OFFICE, "12:00"), check_out(ANNA, OFFICE, "17:05")],
        [ANNAS],
        set(),
    ),
}


@pytest.mark.parametrize(
    ("punches", "shifts", "expected"), MISSING_IN.values(), ids=MISSING_IN.keys()
)
def test_missing_check_in(punches: list[Any], shifts: list[Any], expected: set[str]) -> None:
    assert found("missing_check_in", punches, shifts) == expected


@pytest.mark.parametrize(
    ("when", "attends"), [("09:00", False), ("09:00:01", True), ("19:00", True), ("19:01", False)]
)
def test_a_check_out_alone_attends_the_shift_after_its_start(when: str, attends: bool) -> None:
    missed = found("no_show", [check_out(ANNA, OFFICE, when)], [ANNAS])
    assert missed == (set() if attends else {"s1"})


def test_whoever_is_there_attends_all_shifts_they_are_rostered_to() -> None:
    """The same shift twice in the roster, and one that overlaps it."""
    punches = [check_in(ANNA, OFFICE, "08:55"), check_out(ANNA, OFFICE, "17:00")]
    shifts = [
        ANNAS,
        ANNAS._replace(shift_id="again"),
        shift(ANNA, OFFICE, "10:00", "17:00", "overlapping"),
    ]
    assert reasons(schedule_mismatch, build(punches, shifts)) == set()


def test_of_shifts_to_substitute_in_as_many_are_attended_as_can_be() -> None:
    """Ben, who came first, may take either; Carl only the first."""
    shifts = [
        shift(ANNA, OFFICE, "09:00", "17:00", "a", substitutes=(BEN, CARL)),
        shift(ANNA, OFFICE, "09:00", "17:00", "b", substitutes=(BEN,)),
    ]
    came = [check_in(BEN, OFFICE, "08:50"), check_in(CARL, OFFICE, "08:55")]
    assert found("no_show", came, shifts, as_of="10:00") == set()
    assert found("no_show", came[:1], shifts, as_of="10:00") == {"b"}
    assert found("no_show", came[1:], shifts, as_of="10:00") == {"b"}


EARLY = {
    "at the limit": ([check_in(ANNA, OFFICE, "05:00")], [ANNAS], {"in 05:00"}),
    "a second earlier": ([check_in(ANNA, OFFICE, "04:59:59")], [ANNAS], set()),
    "just before reach": ([check_in(ANNA, OFFICE, "07:59:59")], [ANNAS], {"in 07:59:59"}),
    "within reach": ([check_in(ANNA, OFFICE, "08:00")], [ANNAS], set()),
    "the next shift is elsewhere": ([check_in(ANNA, DEPOT, "07:00")], [ANNAS], set()),
    "another is within reach": (
        [check_in(ANNA, OFFICE, "07:00")],
        [ANNAS, shift(ANNA, DEPOT, "02:00", "07:30", "s2")],
        set(),
    ),
}


@pytest.mark.parametrize(("punches", "shifts", "expected"), EARLY.values(), ids=EARLY.keys())
def test_early(punches: list[Any], shifts: list[Any], expected: set[str]) -> None:
    assert found("early", punches, shifts) == expected
    if expected:
        assert {reason for _, reason in reasons(schedule_mismatch, build(punches, shifts))} & {
            "unscheduled",
            "wrong_site",
        } == set()


ELSEWHERE = shift(ANNA, DEPOT, "09:00", "17:00")
WRONG = {
    "the shift is elsewhere": ([check_in(ANNA, OFFICE, "09:00")], [ELSEWHERE], {"in 09:00"}),
    "another is here": (
        [check_in(ANNA, OFFICE, "09:00")],
        [ELSEWHERE, shift(ANNA, OFFICE, "09:30", "12:00", "s2")],
        set(),
    ),
    "not within reach": ([check_in(ANNA, OFFICE, "07:59:59")], [ELSEWHERE], set()),
    "held over here": (
        [check_in(ANNA, OFFICE, "09:00")],
        [ELSEWHERE, shift(ANNA, OFFICE, "02:00", "08:00", "s2")],
        set(),
    ),
    "repeats": (
        [check_in(ANNA, OFFICE, "07:00"), check_in(ANNA, OFFICE, "09:00")],
        [ELSEWHERE],
        set(),
    ),
    "only a substitute there": (
        [check_in(BEN, OFFICE, "09:00")],
        [shift(ANNA, DEPOT, "09:00", "17:00", substitutes=(BEN,))],
        {"in 09:00"},
    ),
    "only a substitute, and somebody came": (
        [check_in(BEN, OFFICE, "09:00"), check_in(ANNA, DEPOT, "10:00")],
        [shift(ANNA, DEPOT, "09:00", "17:00", substitutes=(BEN,))],
        set(),
    ),
}


@pytest.mark.parametrize(("punches", "shifts", "expected"), WRONG.values(), ids=WRONG.keys())
def test_wrong_site(punches: list[Any], shifts: list[Any], expected: set[str]) -> None:
    assert found("wrong_site", punches, shifts) == expected


def test_wrong_site_does_not_say_which() -> None:
    (finding,) = findings(
        schedule_mismatch, build([check_in(ANNA, OFFICE, "09:00")], [ELSEWHERE], as_of="09:10")
    )[:1]
    assert (
        "another site" in finding.explanation
        and "Depot" not in f"{finding.explanation} {finding.evidence}"
    )
    assert (
        finding.evidence["shifts"] == []
        and finding.private
        and finding.private["shifts"][0]["shift_id"] == "s1"
    )


BENS = shift(BEN, OFFICE, "09:00", "17:00")
BEN_CAME = check_in(BEN, OFFICE, "09:00", "ben")
UNSCHEDULED = {
    "once a work period": (
        [
            BEN_CAME,
            check_in(ANNA, OFFICE, "12:00"),
            check_out(ANNA, OFFICE, "13:00"),
            check_in(ANNA, OFFICE, "14:30"),
            check_out(ANNA, OFFICE, "15:00"),
            check_in(ANNA, OFFICE, "16:30:01"),
        ],
        [BENS],
        {},
        {"in 12:00", "in 16:30:01"},
    ),
    "no shift anywhere": ([BEN_CAME, check_in(ANNA, OFFICE, "12:00")], [BENS], {}, {"in 12:00"}),
    "in somebody's place instead": ([check_in(ANNA, OFFICE, "12:00")], [BENS], {}, set()),
    "a shift elsewhere": (
        [BEN_CAME, check_in(ANNA, OFFICE, "12:00")],
        [BENS, shift(ANNA, DEPOT, "09:00", "17:00", "s2")],
        {},
        set(),
    ),
    "no shift here for 24 hours": ([check_in(ANNA, OFFICE, "+1 17:00:01")], [BENS], {}, set()),
    "a shift here 24 hours ago": (
        [check_in(ANNA, OFFICE, "+1 17:00")],
        [BENS],
        {},
        {"in +1 17:00"},
    ),
    "a shift here in 24 hours": ([check_in(ANNA, OFFICE, "-1 09:00")], [BENS], {}, {"in -1 09:00"}),
    "a second more": ([check_in(ANNA, OFFICE, "-1 08:59:59")], [BENS], {}, set()),
    "not assigned instead": (
        [BEN_CAME, check_in(ANNA, OFFICE, "12:00")],
        [BENS],
        {"assignments": [Assignment(BEN, OFFICE)]},
        set(),
    ),
    "unknown instead": ([BEN_CAME, check_in(9, OFFICE, "12:00")], [BENS], {}, set()),
    "another face instead": (
        [BEN_CAME, check_in(ANNA, OFFICE, "12:00", biometric_person_id=CARL)],
        [BENS],
        {},
        set(),
    ),
    "the roster is incomplete": (
        [BEN_CAME, check_in(ANNA, OFFICE, "12:00")],
        [BENS],
        {"roster_complete": False},
        set(),
    ),
    "repeats": (
        [BEN_CAME, check_in(ANNA, OFFICE, "11:00"), check_in(ANNA, OFFICE, "12:00")],
        [BENS],
        {},
        {"in 11:00"},
    ),
    "held over": (
        [BEN_CAME, check_in(ANNA, OFFICE, "12:00")],
        [BENS, shift(ANNA, OFFICE, "02:00", "10:00", "s2")],
        {},
        set(),
    ),
    "a later check-in in somebody's place": (
        [
            check_in(ANNA, OFFICE, "09:00"),
            check_out(ANNA, OFFICE, "12:00"),
            check_in(ANNA, OFFICE, "13:00"),
            check_in(BEN, OFFICE, "12:30"),
        ],
        [BENS],
        {},
        set(),
    ),
}


@pytest.mark.parametrize(
    ("punches", "shifts", "more", "expected"), UNSCHEDULED.values(), ids=UNSCHEDULED.keys()
)
def test_unscheduled(
    punches: list[Any], shifts: list[Any], more: dict[str, Any], expected: set[str]
) -> None:
    assert found("unscheduled", punches, shifts, **more) == expected


# Ben is there for his shift, so Anna comes in nobody's place.
EXTRA = [BEN_CAME, check_in(ANNA, OFFICE, "12:00")]
FACE = [BEN_CAME, check_in(ANNA, OFFICE, "12:00", biometric_person_id=CARL)]
IN_PLACE = [check_in(ANNA, OFFICE, "12:00")]
BENS_ONLY = {"assignments": [Assignment(BEN, OFFICE)]}
INSTEAD: dict[str, tuple[str, list[Any], dict[str, Any]]] = {
    "another face": ("wrong_person", FACE, {}),
    "in somebody's place": ("wrong_person", IN_PLACE, {}),
    "not assigned": ("unauthorized_site", EXTRA, BENS_ONLY),
    "unknown": ("unauthorized_site", EXTRA, {"people": {BEN: "Ben"}}),
}


@pytest.mark.parametrize(
    ("mode", "expected"), [("on", set()), ("shadow", {"in 12:00"}), ("off", {"in 12:00"})]
)
@pytest.mark.parametrize(("key", "punches", "more"), INSTEAD.values(), ids=INSTEAD.keys())
def test_unscheduled_is_left_out_only_where_the_graver_anomaly_stands_outside_shadow(
    key: str, punches: list[Any], more: dict[str, Any], mode: str, expected: set[str]
) -> None:
    assert found("unscheduled", punches, [BENS], policy={key: mode}, **more) == expected
    elsewhere = {"site_policies": {DEPOT: {key: mode}}}
    assert found("unscheduled", punches, [BENS], **elsewhere, **more) == set()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("on", "on", set()),
        ("on", "off", set()),
        ("shadow", "shadow", {"in 09:00", "in 14:00"}),
        ("off", "on", {"in 09:00"}),
    ],
)
def test_a_later_check_in_in_somebodys_place_is_excused_only_by_an_anomaly_that_stands(
    before: str, after: str, expected: set[str]
) -> None:
    """From off to on, it is itself the first that is told as in somebody's place."""
    punches = [
        check_in(ANNA, OFFICE, "09:00"),
        check_out(ANNA, OFFICE, "12:00"),
        check_in(ANNA, OFFICE, "14:00"),
    ]
    policy = changing({"wrong_person": before}, "12:30", {"wrong_person": after})
    assert found("unscheduled", punches, [BENS], site_policies={OFFICE: policy}) == expected


@pytest.mark.parametrize("mode", ["off", "shadow"])
def test_excuses_that_are_facts_hold_whatever_is_off(mode: str) -> None:
    """Early, held over, entitled elsewhere, already in."""
    off = dict.fromkeys(("wrong_person", "unauthorized_site", "schedule_mismatch"), mode)
    early = [BENS, shift(ANNA, OFFICE, "15:00", "17:00", "s2")]
    held_over = [BENS, shift(ANNA, OFFICE, "02:00", "10:00", "s2")]
    elsewhere = [BENS, shift(ANNA, DEPOT, "09:00", "17:00", "s2")]
    for shifts in (early, held_over, elsewhere):
        assert found("unscheduled", EXTRA, shifts, policy=off) == set()
    again = [BEN_CAME, check_in(ANNA, OFFICE, "11:00"), check_in(ANNA, OFFICE, "12:00")]
    assert found("unscheduled", again, [BENS], policy=off) == {"in 11:00"}


NO_SHOW = {
    "not judged until half an hour later": ([], [ANNAS], {"as_of": "09:30"}, set()),
    "a moment after": ([], [ANNAS], {"as_of": "09:30:01"}, {"s1"}),
    "Anna came": ([check_in(ANNA, OFFICE, "08:00")], [ANNAS], {}, set()),
    "Anna came at the very end": ([check_in(ANNA, OFFICE, "17:00")], [ANNAS], {}, set()),
    "Anna came too late": ([check_in(ANNA, OFFICE, "17:00:01")], [ANNAS], {}, {"s1"}),
    "Anna came elsewhere": ([check_in(ANNA, DEPOT, "09:00")], [ANNAS], {}, {"s1"}),
    "a stranger came": ([check_in(BEN, OFFICE, "09:00")], [ANNAS], {}, set()),
    "a stranger went": ([check_out(BEN, OFFICE, "09:00")], [ANNAS], {}, {"s1"}),
    "a substitute came": ([check_in(BEN, OFFICE, "09:00")], [SUBSTITUTED], {}, set()),
    "she is still there from before": (
        [check_in(ANNA, OFFICE, "02:00"), check_out(ANNA, OFFICE, "09:00:01")],
        [ANNAS],
        {},
        set(),
    ),
    "that spell ended as the shift began": (
        [check_in(ANNA, OFFICE, "02:00"), check_out(ANNA, OFFICE, "09:00")],
        [ANNAS],
        {},
        {"s1"},
    ),
    "an open spell counts for 16 hours": (
        [check_in(ANNA, OFFICE, "-1 17:00:01")],
        [ANNAS],
        {},
        set(),
    ),
    "and no longer": ([check_in(ANNA, OFFICE, "-1 17:00")], [ANNAS], {}, {"s1"}),
    "an unknown end, at most until the next punch": (
        [check_in(ANNA, OFFICE, "02:00"), check_in(ANNA, DEPOT, "08:00")],
        [ANNAS],
        {},
        {"s1"},
    ),
    "a double shift in one spell": (
        [check_in(ANNA, OFFICE, "09:00"), check_out(ANNA, OFFICE, "23:00")],
        DOUBLE,
        {},
        set(),
    ),
    "one substitute attends one of two": (
        [check_in(CARL, OFFICE, "09:00")],
        [SUBSTITUTED, shift(BEN, OFFICE, "09:00", "17:00", "s2", substitutes=(CARL,))],
        {},
        {"s2"},
    ),
    "the one that nobody else attends": (
        [check_in(CARL, OFFICE, "09:00"), check_in(ANNA, OFFICE, "09:05")],
        [SUBSTITUTED, shift(BEN, OFFICE, "09:00", "17:00", "s2", substitutes=(CARL,))],
        {},
        set(),
    ),
    "the roster is incomplete": ([], [ANNAS], {"roster_complete": False}, set()),
    "the site never reported": ([], [ANNAS], {"first_punch_at": {}}, set()),
    "the site began to report at its start": (
        [],
        [ANNAS],
        {"first_punch_at": {OFFICE: at("09:00")}},
        set(),
    ),
    "the site began to report before": (
        [],
        [ANNAS],
        {"first_punch_at": {OFFICE: at("08:59:59")}},
        {"s1"},
    ),
}


@pytest.mark.parametrize(
    ("punches", "shifts", "more", "expected"), NO_SHOW.values(), ids=NO_SHOW.keys()
)
def test_no_show(
    punches: list[Any], shifts: list[Any], more: dict[str, Any], expected: set[str]
) -> None:
    assert found("no_show", punches, shifts, **more) == expected


LEFT_TO_OTHERS = shift(ANNA, OFFICE, "09:00", "17:00", substitutes=(BEN, CARL), person_left=True)


@pytest.mark.parametrize(
    ("punches", "expected"),
    [
        ([], {"s1"}),
        ([check_in(ANNA, OFFICE, "09:00")], {"s1"}),
        ([check_in(BEN, OFFICE, "09:00")], set()),
    ],
    ids=["nobody", "who has left", "a substitute"],
)
def test_a_shift_whose_person_has_left_is_its_substitutes(
    punches: list[Any], expected: set[str]
) -> None:
    missed = found("no_show", punches, [LEFT_TO_OTHERS])
    assert missed | found("stood_in_for", punches, [LEFT_TO_OTHERS]) == expected


def test_a_no_show_whose_person_has_left_names_the_substitutes() -> None:
    window = build([], [LEFT_TO_OTHERS], people={BEN: "Ben", CARL: "Carl"})
    (finding,) = findings(schedule_mismatch, window)
    assert "came for the shift of Ben or Carl from" in finding.explanation
    assert [row["person_id"] for row in finding.evidence["expected"]] == [BEN, CARL]
    assert finding.person_id == ANNA


def test_who_has_left_is_neither_late_nor_early_for_the_shift_they_had() -> None:
    came = [check_in(CARL, OFFICE, "08:55"), check_in(ANNA, OFFICE, "10:00")]
    window = build(came, [LEFT_TO_OTHERS], as_of="16:00")
    assert reasons(schedule_mismatch, window) == {("in 10:00", "unscheduled")}
    window = build([check_in(ANNA, OFFICE, "07:00")], [LEFT_TO_OTHERS], as_of="09:00")
    assert reasons(schedule_mismatch, window) == {("in 07:00", "unscheduled")}


STRANGER = check_in(BEN, OFFICE, "09:00")
OFF, SHADOW = {"wrong_person": "off"}, {"wrong_person": "shadow"}
STOOD_IN: dict[str, tuple[list[Any], list[Any], dict[str, Any], set[str]]] = {
    "by who has no shift here": ([STRANGER], [ANNAS], {}, {"s1"}),
    "at the end of the shift": ([check_in(BEN, OFFICE, "17:00")], [ANNAS], {}, {"s1"}),
    "after it": ([check_in(BEN, OFFICE, "17:00:01")], [ANNAS], {}, set()),
    "by a check-out": ([check_out(BEN, OFFICE, "09:00")], [ANNAS], {}, set()),
    "elsewhere": ([check_in(BEN, DEPOT, "09:00")], [ANNAS], {}, set()),
    "while she came": ([STRANGER, check_in(ANNA, OFFICE, "12:00")], [ANNAS], {}, set()),
    "by who has a shift of their own": (
        [STRANGER],
        [ANNAS, shift(BEN, OFFICE, "09:00", "17:00", "s2")],
        {},
        set(),
    ),
    "by who is held over": (
        [STRANGER],
        [ANNAS, shift(BEN, OFFICE, "00:00", "08:30", "s2")],
        {"first_punch_at": {OFFICE: at("03:00")}},
        set(),
    ),
    "where that is off": ([STRANGER], [ANNAS], {"policy": OFF}, set()),
    "where that is in shadow": ([STRANGER], [ANNAS], {"policy": SHADOW}, set()),
    "where it is on later": (
        [STRANGER, check_out(BEN, OFFICE, "10:00"), check_in(BEN, OFFICE, "11:00")],
        [ANNAS],
        {"site_policies": {OFFICE: changing(SHADOW, "10:30", {})}},
        {"s1"},
    ),
    "in two shifts": (
        [STRANGER],
        [ANNAS, shift(CARL, OFFICE, "10:01", "17:00", "s2")],
        {},
        {"s1"},
    ),
}


@pytest.mark.parametrize(("punches", "shifts", "more", "expected"), STOOD_IN.values(), ids=STOOD_IN)
def test_stood_in_for(
    punches: list[Any], shifts: list[Any], more: dict[str, Any], expected: set[str]
) -> None:
    more = {"first_punch_at": {OFFICE: at("-9 00:00"), DEPOT: at("-9 00:00")}} | more
    missed = {f"s{number}" for number in range(1, len(shifts) + 1)}
    assert found("stood_in_for", punches, shifts, **more) == expected
    assert not found("no_show", punches, shifts, **more) & expected
    assert found("no_show", punches, shifts, **more) <= missed


def test_who_stood_in_is_told_of_by_their_first_check_in_that_does() -> None:
    carl = check_in(CARL, OFFICE, "08:55")
    window = build([STRANGER, carl], [ANNAS])
    (finding,) = (f for f in findings(schedule_mismatch, window) if f.reason == "stood_in_for")
    assert finding.explanation.endswith(
        "but somebody else checked in in their place at 2026-03-02 09:55."
    )
    assert finding.evidence["punches"] == [carl.punch_id]


def test_a_no_show_that_comes_after_all_is_late() -> None:
    window = build([check_in(ANNA, OFFICE, "11:00")], [ANNAS], as_of="12:00")
    assert reasons(schedule_mismatch, window) == {("in 11:00", "late")}


LEFT_AT_17 = check_out(ANNA, OFFICE, "17:00")
LATER = [ANNAS, shift(ANNA, OFFICE, "17:30", "23:00", "s2")]
MISSING = {
    "not yet": ([IN], [ANNAS], "23:00", set()),
    "over by six hours": ([IN], [ANNAS], "23:00:01", {"in 08:50"}),
    "checked out": ([IN, check_out(ANNA, OFFICE, "17:00")], [ANNAS], "+5 00:00", set()),
    "checked out elsewhere": ([IN, check_out(ANNA, DEPOT, "17:00")], [ANNAS], "+5 00:00", set()),
    "the next day's check-in came first": (
        [IN, check_in(ANNA, DEPOT, "+1 08:00")],
        [ANNAS],
        "+5 00:00",
        {"in 08:50"},
    ),
    "the last of a double tap": (
        [IN, check_in(ANNA, OFFICE, "08:55")],
        [ANNAS],
        "+5 00:00",
        {"in 08:55"},
    ),
    "only the last check-in": (
        [IN, check_in(ANNA, OFFICE, "13:00")],
        [ANNAS],
        "+5 00:00",
        {"in 13:00"},
    ),
    "still in the next shift": ([IN], DOUBLE, "23:30", set()),
    "over by six hours as well": ([IN], DOUBLE, "+1 05:00:01", {"in 08:50"}),
    "a check-out too late to be one": (
        [IN, check_out(ANNA, OFFICE, "+1 20:50:01")],
        [ANNAS],
        "+5 00:00",
        {"in 08:50"},
    ),
    "no shift": ([IN], [], "+5 00:00", set()),
    "a check-out that closes nothing follows": (
        [IN, check_in(ANNA, DEPOT, "12:00"), check_out(ANNA, DEPOT, "13:00"), LEFT_AT_17],
        [ANNAS],
        "+5 00:00",
        set(),
    ),
    "went on into the next shift": (
        [IN, check_in(ANNA, OFFICE, "16:50"), check_out(ANNA, OFFICE, "23:00")],
        DOUBLE,
        "+5 00:00",
        set(),
    ),
    "as long before it as a handover may be": (
        [IN, check_in(ANNA, OFFICE, "17:00"), check_out(ANNA, OFFICE, "23:00")],
        LATER,
        "+5 00:00",
        set(),
    ),
    "after it began": (
        [IN, check_in(ANNA, OFFICE, "19:00"), check_out(ANNA, OFFICE, "23:00")],
        LATER,
        "+5 00:00",
        set(),
    ),
    "before it, where it adjoins": (
        [IN, check_in(ANNA, OFFICE, "17:10"), check_out(ANNA, OFFICE, "23:00")],
        LATER,
        "+5 00:00",
        set(),
    ),
    "where it starts a second later": (
        [IN, check_in(ANNA, OFFICE, "17:10"), check_out(ANNA, OFFICE, "23:00")],
        [ANNAS, shift(ANNA, OFFICE, "17:30:01", "23:00", "s2")],
        "+5 00:00",
        {"in 08:50"},
    ),
    "a check-in that reaches the shift as well": (
        [IN, check_in(ANNA, OFFICE, "16:10"), check_out(ANNA, OFFICE, "23:00")],
        DOUBLE,
        "+5 00:00",
        set(),
    ),
    "the next morning's shift does not adjoin": (
        [IN, check_in(ANNA, OFFICE, "+1 08:55"), check_out(ANNA, OFFICE, "+1 17:00", "home")],
        [ANNAS, shift(ANNA, OFFICE, "+1 09:00", "+1 17:00", "s2")],
        "+5 00:00",
        {"in 08:50"},
    ),
    "the relief, once somebody came": (
        [check_in(BEN, OFFICE, "08:55", "ben"), check_in(ANNA, OFFICE, "11:55"), LEFT_AT_17],
        [SUBSTITUTED],
        "+5 00:00",
        set(),
    ),
}


@pytest.mark.parametrize(
    ("punches", "shifts", "as_of", "expected"), MISSING.values(), ids=MISSING.keys()
)
def test_missing_check_out(
    punches: list[Any], shifts: list[Any], as_of: str, expected: set[str]
) -> None:
    assert found("missing_check_out", punches, shifts, as_of=as_of) == expected


def test_an_honest_day_raises_nothing_and_says_why() -> None:
    window = build([IN, check_out(ANNA, OFFICE, "17:01")], [ANNAS], explaining=True)
    assert reasons(schedule_mismatch, window) == set()
    assert {"late", "left_early", "no_show", "wrong_site"} <= {
        answer.reason for answer in nothings(schedule_mismatch, window)
    }
    assert all(answer.because for answer in nothings(schedule_mismatch, window))
