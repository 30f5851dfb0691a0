"""Policy: which values may be sent, and which of the tenant's and the site's wins."""

from typing import Any

import pytest
from pydantic import ValidationError

from models.policy import DEFAULT_POLICY, KEYS, merged, validate
from models.policy.alerts import Alerts
from models.policy.attendance import Attendance
from models.policy.biometrics import Biometrics
from models.policy.buddy_punching import BuddyPunching
from models.policy.keys import Key, Shared, _each_once
from models.policy.places import Places
from models.policy.wrong_person import WrongPerson
from models.vocabulary import SEVERITIES, TYPES


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"max_work_hours": 12},
        {"wrong_person": "shadow", "late_severity": "MEDIUM"},
        {"kiosk_people": None},
        {"grace_minutes": 7.5},
    ],
)
def test_a_good_policy_has_nothing_wrong(policy: dict[str, Any]) -> None:
    assert validate(policy) == []


@pytest.mark.parametrize(
    ("policy", "complaint"),
    [
        ([], "policy: must be an object"),
        (
            {"max_work_hour": 12},
            "policy.max_work_hour: is no policy of ours; did you mean max_work_hours?",
        ),
        (
            {"wrong_person": "maybe"},
            "policy.wrong_person: Input should be 'on', 'off' or 'shadow', got 'maybe'",
        ),
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
    assert (policy.max_work_hours, policy.grace_minutes, policy.repeat_minutes) == (12, 7, 10)
    assert merged({}, {"grace_minutes": None}) == merged({}) == DEFAULT_POLICY


def test_each_type_has_what_is_its_own_from_the_same_flat_keys() -> None:
    tenant = {
        "wrong_person": "shadow",
        "wrong_person_weight": 0.1,
        "in_place_of_severity": "LOW",
        "kiosk_people": 7,
    }
    policy = merged(tenant, {"wrong_person": "off", "kiosk_people": None})
    assert policy.of(WrongPerson) is policy.of_type("WRONG_PERSON")
    own = policy.of(WrongPerson)
    assert (
        own.mode,
        own.weight,
        own.in_place_of_severity,
        own.face_is_another_person_severity,
    ) == ("off", 0.1, "LOW", "CRITICAL")
    assert policy.of(BuddyPunching).kiosk_people == 7
    assert policy.of_type("GPS_SPOOFING") is DEFAULT_POLICY.of_type("GPS_SPOOFING")


def test_every_type_can_be_switched_and_weighed() -> None:
    for name in TYPES:
        policy = merged({name.lower(): "shadow", f"{name.lower()}_weight": 0.5}).of_type(name)
        assert (policy.mode, policy.weight) == ("shadow", 0.5)


@pytest.mark.parametrize("name", ["mode", "weight", "types", "max_work_hour"])
def test_what_the_parts_call_their_fields_is_no_key(name: str) -> None:
    (problem,) = validate({name: "on"})
    assert problem.startswith(f"policy.{name}: is no policy of ours")


def test_what_was_stored_without_being_asked_about_is_not_put_in_force() -> None:
    for stored in (
        {"max_work_hour": 12},
        {"mode": "off"},
        {"wrong_person": "maybe"},
        {"grace_minutes": "15"},
    ):
        with pytest.raises(ValidationError):
            merged(stored)


def test_a_key_that_two_parts_have_is_refused_when_policies_are_composed() -> None:
    key = KEYS["kiosk_people"]
    with pytest.raises(
        TypeError, match="the policy key kiosk_people has two homes: BuddyPunching and Shared"
    ):
        _each_once(
            [
                ("kiosk_people", key),
                ("grace_minutes", KEYS["grace_minutes"]),
                ("kiosk_people", Key(Shared, "kiosk_people")),
            ]
        )


def test_what_types_share_stands_in_one_room_only() -> None:
    shared = [
        name for room in (Places, Attendance, Biometrics, Alerts) for name in room.model_fields
    ]
    assert sorted([*shared, "rejudge_days"]) == sorted(Shared.model_fields)


def test_the_defaults_are_values_that_may_be_sent() -> None:
    sent = {name: key.default for name, key in KEYS.items()}
    sent["escalation_chain"] = [step.model_dump() for step in sent["escalation_chain"]]
    assert validate(sent) == []
    assert merged(sent) == DEFAULT_POLICY


def test_every_severity_waits_its_own_time() -> None:
    waits = [
        merged({f"escalate_{severity.lower()}_minutes": 7}).escalate_after(severity)
        for severity in SEVERITIES
    ]
    assert waits == [7] * len(SEVERITIES)
