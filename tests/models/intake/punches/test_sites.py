"""A submitter of some sites writes to these alone, and takes no punch from another."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Engine

from models.database import transaction
from models.intake import (
    Outcome,
    OutsideSites,
    Submitter,
    publish,
    resubmit,
    submit,
    sync_roster,
    void,
)
from tests.models.intake.stored import (
    Content,
    a_punch,
    codes,
    pending,
    punches,
    rejected,
    rows,
    until_it_waits,
)

DEPOT = Submitter("POST /api/v1/punches", "depot", frozenset({16}))
BOTH = Submitter("POST /api/v1/punches", "both", frozenset({15, 16}))
NOBODY = Submitter("POST /api/v1/punches", "nobody", frozenset())
LATE = "2026-03-02T10:00:00Z"


def everything(engine: Engine) -> tuple[list[Any], ...]:
    return (
        punches(engine),
        pending(engine),
        rejected(engine),
        rows(engine, "SELECT * FROM punch_revision"),
    )


def is_refused(engine: Engine, *contents: Content, by: Submitter = DEPOT) -> bool:
    """Tell whether it is refused, and nothing was stored."""
    before = everything(engine)
    with pytest.raises(OutsideSites):
        submit(engine, list(contents), by=by)
    return everything(engine) == before


def test_a_punch_at_another_site_is_refused_with_all_beside_it(engine: Engine) -> None:
    assert is_refused(engine, a_punch(punch_id="mine", site_id=16), a_punch())
    assert is_refused(engine, a_punch(punch_id="mine", site_id=16), a_punch(kind="nap"))
    assert is_refused(engine, a_punch(site_id=16), by=NOBODY)


def test_a_punch_that_stands_at_another_site_is_not_taken_from_it(engine: Engine) -> None:
    submit(engine, [a_punch()])
    for sent_at in (None, LATE, "9999-01-01T00:00:00Z", "2001-01-01T00:00:00Z"):
        assert is_refused(
            engine, a_punch(punch_id="mine", site_id=16), a_punch(site_id=16, sent_at=sent_at)
        )


def test_nor_is_one_that_was_voided_there_or_set_right_since(engine: Engine) -> None:
    submit(engine, [a_punch(site_id=16)])
    submit(engine, [a_punch(site_id=15)])
    void(engine, 1, "p-1", "a test")
    assert is_refused(engine, a_punch(site_id=16, sent_at=LATE))


def test_within_its_sites_it_submits_and_corrects_as_anybody(engine: Engine) -> None:
    outcomes = submit(
        engine, [a_punch(site_id=16), a_punch(punch_id="bad", site_id=16, kind="nap")], by=DEPOT
    )
    assert [outcome.status for outcome in outcomes] == ["accepted", "rejected"]
    assert submit(engine, [a_punch(punch_id="bad", site_id=16)], by=DEPOT)[0].applied
    assert rejected(engine)[0]["resubmitted_at"]
    assert submit(engine, [a_punch(site_id=15, sent_at=LATE)], by=BOTH)[0].applied
    assert [punch["site_id"] for punch in punches(engine)] == [16, 15]
    assert pending(engine) == [("p-1", 7, 16), ("bad", 7, 16), ("p-1", 7, 16), ("p-1", 7, 15)]


def test_what_waits_for_its_site_takes_no_punch_from_another_later(engine: Engine) -> None:
    """When the site comes, the punch_id is in use elsewhere: the punch stays rejected."""
    depot = DEPOT._replace(sites=frozenset({99}))
    submit(
        engine, [a_punch(site_id=99, sent_at=LATE), a_punch(punch_id="mine", site_id=99)], by=depot
    )
    submit(engine, [a_punch()])
    for _ in range(2):
        sync_roster(
            engine,
            {
                "tenant": {"tenant_id": 1},
                "sites": [{"site_id": 99, "name": "New", "timezone": "UTC"}],
            },
        )
    assert [(punch["punch_id"], punch["site_id"]) for punch in punches(engine)] == [
        ("mine", 99),
        ("p-1", 15),
    ]
    [left] = [row for row in rejected(engine) if row["resubmitted_at"] is None]
    assert (left["punch_id"], codes(left["reasons"]), left["waits_for"], left["times"]) == (
        "p-1",
        [("other_site", "site_id")],
        None,
        1,
    )
    assert resubmit(engine, 1, left["rejected_id"]).applied
    assert {punch["site_id"] for punch in punches(engine)} == {99}


def test_resubmitting_reaches_no_other_site(engine: Engine) -> None:
    submit(engine, [a_punch(site_id=16, kind="nap"), a_punch(punch_id="theirs")])
    [row] = rejected(engine)
    admin = Submitter("resubmit", "admin", frozenset({16}))
    before = everything(engine)
    for content in (
        a_punch(),
        a_punch(punch_id="theirs", site_id=16, sent_at=LATE),
        {"punches": [a_punch(punch_id="new")]},
    ):
        with pytest.raises(OutsideSites):
            resubmit(engine, 1, row["rejected_id"], content, by=admin)
    assert everything(engine) == before
    assert resubmit(engine, 1, row["rejected_id"], a_punch(site_id=16), by=admin).applied


def test_rosters_messages_and_voids_of_others_are_not_resubmitted_either(engine: Engine) -> None:
    submit(engine, [a_punch()])
    roster: Content = {"tenant": {"tenant_id": 1}, "people": [{"person_id": 1.5}]}
    message: Content = {"type": "finding_created", "tenant_id": 1, "data": 5}
    sync_roster(engine, roster)
    publish(engine, message)
    void(engine, 1, "p-1", None)
    kept = {row["door"]: row["rejected_id"] for row in rejected(engine)}
    mended = {
        "roster.sync": roster | {"people": [{"person_id": 7, "name": "Mine"}]},
        "noc.publish": message | {"data": {}, "message_id": "m", "site_id": 15},
        "attendance.void": {"tenant_id": 1, "punch_id": "p-1", "reason": "mine"},
    }
    for door, content in mended.items():
        with pytest.raises(OutsideSites):
            resubmit(engine, 1, kept[door], content, by=DEPOT)
    with pytest.raises(OutsideSites):
        void(engine, 1, "not come yet", "mine", DEPOT)
    assert not rows(
        engine,
        "SELECT 1 FROM person UNION SELECT 1 FROM published"
        " UNION SELECT 1 FROM punch WHERE voided_at IS NOT NULL",
    )
    assert resubmit(engine, 1, kept["attendance.void"], mended["attendance.void"], by=BOTH).applied


@contextmanager
def written(engine: Engine, statement: str) -> Iterator[None]:
    """Write by another connection, which commits at the end of the block."""
    with transaction(engine) as cursor:
        cursor.execute(statement)
        yield


MOVE = "UPDATE punch SET site_id = 15 WHERE punch_id = 'p-1'"
COME = """
INSERT INTO punch (
    tenant_id, punch_id, person_id, site_id, is_check_in, occurred_at, content_hash, received_at
) VALUES (1, 'p-1', 7, 15, true, '2026-03-02T07:00:00Z', 'x', now())
"""


@pytest.mark.parametrize(
    ("there", "meanwhile"), [(True, MOVE), (False, COME)], ids=["moves", "comes"]
)
def test_a_punch_that_comes_to_another_site_meanwhile_is_not_taken_from_it(
    engine: Engine, there: bool, meanwhile: str
) -> None:
    """The site is looked at under the lock that the correction writes by, not before."""
    if there:
        submit(engine, [a_punch(site_id=16)])
    started = Event()

    def correct() -> list[Outcome]:
        started.set()
        return submit(
            engine,
            [a_punch(punch_id="mine", site_id=16), a_punch(site_id=16, note="mine", sent_at=LATE)],
            by=DEPOT,
        )

    with ThreadPoolExecutor(1) as pool:
        with written(engine, meanwhile):
            correction = pool.submit(correct)
            started.wait(30)
            until_it_waits(engine)
        with pytest.raises(OutsideSites):
            correction.result(timeout=30)
    assert [(punch["punch_id"], punch["site_id"], punch["extra"]) for punch in punches(engine)] == [
        ("p-1", 15, None)
    ]
