"""Submitting: what is new is stored and put up for judging, the same again changes nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from models.intake import submit
from tests.models.intake.stored import a_punch, codes, pending, punches, rejected, rows


def test_a_punch_is_stored_and_put_up_for_judging(engine: Engine) -> None:
    content = a_punch(
        device_id="kiosk",
        biometric={"method": "face", "score": 0.9, "matched_person_id": 8},
        latitude=1,
        note={"a": 1},
    )
    [outcome] = submit(engine, [content])
    assert outcome == ("p-1", "accepted", [], 1, True)
    [punch] = punches(engine)
    assert (punch["person_id"], punch["site_id"], punch["is_check_in"]) == (7, 15, True)
    assert punch["occurred_at"] == datetime(2026, 3, 2, 7, tzinfo=UTC)
    assert (punch["biometric_method"], punch["biometric_score"], punch["biometric_person_id"]) == (
        "face",
        0.9,
        8,
    )
    assert punch["extra"] == {"note": {"a": 1}}
    assert not punch["backfill"]
    [waits] = rows(engine, "SELECT * FROM pending")
    assert (
        waits["punch_id"],
        waits["device_id"],
        waits["biometric_person_id"],
        waits["attempts"],
    ) == ("p-1", "kiosk", 8, 0)


def test_a_second_submission_changes_nothing(engine: Engine) -> None:
    batch = [
        a_punch(punch_id=f"p-{number}", sent_at="2026-03-02T08:00:01Z") for number in range(20)
    ]
    submit(engine, batch)
    before = punches(engine), pending(engine)
    assert [outcome.status for outcome in submit(engine, list(reversed(batch)) + batch)] == [
        "accepted"
    ] * 40
    assert (punches(engine), pending(engine)) == before
    assert not rejected(engine)
    assert not rows(engine, "SELECT * FROM punch_revision")


def test_a_punch_twice_in_one_batch_is_stored_once(engine: Engine) -> None:
    outcomes = submit(engine, [a_punch(), a_punch(sent_at="2026-03-02T08:00:01Z"), a_punch()])
    assert [outcome.status for outcome in outcomes] == ["accepted"] * 3
    assert len(punches(engine)) == len(pending(engine)) == 1
    assert punches(engine)[0]["sent_at"] == datetime(2026, 3, 2, 8, 0, 1, tzinfo=UTC)


def test_tenants_share_a_batch_but_nothing_else(engine: Engine) -> None:
    submit(engine, [a_punch(), a_punch(tenant_id=2, person_id=9)])
    assert [(punch["tenant_id"], punch["person_id"]) for punch in punches(engine)] == [
        (1, 7),
        (2, 9),
    ]


def test_a_site_of_globex_is_no_site_of_acme(engine: Engine) -> None:
    [outcome] = submit(engine, [a_punch(tenant_id=2, site_id=16)])
    assert codes(outcome.reasons) == [("unknown_site", "site_id")]
    assert not punches(engine)


def test_bad_punches_stop_nothing_beside_them(engine: Engine) -> None:
    batch = [
        a_punch(punch_id="a"),
        a_punch(punch_id="b\0"),
        "nonsense",
        a_punch(punch_id="c", site_id=99),
        a_punch(punch_id="d", tenant_id=99),
        a_punch(punch_id="e", note="\ud800"),
        None,
        a_punch(punch_id="f"),
    ]
    outcomes = submit(engine, batch)
    assert [outcome.status for outcome in outcomes] == ["accepted"] + ["rejected"] * 6 + [
        "accepted"
    ]
    assert [punch["punch_id"] for punch in punches(engine)] == ["a", "f"]
    assert len(rejected(engine)) == 6


def test_outcomes_stand_in_the_order_given(engine: Engine) -> None:
    batch = [
        a_punch(punch_id=f"p-{number}", site_id=15 if number % 3 else 99) for number in range(30)
    ]
    outcomes = submit(engine, list(reversed(batch)))
    assert [outcome.punch_id for outcome in outcomes] == [
        f"p-{number}" for number in range(29, -1, -1)
    ]
    assert [outcome.punch_id for outcome in outcomes if outcome.status == "rejected"] == [
        f"p-{number}" for number in range(27, -1, -3)
    ]


def test_backfilled_punches_are_marked(engine: Engine) -> None:
    submit(engine, [a_punch()], backfill=True)
    assert [punch["backfill"] for punch in punches(engine)] == [True]
    submit(engine, [a_punch()])
    assert [punch["backfill"] for punch in punches(engine)] == [True]
    submit(engine, [a_punch(kind="check_out")])
    assert [punch["backfill"] for punch in punches(engine)] == [False]


def test_ten_thousand_are_taken_and_one_more_is_refused_whole(engine: Engine) -> None:
    batch = [a_punch(punch_id=f"p-{number}") for number in range(10_001)]
    [outcome] = submit(engine, batch)
    assert codes(outcome.reasons) == [("out_of_range", "punches")]
    assert not punches(engine)
    [kept] = rejected(engine)
    assert kept["tenant_id"] == 1
    assert kept["content"].count('"punch_id"') == 10_001
    assert {outcome.status for outcome in submit(engine, batch[:10_000])} == {"accepted"}
    assert len(punches(engine)) == 10_000


def test_a_call_that_holds_no_list_is_kept(engine: Engine) -> None:
    calls: list[tuple[Any, Any, str]] = [
        ("abc", False, "punches"),
        ([], False, "punches"),
        ([a_punch()], "yes", "backfill"),
    ]
    for batch, backfill, field in calls:
        [outcome] = submit(engine, batch, backfill=backfill)
        assert codes(outcome.reasons)[0][1] == field
    assert len(rejected(engine)) == 3


def test_a_clock_a_little_ahead_is_plausible(engine: Engine) -> None:
    now = datetime.now(UTC)
    soon = a_punch(punch_id="soon", occurred_at=(now + timedelta(hours=23)).isoformat())
    later = a_punch(punch_id="later", occurred_at=(now + timedelta(hours=25)).isoformat())
    outcomes = submit(engine, [soon, later])
    assert [outcome.status for outcome in outcomes] == ["accepted", "rejected"]
    assert codes(outcomes[1].reasons) == [("implausible_time", "occurred_at")]
