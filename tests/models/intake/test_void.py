"""A voided punch is as if it had never been submitted, and stays so."""

import pytest
from sqlalchemy import Engine

from models.intake import submit, void
from tests.models.intake.stored import Content, a_punch, codes, forget, pending, punches, rejected


def test_a_void_is_judged_and_kept_for_the_record(engine: Engine) -> None:
    submit(engine, [a_punch()])
    forget(engine)
    assert void(engine, 1, "p-1", "entered twice").status == "accepted"
    [punch] = punches(engine)
    assert punch["voided_at"] is not None
    assert punch["void_reason"] == "entered twice"
    assert pending(engine) == [("p-1", 7, 15)]


def test_a_second_void_changes_nothing(engine: Engine) -> None:
    submit(engine, [a_punch()])
    void(engine, 1, "p-1", "entered twice")
    before = punches(engine), pending(engine)
    assert void(engine, 1, "p-1", "another reason").status == "accepted"
    assert (punches(engine), pending(engine)) == before


@pytest.mark.parametrize("again", [{}, {"note": 8}, {"note": 8, "sent_at": "2026-03-02T10:00:00Z"}])
def test_a_voided_punch_stays_voided_when_it_comes_again(engine: Engine, again: Content) -> None:
    submit(engine, [a_punch()])
    void(engine, 1, "p-1", "entered twice")
    forget(engine)
    submit(engine, [a_punch() | again])
    assert punches(engine)[0]["voided_at"] is not None
    assert pending(engine) == []


def test_a_void_that_comes_before_its_punch_holds(engine: Engine) -> None:
    assert void(engine, 1, "p-1", "entered twice").status == "accepted"
    assert pending(engine) == []
    assert submit(engine, [a_punch()])[0].status == "accepted"
    submit(engine, [a_punch(note=8)])
    [punch] = punches(engine)
    assert (punch["extra"], punch["void_reason"]) == ({"note": 8}, "entered twice")
    assert pending(engine) == []


def test_a_void_concerns_its_tenant_only(engine: Engine) -> None:
    submit(engine, [a_punch(), a_punch(tenant_id=2)])
    void(engine, 1, "p-1", "entered twice")
    assert [punch["voided_at"] is None for punch in punches(engine)] == [False, True]


def test_a_void_that_makes_no_sense_is_kept_with_its_reasons(engine: Engine) -> None:
    outcome = void(engine, 1.0, 5, None)
    assert codes(outcome.reasons) == [
        ("wrong_type", "tenant_id"),
        ("wrong_type", "punch_id"),
        ("wrong_type", "reason"),
    ]
    outcome = void(engine, 99, "p-1", "entered twice")
    assert codes(outcome.reasons) == [("unknown_tenant", "tenant_id")]
    assert [(row["tenant_id"], row["door"], row["waits_for"]) for row in rejected(engine)] == [
        (0, "attendance.void", None),
        (99, "attendance.void", "tenant"),
    ]


def test_a_punch_set_aside_for_killing_its_worker_is_judged_again_once_corrected(
    engine: Engine,
) -> None:
    submit(engine, [a_punch()])
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE punch SET voided_at = now(), void_reason = 'kills_worker'"
        )
    forget(engine)
    submit(engine, [a_punch()])
    assert punches(engine)[0]["voided_at"] is not None
    submit(engine, [a_punch(person_id=8)])
    assert punches(engine)[0]["voided_at"] is None
    assert pending(engine)[-1] == ("p-1", 8, 15)
