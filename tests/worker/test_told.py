"""What a tenant is told once."""

from datetime import timedelta

from sqlalchemy import Engine

from models import intake
from tests.worker.cast import NOON, feed, punch, rows
from tests.worker.conftest import Heard
from worker.judge import judge
from worker.retention import prune


def test_an_undeclared_kiosk_is_told_once_even_after_the_feed_has_forgotten(engine: Engine, heard: Heard) -> None:
    for person_id in range(1, 8):
        at = (NOON + timedelta(minutes=10 * person_id)).isoformat()
        intake.submit(engine, [punch(f"p{person_id}", person_id=person_id, device_id="lobby", occurred_at=at)])
        judge(engine, 1, heard)
    (told,) = [payload for payload in feed(engine) if payload["type"] == "finding_created"]
    assert (told["finding"], told["device_id"], told["people"], told["site_id"]) == ("UNDECLARED_SHARED_DEVICE", "lobby", 5, 15)
    rows(engine, "UPDATE published SET said_at = said_at - interval '1 year' RETURNING 1")
    prune(engine, timedelta(days=30))
    intake.submit(engine, [punch("p9", person_id=9, device_id="lobby", occurred_at=(NOON + timedelta(hours=3)).isoformat())])
    judge(engine, 1, heard)
    assert [payload["type"] for payload in feed(engine)].count("finding_created") == 1


def test_a_kiosk_whose_people_never_meet_is_told_as_well(engine: Engine, heard: Heard) -> None:
    for person_id in range(1, 6):
        at = (NOON - timedelta(days=person_id)).isoformat()
        intake.submit(engine, [punch(f"p{person_id}", person_id=person_id, device_id="lobby", occurred_at=at)])
        judge(engine, 1, heard)
    assert [payload["people"] for payload in feed(engine) if payload["type"] == "finding_created"] == [5]


def test_a_policy_that_makes_a_device_a_kiosk_tells_it(engine: Engine, heard: Heard) -> None:
    for person_id in (1, 2):
        at = (NOON - timedelta(days=person_id)).isoformat()
        intake.submit(engine, [punch(f"p{person_id}", person_id=person_id, device_id="lobby", occurred_at=at)])
    intake.sync_roster(engine, {"tenant": {"tenant_id": 1, "policy": {"kiosk_people": 2}}})
    judge(engine, 1, heard)
    assert [payload["people"] for payload in feed(engine) if payload["type"] == "finding_created"] == [2]
