"""BIOMETRIC_ANOMALY as the definitions have it."""

from typing import Any

import pytest

from tests.worker.windows import ANNA, BEN, OFFICE, build, check_in, findings
from worker.detectors import biometric_anomaly
from worker.rules.window import Punch


def found(**biometric: Any) -> list[tuple[str, str, float]]:
    fields = {f"biometric_{name}": value for name, value in biometric.items()}
    window = build([check_in(ANNA, OFFICE, "09:00", **fields)])
    return [(f.reason, f.severity, f.confidence) for f in findings(biometric_anomaly, window)]


NOT_LIVE, LOW_SCORE = ("not_live", "HIGH", 0.90), ("low_score", "MEDIUM", 0.75)


@pytest.mark.parametrize(
    ("biometric", "expected"),
    [
        ({"method": "face", "score": 0.70, "liveness": 0.50}, []),
        ({"method": "face", "score": 0.70, "liveness": 0.4999}, [NOT_LIVE]),
        ({"method": "iris", "score": 0.6999, "liveness": 0.50}, [LOW_SCORE]),
        ({"method": "fingerprint", "score": 0.1, "liveness": 0.1}, [NOT_LIVE, LOW_SCORE]),
        ({"method": "card", "score": 0.1, "liveness": 0.1}, []),
        ({"method": "pin", "score": 0.1, "liveness": 0.1}, []),
        ({"method": "face"}, []),
        ({}, []),
    ],
)
def test_liveness_and_score(biometric: dict[str, Any], expected: list[Any]) -> None:
    assert found(**biometric) == expected


def series(
    scores: list[float],
    last: float,
    *,
    person: int = ANNA,
    method: str = "face",
    first_day: int = -11,
) -> list[Punch]:
    earlier = [
        check_in(
            person,
            OFFICE,
            f"{first_day + day} 09:00",
            f"e{day}",
            biometric_method=method,
            biometric_score=score,
        )
        for day, score in enumerate(scores)
    ]
    return [
        *earlier,
        check_in(ANNA, OFFICE, "09:00", "last", biometric_method="face", biometric_score=last),
    ]


BASELINES = {
    "at four deviations": (series([0.9] * 10, 0.82), False),
    "just below": (series([0.9] * 10, 0.8199), True),
    "fewer than ten earlier": (series([0.9] * 9, 0.75), False),
    "a wide spread of its own": (series([0.85, 0.95] * 5, 0.75), False),
    "by another method": (series([0.9] * 10, 0.75, method="iris"), False),
    "another person's": (series([0.9] * 10, 0.75, person=BEN), False),
    "one of them 30 days ago": (series([0.9] * 10, 0.75, first_day=-30), True),
    "one of them longer ago": (series([0.9] * 10, 0.75, first_day=-31), False),
}


@pytest.mark.parametrize(("punches", "expected"), BASELINES.values(), ids=BASELINES.keys())
def test_below_own_baseline(punches: list[Punch], expected: bool) -> None:
    on_last = [
        f for f in findings(biometric_anomaly, build(punches)) if f.subject.punch_id == "last"
    ]
    assert [(f.reason, f.severity, f.confidence) for f in on_last] == (
        [("below_own_baseline", "MEDIUM", 0.75)] if expected else []
    )
