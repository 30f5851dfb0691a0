"""A clock that is ahead cannot lock out the present: its `sent_at` counts as the receipt."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from models.intake import Submitter, resubmit, submit, sync_roster, void
from tests.models.intake.stored import (
    Content,
    a_punch,
    pending,
    person_standing,
    punches,
    rejected,
    rows,
)

FAR = "9999-01-01T00:00:00Z"
ACME = {"tenant_id": 1}


def moment(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


@pytest.mark.parametrize("claimed", [FAR, "in six minutes"])
def test_a_true_correction_of_today_wins_over_a_clock_ahead(engine: Engine, claimed: str) -> None:
    submit(engine, [a_punch(sent_at=moment(minutes=6) if claimed != FAR else FAR)])
    [outcome] = submit(engine, [a_punch(person_id=8, sent_at=moment())])
    assert (outcome.status, outcome.applied) == ("accepted", True)
    assert person_standing(engine) == 8


def test_a_clock_five_minutes_ahead_is_believed(engine: Engine) -> None:
    submit(engine, [a_punch(sent_at=moment(minutes=4.5))])
    assert not submit(engine, [a_punch(note="older", sent_at=moment())])[0].applied


def test_a_correction_by_a_clock_ahead_loses_to_what_is_sent_after_its_receipt(
    engine: Engine,
) -> None:
    submit(engine, [a_punch()])
    submit(engine, [a_punch(person_id=8, sent_at=FAR)])
    submit(engine, [a_punch(person_id=9, sent_at=moment())])
    assert person_standing(engine) == 9
    kept = rows(engine, "SELECT * FROM punch_revision")
    assert {(row["content"]["person_id"], row["claimed_at"] is None) for row in kept} == {
        (7, True),
        (8, False),
        (9, True),
    }


def test_what_a_clock_ahead_sent_does_not_undo_a_correction_when_it_is_redelivered(
    engine: Engine,
) -> None:
    """The receipt of a redelivery is later each time; what it claims is not."""
    ahead = a_punch(person_id=8, sent_at=FAR)
    submit(engine, [ahead])
    submit(engine, [a_punch(person_id=9, sent_at=moment())])
    [again] = submit(engine, [ahead])
    assert (again.status, again.applied) == ("accepted", False)
    assert person_standing(engine) == 9


def test_what_a_clock_ahead_sends_anew_is_no_redelivery(engine: Engine) -> None:
    """A device goes back and forth; its clock runs on, though in another year."""
    for person, claimed in [
        (8, "2099-01-01T08:00:00Z"),
        (9, "2099-01-01T08:01:00Z"),
        (8, "2099-01-01T08:02:00Z"),
    ]:
        submit(engine, [a_punch(person_id=person, sent_at=claimed)])
    assert person_standing(engine) == 8


def test_of_several_from_a_clock_ahead_in_one_batch_the_last_it_sent_stands(engine: Engine) -> None:
    batch = [
        a_punch(person_id=8 + number, sent_at=f"2099-01-01T08:0{number}:00Z")
        for number in (1, 3, 0, 2)
    ]
    assert [outcome.applied for outcome in submit(engine, batch)] == [False, True, False, False]
    assert person_standing(engine) == 11


def test_what_was_kept_from_year_9999_does_not_lock_the_present(engine: Engine) -> None:
    """Such rows are from before a clock that is ahead counted by its receipt."""
    submit(engine, [a_punch(), a_punch(punch_id="p-2"), a_punch(punch_id="p-2", person_id=8)])
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE punch SET sent_at = '{FAR}' WHERE punch_id = 'p-1' OR person_id = 8"
        )
        connection.exec_driver_sql(
            f"UPDATE punch_revision SET sent_at = '{FAR}' WHERE content ->> 'person_id' = '8'"
        )
    outcomes = submit(
        engine,
        [
            a_punch(person_id=9, sent_at=moment()),
            a_punch(punch_id="p-2", person_id=9, sent_at=moment()),
        ],
    )
    assert [outcome.applied for outcome in outcomes] == [True, True]
    assert [punch["person_id"] for punch in punches(engine)] == [9, 9]
    submit(engine, [a_punch(sent_at=FAR), a_punch(punch_id="p-2", person_id=8, sent_at=FAR)])
    assert [punch["person_id"] for punch in punches(engine)] == [9, 9]


def test_a_content_sent_again_much_later_keeps_its_later_sent_at(engine: Engine) -> None:
    """It is after the receipt of its first coming, and so is no sign of a clock ahead."""
    submit(engine, [a_punch(sent_at=moment(days=-2))])
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE punch SET received_at = now() - interval '2 days'")
    submit(engine, [a_punch(sent_at=moment(hours=-1))])
    submit(engine, [a_punch(person_id=8, sent_at=moment(days=-1))])
    assert person_standing(engine) == 7


def test_one_that_waited_for_its_site_counts_by_its_first_receipt(engine: Engine) -> None:
    submit(engine, [a_punch(site_id=99, sent_at=FAR)])
    submit(engine, [a_punch(person_id=8, sent_at=moment())])
    sync_roster(
        engine, {"tenant": ACME, "sites": [{"site_id": 99, "name": "New", "timezone": "UTC"}]}
    )
    assert person_standing(engine) == 8


def test_a_resubmission_of_a_clock_ahead_counts_as_now(engine: Engine) -> None:
    submit(engine, [a_punch(kind="nap", sent_at=FAR)])
    resubmit(engine, 1, rejected(engine)[0]["rejected_id"], a_punch(sent_at=FAR))
    submit(engine, [a_punch(person_id=8, sent_at=moment())])
    assert person_standing(engine) == 8


def people(engine: Engine) -> dict[int, str]:
    return {
        row["person_id"]: row["name"] for row in rows(engine, "SELECT person_id, name FROM person")
    }


def name(engine: Engine, person_name: str, **fields: Any) -> None:
    sync_roster(
        engine,
        {
            "tenant": {**ACME, "name": person_name},
            "people": [{"person_id": 7, "name": person_name}],
            **fields,
        },
    )


def test_a_roster_by_a_clock_ahead_does_not_lock_its_rows(engine: Engine) -> None:
    name(engine, "Ahead", sent_at=FAR)
    name(engine, "Today", sent_at=moment())
    assert people(engine) == {7: "Today"}
    assert rows(engine, "SELECT name FROM tenant WHERE tenant_id = 1") == [{"name": "Today"}]
    name(engine, "Yesterday", sent_at=moment(days=-1))
    assert people(engine) == {7: "Today"}


@pytest.mark.parametrize("fields", [{}, {"sent_at": "now"}])
def test_a_roster_row_kept_from_year_9999_is_written_over_and_healed(
    engine: Engine, fields: Content
) -> None:
    name(engine, "Ahead")
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE person SET sent_at = '{FAR}'")
        connection.exec_driver_sql(f"UPDATE tenant SET sent_at = '{FAR}'")
    name(engine, "Today", **{field: moment() for field in fields})
    assert people(engine) == {7: "Today"}
    assert not rows(engine, "SELECT 1 FROM person WHERE sent_at > now()")
    assert not rows(engine, "SELECT 1 FROM tenant WHERE tenant_id = 1 AND sent_at > now()")


KIOSK = Submitter("POST /api/v1/punches", "kiosk-3")


def submitted_by(
    engine: Engine, table: str, column: str = "submitted_by"
) -> list[dict[str, str] | None]:
    return [
        row[column]
        for row in rows(
            engine, f"SELECT {column} FROM {table} WHERE tenant_id = 1 ORDER BY {column} ->> 'name'"
        )
    ]


def test_who_handed_it_in_is_kept_with_punch_revision_and_void(engine: Engine) -> None:
    submit(engine, [a_punch()], by=KIOSK)
    admin = Submitter("attendance.submit", "gen7@payroll")
    submit(engine, [a_punch(note="mended")], by=admin)
    void(engine, 1, "p-1", "a test", Submitter("attendance.void", "gen8@payroll"))
    submitter = {"door": "attendance.submit", "name": "gen7@payroll"}
    assert submitted_by(engine, "punch") == [submitter]
    assert submitted_by(engine, "punch", "voided_by") == [
        {"door": "attendance.void", "name": "gen8@payroll"}
    ]
    assert submitted_by(engine, "punch_revision") == [
        submitter,
        {"door": "POST /api/v1/punches", "name": "kiosk-3"},
    ]


def test_the_same_punch_by_another_door_changes_nothing(engine: Engine) -> None:
    submit(engine, [a_punch()], by=KIOSK)
    before = punches(engine), pending(engine)
    submit(engine, [a_punch()], by=Submitter("attendance.submit", "gen7@payroll"))
    assert (punches(engine), pending(engine)) == before
    assert rows(engine, "SELECT * FROM punch_revision") == []


def test_who_changed_the_roster_is_kept_with_its_rows_and_with_what_is_to_be_judged(
    engine: Engine,
) -> None:
    by = Submitter("roster.sync", "gen9@hr")
    shift = {
        "shift_id": "s",
        "person_id": 7,
        "site_id": 15,
        "starts_at": "2026-03-02T08:00:00Z",
        "ends_at": "2026-03-02T16:00:00Z",
    }
    roster = {
        "tenant": {**ACME, "policy": {"grace_minutes": 5}},
        "sites": [{"site_id": 15, "radius_m": 100}, {"site_id": 16, "radius_m": 200}],
        "people": [{"person_id": 7, "name": "Ada"}],
        "devices": [{"device_id": "d", "shared": True}],
        "assignments": [{"person_id": 7, "site_id": 15}],
        "shifts": [shift, {"shift_id": "bad", "ends_at": None}],
    }
    with engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE roster_change")
    sync_roster(engine, roster, by=by)
    submitter = {"door": "roster.sync", "name": "gen9@hr"}
    for table in ("tenant", "person", "device", "assignment", "shift", "rejected"):
        assert submitted_by(engine, table) == [submitter], table
    assert {
        str(row["submitted_by"]) for row in rows(engine, "SELECT submitted_by FROM roster_change")
    } == {str(submitter)}
    assert submitter in submitted_by(engine, "policy_version")
    # The site that it did not change stays its writer's.
    assert submitted_by(engine, "site") == [submitter, {"door": "roster.sync"}]


def test_what_waited_stays_its_submitters_once_it_is_taken_up(engine: Engine) -> None:
    submit(engine, [a_punch(site_id=99)], by=KIOSK)
    assert submitted_by(engine, "rejected") == [{"door": "POST /api/v1/punches", "name": "kiosk-3"}]
    sync_roster(
        engine,
        {"tenant": ACME, "sites": [{"site_id": 99, "name": "New", "timezone": "UTC"}]},
        by=Submitter("roster.sync", "gen9@hr"),
    )
    assert submitted_by(engine, "punch") == [{"door": "POST /api/v1/punches", "name": "kiosk-3"}]


@pytest.mark.parametrize("named", ["x" * 10_000, "a\0b", "\ud800", "é" * 300])
def test_any_name_of_a_producer_can_be_kept_and_is_bounded(engine: Engine, named: str) -> None:
    submit(
        engine,
        [a_punch(), a_punch(punch_id="p-2", kind="nap")],
        by=Submitter("attendance.submit", named),
    )
    [kept] = submitted_by(engine, "punch")
    assert kept
    assert 0 < len(kept["name"]) <= 200
    assert submitted_by(engine, "rejected") == [kept]
