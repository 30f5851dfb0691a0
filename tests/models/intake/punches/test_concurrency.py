"""Workers that submit overlapping batches at once neither deadlock nor lose."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

from sqlalchemy import Engine

from models.database import transaction
from models.intake import Submitter, submit, sync_roster, void
from models.intake.refused.refuse import lock
from models.intake.resubmission.waiting import readmit
from models.intake.roster import take_roster
from tests.models.intake.stored import (
    Content,
    a_punch,
    pending,
    punches,
    rejected,
    rows,
    until_it_waits,
)

WORKERS = 6


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Make all calls in threads that start together. Return their results in order."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        barrier.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, call) for call in calls]]


def shuffled(batch: list[Content], seed: int) -> list[Content]:
    copy = list(batch)
    random.Random(seed).shuffle(copy)
    return copy


def test_the_same_batch_on_many_workers_at_once_is_stored_once(engine: Engine) -> None:
    batch = [a_punch(punch_id=f"p-{number}") for number in range(300)]
    results = at_once(*[partial(submit, engine, shuffled(batch, seed)) for seed in range(WORKERS)])
    assert {outcome.status for outcomes in results for outcome in outcomes} == {"accepted"}
    assert len(punches(engine)) == len(pending(engine)) == 300


def test_corrections_at_once_end_in_the_newest(engine: Engine) -> None:
    def batch(worker: int) -> list[Content]:
        return shuffled(
            [
                a_punch(
                    punch_id=f"p-{n}", person_id=10 + worker, sent_at=f"2026-03-02T09:0{worker}:00Z"
                )
                for n in range(150)
            ]
            + [a_punch(punch_id=f"bad-{n}", site_id=99) for n in range(50)],
            worker,
        )

    for _ in range(3):
        at_once(*[partial(submit, engine, batch(worker)) for worker in range(WORKERS)])
    assert {punch["person_id"] for punch in punches(engine)} == {10 + WORKERS - 1}
    assert len(rows(engine, "SELECT * FROM punch_revision")) == 150 * WORKERS
    assert {row["times"] for row in rejected(engine)} == {3 * WORKERS}


def test_a_void_and_its_punch_at_once_end_voided(engine: Engine) -> None:
    ids = [f"p-{number}" for number in range(60)]
    at_once(
        lambda: submit(engine, [a_punch(punch_id=punch_id) for punch_id in ids]),
        lambda: [void(engine, 1, punch_id, "test") for punch_id in ids],
        lambda: [submit(engine, [a_punch(punch_id=punch_id)]) for punch_id in reversed(ids)],
    )
    assert all(punch["voided_at"] and punch["person_id"] == 7 for punch in punches(engine))


def test_a_punch_and_its_site_at_once_leave_nothing_waiting(engine: Engine) -> None:
    for site_id in range(100, 120):
        site = {"site_id": site_id, "name": "New", "timezone": "UTC"}
        at_once(
            partial(submit, engine, [a_punch(punch_id=f"p-{site_id}", site_id=site_id)]),
            partial(sync_roster, engine, {"tenant": {"tenant_id": 1}, "sites": [site]}),
        )
    assert len(punches(engine)) == 20
    assert not rows(engine, "SELECT * FROM rejected WHERE resubmitted_at IS NULL")


def test_rosters_at_once_take_turns(engine: Engine) -> None:
    rosters = [
        {
            "tenant": {"tenant_id": 1},
            "people": shuffled([{"person_id": n, "name": f"{seed}"} for n in range(1, 200)], seed),
        }
        for seed in range(WORKERS)
    ]
    at_once(*[partial(sync_roster, engine, roster) for roster in rosters])
    assert len({row["name"] for row in rows(engine, "SELECT name FROM person")}) == 1


def test_a_punch_and_its_site_in_two_transactions_at_once_leave_nothing_waiting(
    engine: Engine,
) -> None:
    """The roster commits and looks for what waits between the punch's look and its rejection."""
    punch = a_punch(site_id=99)
    roster = {
        "tenant": {"tenant_id": 1},
        "sites": [{"site_id": 99, "name": "New", "timezone": "UTC"}],
    }
    with transaction(engine) as cursor, ThreadPoolExecutor(1) as pool:
        lock(cursor, [1])  # which the rejection needs, and waits for
        late = pool.submit(submit, engine, [punch])
        until_it_waits(engine)
        take_roster(engine, roster, Submitter("roster.sync"))
        assert readmit(engine, 1) == []
        cursor.connection.commit()
        assert late.result(timeout=30)[0].status == "rejected"
    assert [row["site_id"] for row in punches(engine)] == [99]
    assert not rows(engine, "SELECT * FROM rejected WHERE resubmitted_at IS NULL")
