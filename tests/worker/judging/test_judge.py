"""Judging a tenant: by one judge at a time, with a constant number of statements.

What is found is said once, and only when it is committed.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from models import intake
from models.database import transaction
from models.feed import Message
from models.ids import Id
from models.locks import tenant_lock_key
from tests.worker.cast import NOON, anomalies, feed, found, imposter, roster, rows, waiting
from tests.worker.conftest import Heard
from worker.judging.judge import judge
from worker.judging.work_queue import MOST_A_BATCH


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the list of all statements that go to Postgres from here on."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def counting(
        self: psycopg.Cursor[Any], query: Any, *arguments: Any, **options: Any
    ) -> psycopg.Cursor[Any]:
        sent.append(str(query))
        return execute(self, query, *arguments, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", counting)
    return sent


def imposters(number: int, start: int = 0) -> list[dict[str, Any]]:
    """Return punches of 20 people, each an hour apart, all with another person's face."""
    return [
        imposter(
            f"p{index}",
            person_id=index % 20 + 1,
            occurred_at=(NOON - timedelta(hours=index // 20)).isoformat(),
            biometric={"method": "face", "matched_person_id": (index + 1) % 20 + 1},
        )
        for index in range(start, start + number)
    ]


def test_a_batch_of_a_thousand_costs_no_more_statements_than_one_may(
    engine: Engine, heard: Heard, statements: list[str]
) -> None:
    judge(engine, 1, heard)
    counts = []
    for number, start in ((1, 0), (1_000, 1)):
        intake.submit(engine, imposters(number, start))
        statements.clear()
        judge(engine, 1, heard)
        counts.append(len(statements))
    assert waiting(engine) == 0
    assert len([row for row in anomalies(engine) if row[1] == "WRONG_PERSON"]) == 1_001
    assert max(counts) <= 44, counts


def test_only_a_full_batch_is_planned_anew_as_the_tables_grow_with_it(
    engine: Engine, heard: Heard, statements: list[str]
) -> None:
    judge(engine, 1, heard)
    planned = []
    for number, start in ((1, 0), (MOST_A_BATCH, 1)):
        intake.submit(engine, imposters(number, start))
        statements.clear()
        judge(engine, 1, heard)
        planned.append(statements.count("DISCARD PLANS"))
    assert planned[0] == 0
    assert planned[1] > 0


def test_whoever_finds_the_tenant_taken_leaves_its_work_to_the_holder(
    engine: Engine, heard: Heard
) -> None:
    judge(engine, 1, heard)
    with transaction(engine) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (tenant_lock_key(1),))
        intake.submit(engine, [imposter("p1")])
        judge(engine, 1, heard)
        assert (waiting(engine), feed(engine)) == (1, [])


def test_the_holder_takes_what_came_while_it_held_the_tenant(engine: Engine) -> None:
    """A punch may be stored after this judgement looked; its judge then finds the tenant taken."""
    intake.submit(engine, [imposter("p1")])
    late = iter(["p2"])

    def emit(*_: Any) -> None:
        for punch_id in late:
            intake.submit(engine, [imposter(punch_id)])

    judge(engine, 1, emit)
    assert waiting(engine) == 0
    assert {row[0] for row in anomalies(engine)} == {"p1", "p2"}


def test_nothing_is_said_before_it_is_committed(engine: Engine) -> None:
    committed: list[bool] = []
    unlocked: list[bool] = []

    def emit(tenant_id: Id, _epoch: str, base: int, messages: list[Message]) -> None:
        ((head,),) = rows(engine, "SELECT head FROM tenant WHERE tenant_id = %s", tenant_id)
        committed.append(head >= base + len(messages))
        with transaction(engine) as cursor:  # the tenant's lock must not be held any more either
            lock = cursor.execute(
                "SELECT pg_try_advisory_xact_lock(%s)", (tenant_lock_key(tenant_id),)
            ).fetchone()
        unlocked.append(lock == (True,))

    intake.submit(engine, [imposter("p1")])
    judge(engine, 1, emit)
    assert (committed, unlocked) == ([True], [True])


def test_positions_are_contiguous_and_nothing_is_found_twice_under_four_judges(
    engine: Engine, heard: Heard
) -> None:
    punches = imposters(240)
    parts = [punches[start : start + 20] for start in range(0, 240, 20)] * 2  # and all of it twice
    start_together = threading.Barrier(4)

    def work(parts: list[list[dict[str, Any]]]) -> None:
        start_together.wait()
        for part in parts:
            intake.submit(engine, part)
            judge(engine, 1, heard)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, parts[index::4]) for index in range(4)]:
            done.result()
    assert waiting(engine) == 0
    said = feed(engine)
    assert [payload["position"] for payload in said] == list(range(1, len(said) + 1))
    ids = [payload["anomaly_id"] for payload in said if payload["type"] == "anomaly_detected"]
    assert len(ids) == len(set(ids)) == len(anomalies(engine))
    emitted = sorted(
        position
        for _, _, base, messages in heard.said
        for position in range(base + 1, base + 1 + len(messages))
    )
    assert emitted == list(range(1, len(said) + 1))


def test_tenants_are_judged_apart(engine: Engine, heard: Heard) -> None:
    intake.submit(engine, [imposter("p1"), imposter("p1", tenant_id=2)])
    judge(engine, 1, heard)
    assert ([tenant for tenant, *_ in heard.said], feed(engine, 2)) == ([1], [])
    judge(engine, 2, heard)
    assert [tenant for tenant, *_ in heard.said] == [1, 2]
    assert feed(engine, 2)[0]["position"] == 1


def test_a_roster_change_judges_again_what_it_touches(engine: Engine, heard: Heard) -> None:
    judge(engine, 1, heard)
    intake.submit(engine, [imposter("p1", person_id=77, biometric=None)])
    judge(engine, 1, heard)
    assert [row[1] for row in anomalies(engine)] == ["UNAUTHORIZED_SITE"]
    intake.sync_roster(
        engine,
        {
            "tenant": {"tenant_id": 1},
            "people": [{"person_id": 77, "name": "New"}],
            "assignments": [{"person_id": 77, "site_id": 15}],
        },
    )
    judge(engine, 1, heard)
    assert (waiting(engine), found(engine)[-1]["status"]) == (0, "WITHDRAWN")


def test_a_change_of_the_whole_tenant_reaches_everybody(engine: Engine, heard: Heard) -> None:
    intake.submit(engine, imposters(60))
    judge(engine, 1, heard)
    policy = {"policy": {"wrong_person": "off"}, "correction": True}
    intake.sync_roster(engine, {"tenant": roster(1)["tenant"] | policy})
    judge(engine, 1, heard)
    assert waiting(engine) == 0
    assert not [row for row in anomalies(engine) if row[1] == "WRONG_PERSON" and row[-1]]
