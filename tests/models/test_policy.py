"""Policy: what may be said, and which says it last."""

from typing import Any

import pytest

from models.policy import DEFAULT_POLICY, Policy, merged, validate
from worker.registry import DETECTORS


@pytest.mark.parametrize(
    "policy",
    [{}, {"max_work_hours": 12}, {"wrong_person": "shadow", "late_severity": "MEDIUM"}, {"kiosk_people": None}, {"grace_minutes": 7.5}],
)
def test_a_good_policy_has_nothing_wrong(policy: dict[str, Any]) -> None:
    assert validate(policy) == []


@pytest.mark.parametrize(
    ("policy", "complaint"),
    [
        ([], "policy: must be an object"),
        ({"max_work_hour": 12}, "policy.max_work_hour: is no policy of ours; did you mean max_work_hours?"),
        ({"wrong_person": "maybe"}, "policy.wrong_person: Input should be 'on', 'off' or 'shadow', got 'maybe'"),
        ({"late_severity": "low"}, "policy.late_severity"),
        ({"grace_minutes": "15"}, "policy.grace_minutes: Input should be a valid number, got '15'"),
        ({"grace_minutes": -1}, "policy.grace_minutes"),
        ({"wrong_person_weight": 1.5}, "policy.wrong_person_weight"),
        ({"kiosk_people": True}, "policy.kiosk_people"),
        ({"max_travel_speed_kmh": float("nan")}, "policy.max_travel_speed_kmh"),
        ({7: 1}, "policy: 7 is no key"),
    ],
)
def test_a_bad_one_says_what_is_wrong_with_it(policy: Any, complaint: str) -> None:
    assert [problem for problem in validate(policy) if problem.startswith(complaint)]


def test_every_problem_is_named_at_once() -> None:
    assert len(validate({"nonsense": 1, "grace_minutes": "x", "late_severity": 3})) == 3


def test_the_site_wins_over_the_tenant_and_the_tenant_over_the_default() -> None:
    policy = merged({"max_work_hours": 12, "grace_minutes": 5}, {"grace_minutes": 7})
    assert (policy.max_work_hours, policy.grace_minutes, policy.kiosk_people) == (12, 7, 5)
    assert merged({}, {"grace_minutes": None}) == merged({}) == DEFAULT_POLICY


def test_every_type_can_be_switched_and_weighed() -> None:
    for detector in DETECTORS:
        assert {detector.TYPE.lower(), f"{detector.TYPE.lower()}_weight"} <= Policy.model_fields.keys()
