"""WRONG_PERSON as the definitions have it."""

from typing import Any

import pytest

from tests.worker.windows import (
    ANNA,
    BEN,
    CARL,
    DEPOT,
    OFFICE,
    build,
    changing,
    check_in,
    check_out,
    findings,
    nothings,
    reasons,
    shift,
)
from worker.detectors import wrong_person

ANNAS = shift(ANNA, OFFICE, "09:00", "17:00")
BENS_LATER = shift(BEN, OFFICE, "14:00", "22:00", "s2")

PLACE = {
    "a stranger checks in while nobody attends": (
        [check_in(BEN, OFFICE, "09:00")],
        [ANNAS],
        {"in 09:00"},
    ),
    "at the very start of reach": ([check_in(BEN, OFFICE, "08:00")], [ANNAS], {"in 08:00"}),
    "a second before reach": ([check_in(BEN, OFFICE, "07:59:59")], [ANNAS], set()),
    "at the very end of the shift": ([check_in(BEN, OFFICE, "17:00")], [ANNAS], {"in 17:00"}),
    "a second after the end": ([check_in(BEN, OFFICE, "17:00:01")], [ANNAS], set()),
    "a check-out is no arrival": ([check_out(BEN, OFFICE, "09:00")], [ANNAS], set()),
    "at another site": ([check_in(BEN, DEPOT, "09:00")], [ANNAS], set()),
    "Anna came before": (
        [check_in(ANNA, OFFICE, "08:50"), check_in(BEN, OFFICE, "09:00")],
        [ANNAS],
        set(),
    ),
    "Anna comes by the end of the grace": (
        [check_in(BEN, OFFICE, "08:55"), check_in(ANNA, OFFICE, "09:15")],
        [ANNAS],
        set(),
    ),
    "Anna comes a second after the grace": (
        [check_in(BEN, OFFICE, "08:55"), check_in(ANNA, OFFICE, "09:15:01")],
        [ANNAS],
        {"in 08:55"},
    ),
    "Anna came late, but before": (
        [check_in(ANNA, OFFICE, "10:00"), check_in(BEN, OFFICE, "11:00")],
        [ANNAS],
        set(),
    ),
    "Anna is still there from the night": (
        [
            check_in(ANNA, OFFICE, "04:00"),
            check_out(ANNA, OFFICE, "09:05"),
            check_in(BEN, OFFICE, "10:00"),
        ],
        [ANNAS],
        set(),
    ),
    "Anna left just as it began": (
        [
            check_in(ANNA, OFFICE, "04:00"),
            check_out(ANNA, OFFICE, "09:00"),
            check_in(BEN, OFFICE, "10:00"),
        ],
        [ANNAS],
        {"in 10:00"},
    ),
    "a substitute may come": (
        [check_in(BEN, OFFICE, "09:00")],
        [shift(ANNA, OFFICE, "09:00", "17:00", substitutes=(BEN,))],
        set(),
    ),
    "another substitute attends": (
        [check_in(CARL, OFFICE, "08:58"), check_in(BEN, OFFICE, "09:00")],
        [shift(ANNA, OFFICE, "09:00", "17:00", substitutes=(CARL,))],
        set(),
    ),
    "once for a shift, not after each break": (
        [
            check_in(BEN, OFFICE, "09:00"),
            check_out(BEN, OFFICE, "12:00"),
            check_in(BEN, OFFICE, "12:30"),
        ],
        [ANNAS],
        {"in 09:00"},
    ),
    "again for the next shift": (
        [
            check_in(BEN, OFFICE, "09:00"),
            check_out(BEN, OFFICE, "12:00"),
            check_in(BEN, OFFICE, "16:30"),
        ],
        [ANNAS, shift(CARL, OFFICE, "17:00", "22:00", "s2")],
        {"in 09:00", "in 16:30"},
    ),
    "a double tap": (
        [check_in(BEN, OFFICE, "09:00"), check_in(BEN, OFFICE, "09:05")],
        [ANNAS],
        {"in 09:00"},
    ),
    "held over from an own shift": (
        [check_in(BEN, OFFICE, "09:30")],
        [ANNAS, shift(BEN, OFFICE, "02:00", "07:30", "s2")],
        set(),
    ),
    "a second past the holdover": (
        [check_in(BEN, OFFICE, "09:30:01")],
        [ANNAS, shift(BEN, OFFICE, "02:00", "07:30", "s2")],
        {"in 09:30:01"},
    ),
    "early for an own shift here": ([check_in(BEN, OFFICE, "10:00")], [ANNAS, BENS_LATER], set()),
    "a second too early for that": (
        [check_in(BEN, OFFICE, "09:59:59")],
        [ANNAS, BENS_LATER],
        {"in 09:59:59"},
    ),
    "of two shifts one is attended": (
        [check_in(ANNA, OFFICE, "08:50"), check_in(BEN, OFFICE, "09:00")],
        [ANNAS, shift(CARL, OFFICE, "09:00", "17:00", "s2")],
        {"in 09:00"},
    ),
    "one substitute cannot attend two that start together": (
        [check_in(CARL, OFFICE, "08:50"), check_in(BEN, OFFICE, "09:00")],
        [
            shift(ANNA, OFFICE, "09:00", "17:00", "s1", substitutes=(CARL,)),
            shift(4, OFFICE, "09:00", "17:00", "s2", substitutes=(CARL,)),
        ],
        {"in 09:00"},
    ),
}


@pytest.mark.parametrize(("punches", "shifts", "expected"), PLACE.values(), ids=PLACE.keys())
def test_in_place_of(punches: list[Any], shifts: list[Any], expected: set[str]) -> None:
    assert reasons(wrong_person, build(punches, shifts)) == {
        (punch_id, "in_place_of") for punch_id in expected
    }


def test_in_place_of_names_whoever_was_expected() -> None:
    (finding,) = findings(wrong_person, build([check_in(BEN, OFFICE, "09:00")], [ANNAS]))
    assert finding.evidence["expected"] == [{"person_id": ANNA, "name": "Anna"}]
    assert "Anna" in finding.explanation and (finding.severity, finding.confidence) == (
        "HIGH",
        0.90,
    )
    assert finding.evidence["shifts"] == ["s1"] and finding.private is None


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("on", "on", {"in 09:00"}),
        ("shadow", "shadow", {"in 09:00"}),
        ("shadow", "on", {"in 09:00", "in 12:30"}),
        ("on", "shadow", {"in 09:00"}),
    ],
)
def test_once_for_a_shift_is_once_as_loud_as_it_would_be(
    before: str, after: str, expected: set[str]
) -> None:
    """What stood in shadow only is nothing that anybody was told of."""
    punches = [
        check_in(BEN, OFFICE, "09:00"),
        check_out(BEN, OFFICE, "12:00"),
        check_in(BEN, OFFICE, "12:30"),
    ]
    policy = changing({"wrong_person": before}, "12:00", {"wrong_person": after})
    window = build(punches, [ANNAS], site_policies={OFFICE: policy})
    assert reasons(wrong_person, window) == {(punch_id, "in_place_of") for punch_id in expected}


def test_a_shift_whose_person_has_left_is_its_substitutes() -> None:
    rostered = shift(ANNA, OFFICE, "09:00", "17:00", substitutes=(CARL,), person_left=True)
    (finding,) = findings(wrong_person, build([check_in(ANNA, OFFICE, "09:00")], [rostered]))
    assert "of Carl was not attended" in finding.explanation
    assert finding.evidence["expected"] == [{"person_id": CARL, "name": "Carl"}]
    came = [check_in(CARL, OFFICE, "09:00"), check_in(BEN, OFFICE, "09:00", "ben")]
    assert reasons(wrong_person, build(came, [rostered])) == set()


def test_an_incomplete_roster_cannot_tell() -> None:
    window = build(
        [check_in(BEN, OFFICE, "09:00")], [ANNAS], roster_complete=False, explaining=True
    )
    assert reasons(wrong_person, window) == set()
    assert (
        "incomplete" in {n.reason: n.because for n in nothings(wrong_person, window)}["in_place_of"]
    )


@pytest.mark.parametrize(
    ("biometric", "confidence"),
    [
        ({"biometric_person_id": BEN, "biometric_score": 0.83}, 0.83),
        ({"biometric_person_id": BEN}, 0.95),
        ({"biometric_person_id": ANNA, "biometric_score": 0.83}, None),
        ({"biometric_score": 0.83}, None),
    ],
    ids=["somebody else", "somebody else, no score", "the person", "no match"],
)
def test_face_is_another_person(biometric: dict[str, Any], confidence: float | None) -> None:
    found = findings(
        wrong_person,
        build([check_out(ANNA, OFFICE, "09:00", biometric_method="face", **biometric)]),
    )
    assert [(f.reason, f.severity, f.confidence) for f in found] == (
        [("face_is_another_person", "CRITICAL", confidence)] if confidence is not None else []
    )
