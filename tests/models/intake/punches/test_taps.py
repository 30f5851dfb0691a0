"""Punches of kind tap, of which the clock does not tell a direction: stored, corrected, voided."""

from typing import Any

import pytest
from sqlalchemy import Engine

from models.intake import submit, void
from tests.models.intake.stored import (
    a_punch,
    codes,
    forget,
    pending,
    punches,
    rejected,
    rows,
)

KINDS = ("check_in", "check_out", "tap")
STORED_AS = {"check_in": (True, False), "check_out": (False, False), "tap": (True, True)}


def standing(engine: Engine) -> tuple[bool, bool]:
    """Return what is stored of the kind of the only punch."""
    [punch] = punches(engine)
    return punch["is_check_in"], punch["is_tap"]


def kinds_kept(engine: Engine) -> set[str]:
    return {row["content"]["kind"] for row in rows(engine, "SELECT content FROM punch_revision")}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_stored_as_what_it_is(engine: Engine, kind: str) -> None:
    assert submit(engine, [a_punch(kind=kind)])[0].status == "accepted"
    assert standing(engine) == STORED_AS[kind]
    assert pending(engine) == [("p-1", 7, 15)]


def test_what_a_worker_of_the_release_before_stores_is_no_tap(engine: Engine) -> None:
    """It knows no such column, and reads a tap as a check-in."""
    rows(
        engine,
        """
        INSERT INTO punch (
            tenant_id, punch_id, person_id, site_id, is_check_in, occurred_at, content_hash,
            received_at
        ) VALUES (1, 'p-1', 7, 15, true, now(), '', now()) RETURNING 1
        """,
    )
    assert standing(engine) == STORED_AS["check_in"]


@pytest.mark.parametrize("before", KINDS)
@pytest.mark.parametrize("after", KINDS)
def test_another_kind_is_a_correction_and_the_same_one_is_none(
    engine: Engine, before: str, after: str
) -> None:
    submit(engine, [a_punch(kind=before)])
    forget(engine)
    submit(engine, [a_punch(kind=after)])
    assert standing(engine) == STORED_AS[after]
    assert pending(engine) == [("p-1", 7, 15)] * (0 if before == after else 2)
    assert kinds_kept(engine) == (set() if before == after else {before, after})


def test_a_tap_is_corrected_to_a_check_in_and_back(engine: Engine) -> None:
    tap = a_punch(kind="tap", sent_at="2026-03-02T09:00:00Z")
    check_in = a_punch(kind="check_in", sent_at="2026-03-02T09:01:00Z")
    again = tap | {"sent_at": "2026-03-02T09:02:00Z"}
    for content, kind in ((tap, "tap"), (check_in, "check_in"), (again, "tap")):
        [outcome] = submit(engine, [content])
        assert (outcome.applied, standing(engine)) == (True, STORED_AS[kind])
    assert submit(engine, [check_in])[0].applied is False
    assert standing(engine) == STORED_AS["tap"]
    assert kinds_kept(engine) == {"tap", "check_in"}


def test_a_tap_that_comes_again_changes_nothing(engine: Engine) -> None:
    submit(engine, [a_punch(kind="tap")])
    before = punches(engine), pending(engine)
    submit(engine, [a_punch(kind="tap"), a_punch(kind="tap")])
    assert (punches(engine), pending(engine)) == before
    assert kinds_kept(engine) == set()


def test_a_redelivered_tap_undoes_no_correction(engine: Engine) -> None:
    for kind in ("tap", "check_out", "tap"):
        submit(engine, [a_punch(kind=kind)])
    assert standing(engine) == STORED_AS["check_out"]


@pytest.mark.parametrize("void_first", [False, True])
def test_a_voided_tap_stays_one(engine: Engine, void_first: bool) -> None:
    steps: list[Any] = [
        lambda: submit(engine, [a_punch(kind="tap")]),
        lambda: void(engine, 1, "p-1", "x"),
    ]
    for step in reversed(steps) if void_first else steps:
        step()
    assert punches(engine)[0]["voided_at"] is not None
    assert standing(engine) == STORED_AS["tap"]


def test_a_kind_that_there_is_not_is_told_which_there_are(engine: Engine) -> None:
    [taken, refused] = submit(engine, [a_punch(kind="tap"), a_punch(punch_id="p-2", kind="touch")])
    assert (taken.status, refused.status) == ("accepted", "rejected")
    assert codes(refused.reasons) == [("unknown_value", "kind")]
    assert "'check_in', 'check_out' or 'tap'" in refused.reasons[0]["message"]
    [kept] = rejected(engine)
    assert "touch" in kept["content"]


def test_an_invalid_correction_of_a_tap_leaves_it(engine: Engine) -> None:
    submit(engine, [a_punch(kind="tap")])
    submit(engine, [a_punch(kind="touch")])
    assert standing(engine) == STORED_AS["tap"]


def test_a_persons_taps_are_found_by_an_index_of_their_own(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = connection.exec_driver_sql(
            "EXPLAIN SELECT punch_id FROM punch WHERE tenant_id = 1 AND person_id = 7"
            " AND occurred_at < now() AND is_tap AND voided_at IS NULL"
        ).fetchall()
    assert "ix_punch_tap" in str(plan)
