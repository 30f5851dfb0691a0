"""A judgement writes and says only what differs from what stood before."""

from typing import Any

import pytest
from sqlalchemy import Engine

from models import intake
from models.database import transaction
from tests.payloads import anomaly_payload
from tests.worker.cast import NOON, anomalies, found, imposter, punch, rows, waiting
from tests.worker.conftest import Heard
from worker.judging.judge import judge


def submit(
    engine: Engine, heard: Heard, *punches: dict[str, Any], backfill: bool = False
) -> list[dict[str, Any]]:
    """Submit, judge, and return the new messages."""
    before = len(found(engine))
    assert {outcome.status for outcome in intake.submit(engine, punches, backfill=backfill)} == {
        "accepted"
    }
    judge(engine, 1, heard)
    assert waiting(engine) == 0
    return found(engine)[before:]


def test_an_anomaly_is_stored_and_said_as_the_contract_has_it(engine: Engine, heard: Heard) -> None:
    (said,) = submit(engine, heard, imposter("p1"))
    assert anomalies(engine) == [("p1", "WRONG_PERSON", 1, 15, True)]
    payload = anomaly_payload(said)
    assert (payload.type, payload.status, payload.tenant_id, payload.person_name) == (
        "anomaly_detected",
        "DETECTED",
        1,
        "Person 1",
    )
    assert (payload.punch_id, payload.shift_id, payload.site_name, payload.severity) == (
        "p1",
        None,
        "Site 15",
        "CRITICAL",
    )
    assert said["occurred_at"] == NOON.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert payload.occurred_at == NOON
    assert heard.messages[0].prior_severity is None


def test_judging_the_same_again_says_nothing(engine: Engine, heard: Heard) -> None:
    submit(engine, heard, imposter("p1"))
    assert submit(engine, heard, imposter("p1"), imposter("p1")) == []
    assert submit(engine, heard, punch("p2")) == []


def test_an_honest_punch_writes_nothing(engine: Engine, heard: Heard) -> None:
    assert submit(engine, heard, punch("p1")) == []
    assert anomalies(engine) == []


def test_a_correction_that_takes_the_reason_away_withdraws_the_anomaly(
    engine: Engine, heard: Heard
) -> None:
    (first,) = submit(engine, heard, imposter("p1"))
    (withdrawn,) = submit(engine, heard, punch("p1"))
    assert (withdrawn["type"], withdrawn["status"], withdrawn["anomaly_id"]) == (
        "anomaly_updated",
        "WITHDRAWN",
        first["anomaly_id"],
    )
    assert withdrawn["fraud_score"] == 0
    assert heard.messages[-2].prior_severity == "CRITICAL"


def test_one_that_stands_again_keeps_its_id(engine: Engine, heard: Heard) -> None:
    (first,) = submit(engine, heard, imposter("p1"))
    submit(engine, heard, punch("p1"))
    (again,) = submit(engine, heard, imposter("p1", latitude=48.0, longitude=11.0, accuracy_m=5))
    assert (again["type"], again["status"], again["anomaly_id"]) == (
        "anomaly_updated",
        "DETECTED",
        first["anomaly_id"],
    )
    assert again["timestamp"] == first["timestamp"]


def test_a_punch_that_moves_to_another_site_is_withdrawn_there_and_detected_here(
    engine: Engine, heard: Heard
) -> None:
    (first,) = submit(engine, heard, imposter("p1"))
    withdrawn, new = submit(engine, heard, imposter("p1", site_id=16))
    assert (withdrawn["type"], withdrawn["site_id"], withdrawn["status"]) == (
        "anomaly_updated",
        15,
        "WITHDRAWN",
    )
    assert withdrawn["anomaly_id"] == first["anomaly_id"] != new["anomaly_id"]
    assert (new["type"], new["site_id"], new["status"]) == ("anomaly_detected", 16, "DETECTED")
    assert withdrawn["fraud_score"] == 0  # of its new site the old one learns nothing


def test_a_punch_that_is_voided_is_withdrawn(engine: Engine, heard: Heard) -> None:
    submit(engine, heard, imposter("p1"))
    intake.void(engine, 1, "p1", "a test of the clock")
    judge(engine, 1, heard)
    assert found(engine)[-1]["status"] == "WITHDRAWN"


def test_a_changed_score_is_said_of_every_anomaly_of_the_punch_once(
    engine: Engine, heard: Heard
) -> None:
    (alone,) = submit(engine, heard, imposter("p1"))
    said = submit(engine, heard, imposter("p1", is_mock_location=True))
    assert sorted((payload["type"], payload["anomaly_type"]) for payload in said) == [
        ("anomaly_detected", "GPS_SPOOFING"),
        ("anomaly_updated", "WRONG_PERSON"),
    ]
    assert {payload["fraud_score"] for payload in said} == {said[0]["fraud_score"]}
    assert said[0]["fraud_score"] > alone["fraud_score"]


def test_a_review_outlives_what_judgements_change(engine: Engine, heard: Heard) -> None:
    submit(engine, heard, imposter("p1"))
    rows(engine, "UPDATE anomaly SET review = 'CONFIRMED' WHERE tenant_id = 1 RETURNING 1")
    assert [payload["status"] for payload in submit(engine, heard, punch("p1"))] == ["WITHDRAWN"]
    assert [
        payload["status"] for payload in submit(engine, heard, imposter("p1", accuracy_m=7))
    ] == ["CONFIRMED"]


def test_a_type_in_shadow_is_stored_and_not_said_nor_scored(engine: Engine, heard: Heard) -> None:
    shadow = {"policy": {"wrong_person": "shadow"}, "correction": True}
    intake.sync_roster(engine, {"tenant": {"tenant_id": 1, **shadow}})
    assert submit(engine, heard, imposter("p1")) == []
    assert rows(engine, "SELECT standing, shadow, said, fraud_score FROM anomaly") == [
        (True, True, False, 0.0)
    ]


def test_a_type_put_into_shadow_is_withdrawn_for_viewers_and_comes_back_with_its_id(
    engine: Engine, heard: Heard
) -> None:
    (first,) = submit(engine, heard, imposter("p1"))
    for mode, status in (("shadow", "WITHDRAWN"), ("on", "DETECTED")):
        policy = {"policy": {"wrong_person": mode}, "correction": True}
        intake.sync_roster(engine, {"tenant": {"tenant_id": 1, **policy}})
        judge(engine, 1, heard)
        assert (found(engine)[-1]["status"], found(engine)[-1]["anomaly_id"]) == (
            status,
            first["anomaly_id"],
        )


def test_a_new_version_of_the_policy_alone_says_nothing(engine: Engine, heard: Heard) -> None:
    submit(engine, heard, imposter("p1"))
    policy = {"policy": {"kiosk_people": 6}, "correction": True}
    intake.sync_roster(engine, {"tenant": {"tenant_id": 1, **policy}})
    judge(engine, 1, heard)
    assert len(found(engine)) == 1


def test_backfilled_punches_are_stored_and_stay_silent(engine: Engine, heard: Heard) -> None:
    assert submit(engine, heard, imposter("p1"), backfill=True) == []
    assert rows(engine, "SELECT standing, backfill, said FROM anomaly") == [(True, True, False)]
    assert submit(engine, heard, punch("p1"), backfill=True) == []


def test_a_backfilled_punch_that_is_corrected_live_is_said(engine: Engine, heard: Heard) -> None:
    submit(engine, heard, imposter("p1"), backfill=True)
    (said,) = submit(engine, heard, imposter("p1", accuracy_m=7))
    assert said["type"] == "anomaly_detected"


def test_a_person_nobody_rostered_goes_by_the_name_on_the_punch(
    engine: Engine, heard: Heard
) -> None:
    names = {
        payload["person_name"]
        for payload in submit(
            engine,
            heard,
            imposter("p1", person_id=99, person_name="Walk In"),
            imposter("p2", person_id=98, occurred_at=NOON.isoformat()),
        )
    }
    assert names == {"Walk In", None}


def test_another_tenants_same_ids_are_another_world(engine: Engine, heard: Heard) -> None:
    submit(engine, heard, imposter("p1"))
    intake.submit(engine, [punch("p1", tenant_id=2)])
    judge(engine, 2, heard)
    assert (len(found(engine)), found(engine, 2), anomalies(engine, 2)) == (1, [], [])


def test_what_stood_of_a_detector_that_crashes_stands_until_it_can_decide_again(
    engine: Engine, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(engine, heard, imposter("p1"))
    with monkeypatch.context() as patch:
        patch.setattr("worker.detectors.wrong_person.in_place_of", lambda *_: 1 / 0)
        (said,) = submit(engine, heard, punch("p1", is_mock_location=True))
    assert (said["type"], said["anomaly_type"]) == ("anomaly_detected", "GPS_SPOOFING")
    assert [(row[1], row[-1]) for row in anomalies(engine)] == [
        ("GPS_SPOOFING", True),
        ("WRONG_PERSON", True),
    ]
    (said,) = submit(engine, heard, punch("p1", is_mock_location=True, accuracy_m=5))
    assert (said["anomaly_type"], said["status"]) == ("WRONG_PERSON", "WITHDRAWN")


def test_columns_that_a_later_release_has_added_keep_what_they_hold(
    engine: Engine, heard: Heard
) -> None:
    with transaction(engine) as cursor:
        for table in ("anomaly", "withdrawal_trail", "alert_anomaly", "message", "published"):
            cursor.execute(f"ALTER TABLE {table} ADD COLUMN shade text NOT NULL DEFAULT 'grey'")
    submit(engine, heard, imposter("p1"))
    rows(engine, "UPDATE anomaly SET shade = 'red' RETURNING 1")
    submit(engine, heard, punch("p1"))
    assert rows(engine, "SELECT standing, shade FROM anomaly") == [(False, "red")]
    assert rows(engine, "SELECT shade FROM withdrawal_trail") == [("grey",)]
