"""The pipeline: what a punch costs, singly beside a no-op task, and in batches beside COPY and
three look-ups.
"""

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from dev.bench import broker, databases
from dev.bench.company import Company, Punch, founded, punches, store_roster
from dev.bench.floors import storing
from dev.bench.history import recall_last_punches, store_history
from dev.bench.measure import cpu_seconds
from dev.bench.peers.ours import environment
from dev.bench.scenarios.fanout import settle
from dev.bench.stage import Stage
from dev.bench.targets import ALL, WORKERS
from dev.bench.workers import FLOOR, OUR_FLOOR, OURS, Workers

JUDGED_SECONDS = 600.0
HISTORY_PUNCHES = 50_000
SINGLES_SHARE = 0.01
# a history has no sent_at
COUNTS = (
    "SELECT (SELECT count(*) FROM punch WHERE sent_at IS NOT NULL), (SELECT count(*) FROM anomaly)"
)


def run(stage: Stage) -> None:
    people = max(stage.size.singles, stage.size.batched)
    with company_database(stage, founded(people)) as (template, company):
        for _ in range(stage.size.rounds):
            _singly(stage, template, company)
            for size, share in _cases(stage):
                case = f"batches of {size:,}, {share * 100:.0f} % anomalies"
                in_batches(stage, template, company, size, share, "pipeline", case)


def _cases(stage: Stage) -> list[tuple[int, float]]:
    """The sizes of batches with the shares of anomalies. A short run varies one at a time."""
    pairs = itertools.product(stage.size.batches, stage.size.anomaly_shares)
    usual = (max(stage.size.batches), SINGLES_SHARE)
    return [
        pair
        for pair in pairs
        if stage.size.name != "short" or pair[0] == usual[0] or pair[1] == usual[1]
    ]


@contextmanager
def company_database(
    stage: Stage, company: Company, history: int = HISTORY_PUNCHES
) -> Iterator[tuple[str, Company]]:
    """Create a database with the company's roster and `history` punches, to be copied; yield its
    URL and the company.
    """
    with databases.migrated(stage.postgres_url) as template:
        with psycopg.connect(template) as connection:
            store_roster(connection, company)
        store_history(template, company, history)
        yield template, company


def _singly(stage: Stage, template: str, company: Company) -> None:
    submitted = list(punches(company, SINGLES_SHARE, range(1, stage.size.singles + 1)))
    case = "singly, 1 % anomalies"
    calls = [{"punch": punch} for punch in submitted]
    with databases.copied(stage.postgres_url, template) as database:
        used = _judge(stage, database, "attendance.submit", calls, submitted)
    _add(stage, "pipeline", case, "rollcall", "ours", used, len(submitted))
    for who, application in (("no-op task", FLOOR), ("no-op task on ours", OUR_FLOOR)):
        with Workers(stage, application, environment(template, stage.redis_url)) as workers:
            used = _work(stage, workers, "bench.nothing", [{}] * len(submitted))
        _add(stage, "pipeline", case, who, "floor", used, len(submitted))


def in_batches(
    stage: Stage,
    template: str,
    company: Company,
    size: int,
    share: float,
    scenario: str,
    case: str,
    *,
    recalled: bool = False,
) -> None:
    """Measure batches of `size` punches, a `share` of them with an anomaly, for us and the floor.
    With `recalled`, Postgres has in memory what people who punch daily keep there; else it is as
    after a restart.
    """
    submitted = list(punches(company, share, range(1, stage.size.batched + 1)))
    batches = broker.in_batches(submitted, size)
    calls = [{"punches": batch} for batch in batches]
    with databases.copied(stage.postgres_url, template) as database:
        if recalled:
            recall_last_punches(database)
        used = _judge(stage, database, "attendance.submit_batch", calls, submitted)
    _add(stage, scenario, case, "rollcall", "ours", used, len(submitted))
    with databases.copied(stage.postgres_url, template) as database:
        floor = storing.cpu_per_punch(database, stage.postgres_pid, batches)
    stage.figures.add(scenario, case, ALL, "floor", "floor", floor * 1e6)


def _judge(
    stage: Stage,
    database: str,
    task: str,
    calls: Sequence[Mapping[str, Any]],
    submitted: Sequence[Punch],
) -> dict[str, float]:
    """Let our workers do the calls; check that the punches in them were stored and judged."""
    with (
        Workers(stage, OURS, environment(database, stage.redis_url)) as workers,
        psycopg.connect(database, autocommit=True) as connection,
    ):
        used = _work(stage, workers, task, calls, connection)
        _check(connection, submitted)
        return used


def _work(
    stage: Stage,
    workers: Workers,
    task: str,
    calls: Sequence[Mapping[str, Any]],
    connection: psycopg.Connection | None = None,
) -> dict[str, float]:
    """Queue the calls, let the workers at them, and wait until all is done and judged. Return the
    CPU seconds by process, and the seconds it took. Raises TimeoutError.
    """
    queue = stage.redis()
    queue.flushdb()
    broker.prepare(workers.app, queue, task, map(dict, calls))
    settle(workers.pid)
    pids = {
        "workers": workers.pids,
        "postgres": (stage.postgres_pid,),
        "broker": (stage.redis_pid,),
    }
    before = {name: cpu_seconds(*family) for name, family in pids.items()}
    start = time.monotonic()
    broker.release(queue)
    broker.wait_drained(queue, JUDGED_SECONDS)
    if connection is not None:
        _wait_judged(connection)
    seconds = time.monotonic() - start
    used = {name: cpu_seconds(*family) - before[name] for name, family in pids.items()}
    return {"took": seconds, **used}


def _check(connection: psycopg.Connection, submitted: Sequence[Punch]) -> None:
    """Raises RuntimeError unless every punch was stored, and every dishonest one found, and no
    other.
    """
    dishonest = sum(punch["is_mock_location"] for punch in submitted)
    counts = connection.execute(COUNTS).fetchone()
    if counts != (len(submitted), dishonest):
        raise RuntimeError(
            f"{len(submitted)} punches with {dishonest} anomalies were given, "
            f"(punches, anomalies) are {counts}"
        )


def _wait_judged(connection: psycopg.Connection) -> None:
    deadline = time.monotonic() + JUDGED_SECONDS
    while connection.execute("SELECT EXISTS (SELECT FROM pending)").fetchone() != (False,):
        if time.monotonic() > deadline:
            raise TimeoutError("punches are still unjudged")
        time.sleep(0.05)


def _add(
    stage: Stage, scenario: str, case: str, who: str, kind: Any, used: dict[str, float], count: int
) -> None:
    add = stage.figures.add
    add(scenario, case, WORKERS, who, kind, used["workers"] / count * 1e6)
    add(
        scenario,
        case,
        ALL,
        who,
        kind,
        (used["workers"] + used["postgres"] + used["broker"]) / count * 1e6,
    )
    add(scenario, case, "punches a second", who, kind, count / used["took"])
