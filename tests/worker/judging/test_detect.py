"""Scored findings: the leading reason, the score, shadow and off, and what a crash costs."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from tests.worker.windows import ANNA, BEN, DEPOT, OFFICE, build, check_in, check_out, shift
from worker.judging.detect import detect
from worker.metrics import DETECTOR_CRASHES
from worker.registry import DETECTORS
from worker.rules.finding import Finding, Findings, ScoredFinding, Subject
from worker.rules.window import Assignment, Window

STRANGER = [
    check_in(
        ANNA, OFFICE, "09:00", biometric_person_id=BEN, biometric_score=0.9, biometric_method="face"
    )
]
ELSEWHERE = [Assignment(ANNA, DEPOT)]


def by_type(scored_findings: list[ScoredFinding]) -> dict[str, ScoredFinding]:
    return {scored.finding.anomaly_type: scored for scored in scored_findings}


def test_the_gravest_reason_leads_and_the_rest_stand_in_its_evidence() -> None:
    (scored,) = detect(build(STRANGER, [shift(BEN, OFFICE, "09:00", "17:00")], as_of="09:05"))
    assert (scored.finding.reason, scored.finding.severity) == (
        "face_is_another_person",
        "CRITICAL",
    )
    assert [also["reason"] for also in scored.finding.evidence["also"]] == ["in_place_of"]
    assert scored.finding.evidence["policy_version"] == scored.policy_version == 1
    assert (scored.person_name, scored.site_name) == ("Anna", "Main Office")


def test_the_score_multiplies_what_remains_and_is_the_same_on_each() -> None:
    scored = by_type(detect(build(STRANGER, assignments=ELSEWHERE)))
    assert scored.keys() == {"WRONG_PERSON", "UNAUTHORIZED_SITE"}
    assert {one.fraud_score for one in scored.values()} == {
        round(1 - (1 - 0.80 * 0.9) * (1 - 0.70 * 0.9), 4)
    }


def test_a_type_in_shadow_stands_but_does_not_count() -> None:
    scored = by_type(
        detect(build(STRANGER, assignments=ELSEWHERE, policy={"wrong_person": "shadow"}))
    )
    assert scored["WRONG_PERSON"].shadow and not scored["UNAUTHORIZED_SITE"].shadow
    assert (
        scored["WRONG_PERSON"].fraud_score
        == scored["UNAUTHORIZED_SITE"].fraud_score
        == round(0.70 * 0.9, 4)
    )


def test_a_type_switched_off_at_the_site_does_not_stand_there() -> None:
    window = build(STRANGER, assignments=ELSEWHERE, site_policies={OFFICE: {"wrong_person": "off"}})
    assert by_type(detect(window)).keys() == {"UNAUTHORIZED_SITE"}


def test_only_subjects_are_judged() -> None:
    window = build(STRANGER)
    window.subjects = frozenset()
    assert detect(window) == []


class Crashing:
    """A detector that crashes on one punch and finds something on each other."""

    TYPE = "GPS_SPOOFING"

    @staticmethod
    def detect(window: Window) -> Findings:
        for punch in window.punches_to_judge:
            if punch.punch_id == "poison":
                raise ZeroDivisionError
            yield Finding(
                Subject(punch.punch_id, ""),
                "GPS_SPOOFING",
                1,
                OFFICE,
                punch.occurred_at,
                "mock_location",
                "LOW",
                0.5,
                "Because.",
                {},
            )


def crashes() -> float:
    value: float = DETECTOR_CRASHES.labels(anomaly_type="GPS_SPOOFING")._value.get()
    return value


def test_a_crash_costs_neither_the_other_findings_nor_its_being_seen() -> None:
    counted = crashes()
    window = build(
        [check_in(ANNA, OFFICE, "09:00", "poison"), check_out(ANNA, OFFICE, "10:00", "fine")],
        assignments=ELSEWHERE,
    )
    with capture_logs() as logs:
        scored_findings = detect(window, [cast(Any, Crashing), *DETECTORS])
    assert {(v.finding.subject.punch_id, v.finding.anomaly_type) for v in scored_findings} == {
        ("fine", "GPS_SPOOFING"),
        ("poison", "UNAUTHORIZED_SITE"),
    }
    assert window.crashed == {(Subject("poison", ""), "GPS_SPOOFING")}
    assert [(log["event"], log["anomaly_type"], log["punch_id"]) for log in logs] == [
        ("detector_crashed", "GPS_SPOOFING", "poison")
    ]
    assert crashes() == counted + 1


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.TYPE)
def test_an_empty_window_holds_nothing(detector: SimpleNamespace) -> None:
    assert list(detector.detect(build([]))) == []
