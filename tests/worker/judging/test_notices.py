"""Notices, each of which a tenant gets only once."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from models import intake
from models.database import transaction
from models.ids import Id
from tests.worker.cast import NOON, feed, punch, rows
from tests.worker.conftest import Heard
from worker.judging.judge import judge, judge_batch, wait_lock
from worker.judging.work_queue import take_punches
from worker.retention import prune


def test_an_undeclared_kiosk_is_told_once_even_after_the_feed_has_forgotten(
    engine: Engine, heard: Heard
) -> None:
    for person_id in range(1, 8):
        at = (NOON + timedelta(minutes=10 * person_id)).isoformat()
        intake.submit(
            engine, [punch(f"p{person_id}", person_id=person_id, device_id="lobby", occurred_at=at)]
        )
        judge(engine, 1, heard)
    (notice,) = [payload for payload in feed(engine) if payload["type"] == "finding_created"]
    assert (notice["finding"], notice["device_id"], notice["people"], notice["site_id"]) == (
        "UNDECLARED_SHARED_DEVICE",
        "lobby",
        5,
        15,
    )
    rows(engine, "UPDATE published SET said_at = said_at - interval '1 year' RETURNING 1")
    prune(engine, timedelta(days=30))
    intake.submit(
        engine,
        [
            punch(
                "p9",
                person_id=9,
                device_id="lobby",
                occurred_at=(NOON + timedelta(hours=3)).isoformat(),
            )
        ],
    )
    judge(engine, 1, heard)
    assert [payload["type"] for payload in feed(engine)].count("finding_created") == 1


def test_a_kiosk_whose_people_never_meet_is_told_as_well(engine: Engine, heard: Heard) -> None:
    for person_id in range(1, 6):
        at = (NOON - timedelta(days=person_id)).isoformat()
        intake.submit(
            engine, [punch(f"p{person_id}", person_id=person_id, device_id="lobby", occurred_at=at)]
        )
        judge(engine, 1, heard)
    assert [
        payload["people"] for payload in feed(engine) if payload["type"] == "finding_created"
    ] == [5]


def test_a_policy_that_makes_a_device_a_kiosk_tells_it(engine: Engine, heard: Heard) -> None:
    for person_id in (1, 2):
        at = (NOON - timedelta(days=person_id)).isoformat()
        intake.submit(
            engine, [punch(f"p{person_id}", person_id=person_id, device_id="lobby", occurred_at=at)]
        )
    policy = {"policy": {"kiosk_people": 2}, "correction": True}
    intake.sync_roster(engine, {"tenant": {"tenant_id": 1, **policy}})
    judge(engine, 1, heard)
    assert [
        payload["people"] for payload in feed(engine) if payload["type"] == "finding_created"
    ] == [2]


def reused(engine: Engine) -> list[dict[str, Any]]:
    return [payload for payload in feed(engine) if payload.get("finding") == "PUNCH_ID_REUSED"]


LATE, LATER = (NOON + timedelta(hours=1)).isoformat(), (NOON + timedelta(hours=2)).isoformat()
A_WEEK_BEFORE = (NOON - timedelta(days=7)).isoformat()
OVER_A_WEEK_BEFORE = (NOON - timedelta(days=7, seconds=1)).isoformat()


@pytest.mark.parametrize(
    ("again", "times"),
    [
        ({"person_id": 2}, 1),
        ({"occurred_at": OVER_A_WEEK_BEFORE}, 1),
        ({"occurred_at": A_WEEK_BEFORE}, 0),
        ({"site_id": 16}, 0),
        ({"note": "mended"}, 0),
        ({}, 0),
    ],
)
def test_a_punch_id_that_comes_for_another_person_or_week_is_told_once(
    engine: Engine, heard: Heard, again: dict[str, Any], times: int
) -> None:
    intake.submit(engine, [punch("p1")])
    for _ in range(2):  # redelivered
        (outcome,) = intake.submit(engine, [punch("p1", **again, sent_at=LATE)])
        judge(engine, 1, heard)
    assert outcome.applied
    assert len(reused(engine)) == times
    if times:
        (message,) = [said for said in heard.messages if said.event == "finding_created"]
        assert (message.site_id, message.severity) == (15, "LOW")


def test_further_people_under_one_punch_id_are_not_told_again_even_after_the_feed_has_forgotten(
    engine: Engine, heard: Heard
) -> None:
    for person_id in (1, 2, 3):
        intake.submit(engine, [punch("p1", person_id=person_id)])
        judge(engine, 1, heard)
        rows(engine, "UPDATE published SET said_at = said_at - interval '1 year' RETURNING 1")
        prune(engine, timedelta(days=30))
    assert len(reused(engine)) == 1


def test_it_is_told_where_a_punch_does_not_count_any_more_and_names_no_other_site(
    engine: Engine, heard: Heard
) -> None:
    intake.submit(engine, [punch("won", sent_at=LATE), punch("lost", sent_at=LATER)])
    other = {"person_id": 2, "site_id": 16}
    intake.submit(
        engine, [punch("won", **other, sent_at=LATER), punch("lost", **other, sent_at=LATE)]
    )
    judge(engine, 1, heard)
    notices = {payload["punch_id"]: payload for payload in reused(engine)}
    assert {
        punch_id: (notice["site_id"], notice["person_id"]) for punch_id, notice in notices.items()
    } == {"won": (15, 1), "lost": (16, 2)}
    assert {notice["other_person_id"] for notice in notices.values()} == {None}
    assert "another person at another site" in notices["won"]["explanation"]


def test_one_that_comes_under_the_id_of_a_voided_punch_is_told(
    engine: Engine, heard: Heard
) -> None:
    """The new punch does not count either, though nobody voided it."""
    intake.submit(engine, [punch("p1")])
    intake.void(engine, 1, "p1", "a test")
    intake.submit(engine, [punch("p1", person_id=2, site_id=16)])
    judge(engine, 1, heard)
    assert [(payload["site_id"], payload["person_id"]) for payload in reused(engine)] == [(16, 2)]


def test_what_is_backfilled_tells_of_no_reused_id(engine: Engine, heard: Heard) -> None:
    intake.submit(engine, [punch("p1")])
    intake.submit(engine, [punch("p1", person_id=2)], backfill=True)
    judge(engine, 1, heard)
    assert reused(engine) == []


def test_two_judges_at_one_reused_id_tell_it_once(engine: Engine, heard: Heard) -> None:
    """The second judges while the first has written the notice, and not committed."""
    intake.submit(engine, [punch("p1")])
    intake.submit(engine, [punch("p1", person_id=2)])
    with transaction(engine) as cursor:
        batch = take_punches(cursor, 1)
        assert batch
        judge_batch(cursor, 1, batch, wait_lock(cursor, 1))
        judge(engine, 1, heard)
        assert reused(engine) == []
    judge(engine, 1, heard)
    assert len(reused(engine)) == 1


def expect_crew(engine: Engine, *, people: int = 6, starts_at: datetime = NOON) -> None:
    """Expect some people at the office from a moment on."""
    shifts = [
        {
            "shift_id": f"s{person_id} {starts_at.isoformat()}",
            "person_id": person_id,
            "site_id": 15,
            "starts_at": starts_at.isoformat(),
            "ends_at": (starts_at + timedelta(hours=8)).isoformat(),
        }
        for person_id in range(1, people + 1)
    ]
    intake.sync_roster(engine, {"tenant": {"tenant_id": 1}, "shifts": shifts})


def come(
    engine: Engine, heard: Heard, name: str, person_id: Id, hours: float, **fields: Any
) -> None:
    at = (NOON + timedelta(hours=hours)).isoformat()
    content = {"person_id": person_id, "device_id": "kiosk", "occurred_at": at, **fields}
    intake.submit(engine, [punch(name, **content)])
    judge(engine, 1, heard)


def silent(engine: Engine) -> list[dict[str, Any]]:
    return [payload for payload in feed(engine) if payload.get("finding") == "SOURCE_SILENT"]


def no_shows(engine: Engine) -> dict[str, int]:
    counts = rows(
        engine,
        "SELECT reason, count(*) FROM anomaly WHERE shift_id <> '' AND standing GROUP BY reason",
    )
    return dict(counts)


def test_a_silent_site_is_told_once_however_its_silence_is_split(
    engine: Engine, heard: Heard
) -> None:
    come(engine, heard, "before", 9, -20)
    expect_crew(engine)
    judge(engine, 1, heard)
    assert no_shows(engine) == {"no_show_unheard": 6}
    (notice,) = silent(engine)
    assert (notice["severity"], notice["site_id"], notice["device_id"]) == ("HIGH", 15, None)
    since = NOON - timedelta(hours=20)
    assert datetime.fromisoformat(notice["silent_since"]) == since
    assert notice["explanation"].startswith("Nothing came of Site 15 since ")
    for number in range(3):  # what the kiosk still had of the morning
        come(engine, heard, f"p{number}", 9, -1 + number / 4, kind="check_out")
    assert no_shows(engine) == {"no_show_unheard": 6}
    expect_crew(engine, starts_at=NOON + timedelta(hours=3))
    judge(engine, 1, heard)
    assert len(silent(engine)) == 1
    come(engine, heard, "p3", 1, 0.1)
    assert no_shows(engine)["no_show"] == 5
    # From then on it was silent again, for the five others who were due later.
    assert no_shows(engine)["no_show_unheard"] == 5
    assert len(silent(engine)) == 2


def test_once_the_missing_punches_come_who_really_is_missing_is_told(
    engine: Engine, heard: Heard
) -> None:
    come(engine, heard, "before", 9, -20)
    expect_crew(engine)
    judge(engine, 1, heard)
    for person_id in range(2, 7):
        come(engine, heard, f"in {person_id}", person_id, person_id / 60)
    assert no_shows(engine) == {"no_show": 1}
    for person_id in range(2, 7):
        intake.void(engine, 1, f"in {person_id}", "It was a test.")
    judge(engine, 1, heard)
    assert no_shows(engine) == {"no_show_unheard": 6}
    assert len(silent(engine)) == 1


def test_a_silent_device_is_named(engine: Engine, heard: Heard) -> None:
    for person_id in range(1, 4):
        come(engine, heard, f"before {person_id}", person_id, -20)
    come(engine, heard, "by the door", 9, 0.5, device_id="door", kind="check_out")
    expect_crew(engine, people=3)
    judge(engine, 1, heard)
    assert no_shows(engine) == {"no_show_unheard": 3}
    (notice,) = silent(engine)
    assert notice["device_id"] == "kiosk"
    assert notice["explanation"].startswith("Nothing came of the device kiosk at Site 15 since ")


def test_who_stood_in_for_the_others_makes_the_silence_no_less_told(
    engine: Engine, heard: Heard
) -> None:
    come(engine, heard, "before", 9, -20)
    come(engine, heard, "stranger", 9, -0.5)
    expect_crew(engine)
    judge(engine, 1, heard)
    assert no_shows(engine) == {"stood_in_for": 6}
    assert len(silent(engine)) == 1


def test_in_shadow_nothing_is_told_of_a_silence(engine: Engine, heard: Heard) -> None:
    policy = {"policy": {"schedule_mismatch": "shadow"}, "correction": True}
    intake.sync_roster(engine, {"tenant": {"tenant_id": 1, **policy}})
    come(engine, heard, "before", 9, -20)
    expect_crew(engine)
    judge(engine, 1, heard)
    assert no_shows(engine) == {"no_show_unheard": 6}
    assert silent(engine) == []
