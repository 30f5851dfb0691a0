"""A sweep notes the deaths of judges, and nothing else.

However much there is to judge, and however judging fails.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

import worker.judging.judge
import worker.judging.pace
import worker.judging.sweep
from models import intake
from models.database import transaction
from tests.worker.cast import NOON, found, imposter, roster, rows, waiting
from tests.worker.conftest import Heard
from tests.worker.judging.test_sweep import age, dies_of
from worker.judging.giving_up import CHANGE_GIVEN_UP, give_up
from worker.judging.judge import judge
from worker.judging.pace import pace_of
from worker.judging.suspects import JUDGE_DIED
from worker.judging.sweep import judge_left, judge_moments
from worker.judging.work_queue import LEAST_A_BATCH


@pytest.fixture(autouse=True)
def judged_roster(engine: Engine, heard: Heard) -> None:
    judge(engine, 1, heard)


def first_roster(people: int) -> dict[str, Any]:
    """Return a roster with so many people beside those of the cast."""
    return {
        "tenant": roster(1)["tenant"],
        "people": [{"person_id": 1000 + number, "name": "New"} for number in range(people)],
    }


def deaths(logs: list[Any]) -> list[tuple[str, int]]:
    return [(line["table"], line["rows"]) for line in logs if line["event"] == JUDGE_DIED]


def noted(engine: Engine, table: str) -> list[tuple[Any, ...]]:
    return rows(engine, f"SELECT DISTINCT attempts, taken FROM {table} WHERE tenant_id = 1")


def test_a_first_roster_of_thousands_kills_nobody(engine: Engine, heard: Heard) -> None:
    """Sweeps and judges work on it side by side, and punches come meanwhile."""
    intake.sync_roster(engine, first_roster(3_000))
    with capture_logs() as logs, ThreadPoolExecutor(4) as pool:
        for number in range(20):
            intake.submit(engine, [imposter(f"p{number}", person_id=number % 9 + 3)])
            age(engine)
            for done in [
                pool.submit(take, engine, 1, heard) for take in (judge_left, judge, judge_left)
            ]:
                done.result()
        while waiting(engine):
            age(engine)
            judge_left(engine, 1, heard)
    assert deaths(logs) == []
    assert len(found(engine)) == 20


def test_of_a_roster_just_what_is_judged_is_noted_as_taken(
    engine: Engine, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake.sync_roster(engine, first_roster(2 * LEAST_A_BATCH))
    age(engine)
    monkeypatch.setattr(worker.judging.pace, "BATCH_SECONDS", 0.25)
    pace_of(engine).note(1, "roster_change", 10 * LEAST_A_BATCH, 1_000.0)  # ever so slow
    monkeypatch.setattr(worker.judging.pace, "_FASTEST_GROWTH", 1.0)
    taken: list[tuple[int, int]] = []
    find = worker.judging.judge.find_and_record

    def find_what_is_taken(cursor: Any, tenant_id: int, touched: Any, as_of: Any) -> Any:
        count_keys = "SELECT count(DISTINCT key) FROM roster_change WHERE kind = 'person'"
        ((count,),) = rows(engine, f"{count_keys} AND taken")
        ((tried,),) = rows(engine, f"{count_keys} AND attempts > 0")
        taken.append((count, tried))
        assert count == tried == len(touched.people)
        return find(cursor, tenant_id, touched, as_of)

    monkeypatch.setattr(worker.judging.judge, "find_and_record", find_what_is_taken)
    judge_left(engine, 1, heard)
    assert (LEAST_A_BATCH, LEAST_A_BATCH) in taken


def test_a_judge_that_is_killed_is_told_of_once(
    engine: Engine, postgres_url: str, heard: Heard
) -> None:
    intake.submit(
        engine,
        [imposter("poison"), *(imposter(f"p{index}", person_id=index + 3) for index in range(7))],
    )
    age(engine)
    assert dies_of("poison", postgres_url, judge_left)
    assert noted(engine, "pending") == [(8, True)]
    with capture_logs() as logs:
        for _ in range(4):
            judge_left(engine, 1, heard)
    assert (deaths(logs), waiting(engine)) == ([("pending", 8)], 0)


def fail(error: BaseException) -> Callable[[Any], None]:
    def raise_it(_: Any) -> None:
        raise error

    return raise_it


def lose_connection(cursor: Any) -> None:
    cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


# Each end with the attempts that it leaves: nine halvings of 1,000 make 1, less than half of four.
ENDS: dict[str, tuple[Callable[[Any], object], int]] = {
    "an error": (fail(ZeroDivisionError()), 9),
    "the soft time limit": (fail(SoftTimeLimitExceeded()), 9),
    "the end of the process": (fail(SystemExit()), 0),
    "a statement that takes too long": (
        lambda cursor: cursor.execute("SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)"),
        9,
    ),
    "a lost connection": (lose_connection, 0),
}


@pytest.mark.parametrize(("end", "attempts"), ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize("at", ["find_and_record", "discard"])
def test_a_judge_that_comes_back_is_not_taken_for_dead(
    engine: Engine,
    heard: Heard,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[Any], object],
    attempts: int,
    at: str,
) -> None:
    """Whatever made it fail, at whatever point.

    What may be the rows' fault counts as an attempt, so that the batch is halved.
    """
    intake.submit(engine, [imposter(f"p{index}", person_id=index + 3) for index in range(4)])
    age(engine)
    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(worker.judging.judge, at, lambda cursor, *_: end(cursor))
        with pytest.raises(BaseException) as raised:
            judge_left(engine, 1, heard)
        assert not isinstance(raised.value, AssertionError)
        assert noted(engine, "pending") == [(attempts, False)]
    with capture_logs() as later:
        judge_left(engine, 1, heard)
    assert (deaths(logs + later), waiting(engine), len(found(engine))) == ([], 0, 4)


def test_nor_is_one_whose_commit_fails(
    engine: Engine, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_batch = worker.judging.judge.judge_batch

    def judge_and_lose_connection(cursor: Any, *arguments: Any) -> Any:
        judgement = judge_batch(cursor, *arguments)
        rows(engine, "SELECT pg_terminate_backend(%s, 10000)", cursor.connection.info.backend_pid)
        return judgement

    intake.submit(engine, [imposter("p1")])
    age(engine)
    with monkeypatch.context() as patch:
        patch.setattr(worker.judging.sweep, "judge_batch", judge_and_lose_connection)
        with pytest.raises(OperationalError):
            judge_left(engine, 1, heard)
    assert noted(engine, "pending") == [(0, False)]
    with capture_logs() as logs:
        judge_left(engine, 1, heard)
    assert (deaths(logs), waiting(engine), len(found(engine))) == ([], 0, 1)


def test_python_may_be_at_it_for_longer_than_a_session_may_idle(
    engine: Engine, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the judge would lose the tenant's lock, and the next sweep would believe it dead."""
    timeouts = []

    def ask(cursor: Any, *_: Any) -> list[Any]:
        timeouts.append(cursor.execute("SHOW idle_in_transaction_session_timeout").fetchone())
        return []

    monkeypatch.setattr(worker.judging.judge, "find_and_record", ask)
    monkeypatch.setattr(worker.judging.sweep, "find_and_record", ask)
    intake.submit(engine, [imposter("p1")])
    age(engine)
    judge_left(engine, 1, heard)
    intake.submit(engine, [imposter("p2")])
    judge(engine, 1, heard)
    # A moment has come since: they have been in for too long.
    rows(engine, "UPDATE tenant SET swept_at = %s RETURNING 1", NOON)
    judge_moments(engine, 1, heard)
    assert timeouts[:3] == [("95s",)] * 3


def test_a_key_of_the_roster_that_fails_every_judge_is_given_up_with_all_its_rows(
    engine: Engine, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = worker.judging.judge.find_and_record

    def fail_on_poison(cursor: Any, tenant_id: int, touched: Any, as_of: Any) -> Any:
        if 7 in {person_id for person_id, *_ in touched.people}:
            raise ZeroDivisionError
        return find(cursor, tenant_id, touched, as_of)

    monkeypatch.setattr(worker.judging.judge, "find_and_record", fail_on_poison)
    changes = """
        INSERT INTO roster_change (tenant_id, kind, key, at)
        SELECT 1, 'person', key, now() FROM unnest(%s::text[]) AS key
        RETURNING 1
    """
    rows(engine, changes, [str(person_id) for person_id in (*range(1, 60), 7, 7)])
    with capture_logs() as logs:
        for _ in range(12):
            age(engine)
            with suppress(ZeroDivisionError):
                judge_left(engine, 1, heard)
    given_up = [line["key"] for line in logs if line["event"] == CHANGE_GIVEN_UP]
    assert (given_up, waiting(engine), deaths(logs)) == (["7"], 0, [])


def test_a_tenant_is_swept_soon_after_a_change_of_its_roster_was_given_up(engine: Engine) -> None:
    """It may have had moments of its own, which nobody has judged."""
    intake.sync_roster(engine, first_roster(1))
    rows(engine, "UPDATE due SET at = now() + interval '1 day' WHERE tenant_id = 1 RETURNING 1")
    ((at, change_id),) = rows(engine, "SELECT now(), min(change_id) FROM roster_change")
    with transaction(engine) as cursor:
        give_up(cursor, 1, "roster_change", [change_id], at)
    due = "SELECT at FROM due WHERE tenant_id = 1 AND chore = 'sweep'"
    assert rows(engine, due) == [(at,)]
