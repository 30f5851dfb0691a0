"""Sweeps: of work that a crash left, of work that kills its judge, and of moments that pass."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Cursor
from sqlalchemy import Engine
from structlog.testing import capture_logs

import worker.judging.judge
import worker.judging.suspects
import worker.judging.sweep
from models import intake
from models.database import make_engine, transaction
from models.ids import Id
from models.locks import tenant_lock_key
from tests.worker.cast import NOON, anomalies, found, imposter, punch, roster, rows, waiting
from tests.worker.conftest import Heard
from worker.judging.judge import judge
from worker.judging.suspects import LONE_ATTEMPTS, halved
from worker.judging.sweep import judge_left, judge_moments, tenants_left, tenants_unswept
from worker.judging.work_queue import MOST_A_BATCH
from worker.load.touched import Touched

_JUDGE = """
import os
from models.database import make_engine
from worker.judging.judge import judge
judge(make_engine(os.environ["DATABASE_URL"]), 1, lambda *said: None)
"""


def judge_in_a_process(url: str, faults: str) -> int:
    settings = os.environ | {"DATABASE_URL": url, "ROLLCALL_FAULTS": faults}
    return subprocess.run(
        [sys.executable, "-c", _JUDGE], env=settings, capture_output=True, check=False
    ).returncode


def dies_of(poison: str, url: str, judging: Callable[[Engine, int, Any], object]) -> bool:
    """Tell whether a child process dies of judging tenant 1.

    It does of the punch `poison`, unless that is voided.
    """
    find = worker.judging.judge.find_and_record

    def find_or_die(cursor: Any, tenant_id: Id, touched: Touched, as_of: datetime) -> Any:
        voided = cursor.execute(
            "SELECT voided_at IS NOT NULL FROM punch WHERE tenant_id = %s AND punch_id = %s",
            (tenant_id, poison),
        )
        if poison in {punch.punch_id for punch in touched.punches} and voided.fetchone() == (
            False,
        ):
            os.kill(os.getpid(), signal.SIGKILL)
        return find(cursor, tenant_id, touched, as_of)

    child = os.fork()
    if child == 0:
        worker.judging.judge.find_and_record = find_or_die
        judging(make_engine(url), 1, Heard())
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def age(engine: Engine) -> None:
    """Let all that waits have waited for long enough."""
    rows(engine, "UPDATE pending SET received_at = received_at - interval '2 seconds' RETURNING 1")
    rows(engine, "UPDATE roster_change SET at = at - interval '2 seconds' RETURNING 1")


def left(engine: Engine) -> list[int]:
    with transaction(engine) as cursor:
        return list(tenants_left(cursor))


@pytest.fixture(autouse=True)
def judged_roster(engine: Engine, heard: Heard) -> None:
    for tenant_id in (1, 2):
        judge(engine, tenant_id, heard)


@pytest.mark.parametrize(
    "point", ["before_judge_commit", "after_judge_commit", "between_commit_and_emit"]
)
def test_whatever_line_a_worker_dies_at_the_sweep_completes_its_work(
    engine: Engine, postgres_url: str, heard: Heard, point: str
) -> None:
    intake.submit(engine, [imposter("p1")])
    assert judge_in_a_process(postgres_url, f"{point}=1") == -signal.SIGKILL
    age(engine)
    for tenant_id in left(engine):
        judge_left(engine, tenant_id, heard)
    assert (waiting(engine), [row[1] for row in anomalies(engine)], len(found(engine))) == (
        0,
        ["WRONG_PERSON"],
        1,
    )


def test_work_is_left_alone_while_it_is_young_or_its_tenant_is_being_judged(
    engine: Engine, heard: Heard
) -> None:
    intake.submit(engine, [imposter("p1")])
    assert left(engine) == []
    age(engine)
    assert left(engine) == [1]
    with transaction(engine) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (tenant_lock_key(1),))
        judge_left(engine, 1, heard)
        assert rows(engine, "SELECT attempts FROM pending") == [(0,)]


def test_what_a_judge_died_of_is_the_sweeps_alone(engine: Engine, heard: Heard) -> None:
    intake.submit(engine, [imposter("p1")])
    rows(engine, "UPDATE pending SET attempts = 1 RETURNING 1")
    judge(engine, 1, heard)
    assert waiting(engine) == 1


def test_batches_are_halved_down_to_one(engine: Engine) -> None:
    attempts, size = 0, MOST_A_BATCH
    sizes = []
    while size > 1 or attempts == 0:
        attempts = halved(attempts, size)
        size = max(MOST_A_BATCH >> attempts, 1)
        sizes.append(size)
    assert sizes == [500, 250, 125, 62, 31, 15, 7, 3, 1]
    assert halved(0, 1) == 10  # alone from the first: the next two deaths are its last
    assert halved(0, 40) == 6  # 15 of 40


def test_a_sweep_is_not_taken_for_dead_by_the_next_one(
    engine: Engine, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another comes whenever it has committed something, as often as gives a punch up."""
    other_sweeps = iter(range(LONE_ATTEMPTS + 1))

    @contextmanager
    def transaction_and_sweep(engine: Engine) -> Iterator[Cursor]:
        with transaction(engine) as cursor:
            yield cursor
        if next(other_sweeps, None) is not None:
            judge_left(engine, 1, heard)

    for module in (worker.judging.sweep, worker.judging.suspects):
        monkeypatch.setattr(module, "transaction", transaction_and_sweep)
    intake.submit(engine, [imposter("p1")])
    age(engine)
    with capture_logs() as logs:
        judge_left(engine, 1, heard)
    assert [line["event"] for line in logs] == ["judged"]
    assert (waiting(engine), [row[1] for row in anomalies(engine)], len(found(engine))) == (
        0,
        ["WRONG_PERSON"],
        1,
    )


def test_a_punch_that_kills_its_worker_is_found_rejected_and_the_others_are_judged(
    engine: Engine, postgres_url: str, heard: Heard
) -> None:
    punches = [imposter(f"p{index}", person_id=index % 9 + 3, site_id=16) for index in range(7)]
    intake.submit(engine, [*punches[:3], imposter("poison"), *punches[3:]])
    assert dies_of("poison", postgres_url, judge)
    age(engine)
    deaths = 0
    while dies_of("poison", postgres_url, judge_left):
        deaths += 1
        age(engine)
    # 8, 3, 1, and twice more alone, with the halves that hold no poison judged between
    assert deaths <= 7
    age(engine)
    judge_left(engine, 1, heard)
    assert waiting(engine) == 0
    assert {row[0] for row in anomalies(engine) if row[-1]} == {f"p{index}" for index in range(7)}
    assert rows(
        engine, "SELECT punch_id, reasons -> 0 ->> 'code' FROM rejected WHERE tenant_id = 1"
    ) == [("poison", "kills_worker")]


def test_a_punch_that_was_given_up_is_judged_once_it_is_corrected(
    engine: Engine, heard: Heard
) -> None:
    intake.submit(engine, [imposter("p1")])
    rows(engine, "UPDATE pending SET attempts = 12 RETURNING 1")
    age(engine)
    judge_left(engine, 1, heard)
    judge(engine, 1, heard)
    assert (anomalies(engine), waiting(engine)) == ([], 0)
    intake.submit(engine, [imposter("p1", accuracy_m=7)])
    judge(engine, 1, heard)
    assert [row[-1] for row in anomalies(engine)] == [True]


def test_an_error_in_judging_blocks_nobody_for_ever(
    engine: Engine, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = worker.judging.judge.find_and_record

    def fail_on_poison(cursor: Any, tenant_id: Id, touched: Any, as_of: datetime) -> Any:
        voided = cursor.execute(
            "SELECT voided_at IS NOT NULL FROM punch WHERE punch_id = 'poison'"
        ).fetchone()
        if "poison" in {punch.punch_id for punch in touched.punches} and voided == (False,):
            raise ZeroDivisionError
        return find(cursor, tenant_id, touched, as_of)

    monkeypatch.setattr(worker.judging.judge, "find_and_record", fail_on_poison)
    intake.submit(
        engine, [imposter("p1", person_id=5), imposter("poison"), imposter("p2", person_id=6)]
    )
    with pytest.raises(ZeroDivisionError):
        judge(engine, 1, heard)
    for _ in range(12):
        age(engine)
        try:
            judge_left(engine, 1, heard)
        except ZeroDivisionError:
            continue
    assert waiting(engine) == 0
    assert {row[0] for row in anomalies(engine) if row[-1]} == {"p1", "p2"}


def test_a_shift_nobody_came_to_is_found_when_its_moment_has_passed_and_once(
    engine: Engine, heard: Heard
) -> None:
    now = datetime.now(UTC)
    intake.submit(
        engine, [punch("before", person_id=9, occurred_at=(now - timedelta(days=3)).isoformat())]
    )
    shift = {
        "shift_id": "s1",
        "person_id": 1,
        "site_id": 15,
        "starts_at": (now - timedelta(minutes=29)).isoformat(),
        "ends_at": (now + timedelta(hours=4)).isoformat(),
        "substitutes": [],
    }
    intake.sync_roster(engine, {"tenant": roster(1)["tenant"], "shifts": [shift]})
    judge(engine, 1, heard)
    assert found(engine) == []
    # Two minutes pass.
    rows(engine, "UPDATE shift SET starts_at = starts_at - interval '2 minutes' RETURNING 1")
    rows(engine, "UPDATE tenant SET swept_at = swept_at - interval '2 minutes' RETURNING 1")
    for _ in range(2):
        judge_moments(engine, 1, heard)
    assert [
        (payload["reason"], payload["shift_id"], payload["punch_id"]) for payload in found(engine)
    ] == [("no_show", "s1", None)]


def from_now(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def turn(shift_id: str, starts: float, ends: float) -> dict[str, Any]:
    """A shift of person 1 at site 15."""
    times = {"starts_at": from_now(starts), "ends_at": from_now(ends)}
    return {"shift_id": shift_id, "person_id": 1, "site_id": 15, "substitutes": [], **times}


def a_minute_passes(engine: Engine, heard: Heard) -> list[tuple[str, str]]:
    """Return what stands a minute later, as reason and severity.

    The sweep of two schedulers comes at once, and then again.
    """
    rows(engine, "UPDATE punch SET occurred_at = occurred_at - interval '1 minute' RETURNING 1")
    rows(
        engine,
        "UPDATE shift SET starts_at = starts_at - interval '1 minute', "
        "ends_at = ends_at - interval '1 minute' RETURNING 1",
    )
    rows(engine, "UPDATE tenant SET swept_at = swept_at - interval '1 minute' RETURNING 1")
    before = len(found(engine))
    with ThreadPoolExecutor(2) as schedulers:
        for done in [schedulers.submit(judge_moments, engine, 1, heard) for _ in range(3)]:
            done.result()
    news = [
        (payload["anomaly_id"], payload["status"], payload["severity"])
        for payload in found(engine)[before:]
    ]
    assert len(news) == len(set(news))
    return standing(engine)


def standing(engine: Engine) -> list[tuple[str, str]]:
    return rows(
        engine, "SELECT reason, severity FROM anomaly WHERE standing AND punch_id <> '' ORDER BY 1"
    )


SOON = 30 / 3600  # half a minute
# Shifts and the check-in, in hours from now; whether a check-out follows; what stands before the
# moment, and after it.
MOMENTS = {
    "work passes the limit": ([], -16 + SOON, False, [], [("still_working", "HIGH")]),
    "it has been over for so long that it counts as forgotten": (
        [],
        -22 + SOON,
        False,
        [("still_working", "HIGH")],
        [],
    ),
    "the spell's shift is over": (
        [("s1", -17, SOON)],
        -17,
        False,
        [("still_working", "HIGH")],
        [("still_working", "LOW")],
    ),
    "its next shift begins": (
        [("s1", -17, -9), ("s2", SOON, 8)],
        -17,
        False,
        [("missing_check_out", "LOW"), ("still_working", "LOW")],
        [("missing_check_out", "LOW"), ("still_working", "HIGH")],
    ),
    "a check-out is missing": (
        [("s1", -14, -6 + SOON)],
        -14,
        False,
        [],
        [("missing_check_out", "LOW")],
    ),
    "the shift somebody left is over": ([("s1", -8, SOON)], -8, True, [], [("left_early", "LOW")]),
}


@pytest.mark.parametrize(
    ("shifts", "came", "left_again", "before", "after"), MOMENTS.values(), ids=MOMENTS.keys()
)
def test_each_moment_is_judged_within_a_minute_and_once(
    engine: Engine,
    heard: Heard,
    shifts: list[tuple[str, float, float]],
    came: float,
    left_again: bool,
    before: list[tuple[str, str]],
    after: list[tuple[str, str]],
) -> None:
    intake.sync_roster(
        engine,
        {
            "tenant": roster(1)["tenant"],
            "shifts": [turn(*times) for times in shifts],
            # By which it is known that the person checks out.
            "devices": [{"device_id": "phone", "shared": False, "person_id": 1}],
        },
    )
    punches = [punch("in", occurred_at=from_now(came), device_id="phone")]
    punches += (
        [punch("out", kind="check_out", occurred_at=from_now(came + 2))] if left_again else []
    )
    intake.submit(engine, punches)
    judge(engine, 1, heard)
    judge_moments(engine, 1, heard)
    assert standing(engine) == before
    assert a_minute_passes(engine, heard) == after


def test_a_sweep_leaves_off_where_the_next_begins(engine: Engine, heard: Heard) -> None:
    rows(engine, "UPDATE tenant SET swept_at = swept_at - interval '3 days' RETURNING 1")
    with transaction(engine) as cursor:
        assert sorted(tenants_unswept(cursor, timedelta(seconds=15))) == [1, 2]
    judge_moments(engine, 1, heard)
    with transaction(engine) as cursor:
        assert tenants_unswept(cursor, timedelta(seconds=15)) == [2]


def test_two_sweeps_at_once_say_everything_once(engine: Engine, heard: Heard) -> None:
    intake.submit(
        engine,
        [
            imposter(f"p{index}", person_id=index + 1, occurred_at=NOON.isoformat())
            for index in range(10)
        ],
    )
    age(engine)
    with ThreadPoolExecutor(4) as pool:
        for done in [
            pool.submit(sweep, engine, 1, heard) for sweep in (judge_left, judge_moments) * 2
        ]:
            done.result()
    judge_left(engine, 1, heard)
    assert waiting(engine) == 0
    ids = [payload["anomaly_id"] for payload in found(engine)]
    assert len(ids) == len(set(ids)) == len(anomalies(engine))
