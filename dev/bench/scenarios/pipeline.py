"""The pipeline: what a punch costs, singly beside a no-op task, in batches beside COPY and three
look-ups.
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

PATIENCE = 600.0
HISTORY = 50_000
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
    """Sizes of batches with shares of anomalies. A short run varies one at a time."""
    pairs = itertools.product(stage.size.batches, stage.size.anomaly_shares)
    usual = (max(stage.size.batches), SINGLES_SHARE)
    return [
        pair
        for pair in pairs
        if stage.size.name != "short" or pair[0] == usual[0] or pair[1] == usual[1]
    ]


@contextmanager
def company_database(
    stage: Stage, company: Company, history: int = HISTORY
) -> Iterator[tuple[str, Company]]:
    """The URL of a database with the company's roster and `history` punches, to be copied."""
    with databases.migrated(stage.postgres_url) as template:
        with psycopg.connect(template) as connection:
            store_roster(connection, company)
        store_history(template, company, history)
        yield template, company


def _singly(stage: Stage, template: str, company: Company) -> None:
    given = list(punches(company, SINGLES_SHARE, range(1, stage.size.singles + 1)))
    case = "singly, 1 % anomalies"
    with databases.copied(stage.postgres_url, template) as database:
        used = _judged(
            stage, database, "attendance.submit", [{"punch": punch} for punch in given], given
        )
    _add(stage, "pipeline", case, "rollcall", "ours", used, len(given))
    for who, application in (("no-op task", FLOOR), ("no-op task on ours", OUR_FLOOR)):
        with Workers(stage, application, environment(template, stage.redis_url)) as workers:
            used = _worked(stage, workers, "bench.nothing", [{}] * len(given))
        _add(stage, "pipeline", case, who, "floor", used, len(given))


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
    """With what people who punch daily keep in Postgres' memory `recalled`, or as after a restart."""
    given = list(punches(company, share, range(1, stage.size.batched + 1)))
    batches = broker.in_batches(given, size)
    with databases.copied(stage.postgres_url, template) as database:
        if recalled:
            recall_last_punches(database)
        used = _judged(
            stage,
            database,
            "attendance.submit_batch",
            [{"punches": batch} for batch in batches],
            given,
        )
    _add(stage, scenario, case, "rollcall", "ours", used, len(given))
    with databases.copied(stage.postgres_url, template) as database:
        floor = storing.cpu_per_punch(database, stage.postgres_pid, batches)
    stage.figures.add(scenario, case, ALL, "floor", "floor", floor * 1e6)


def _judged(
    stage: Stage,
    database: str,
    task: str,
    calls: Sequence[Mapping[str, Any]],
    given: Sequence[Punch],
) -> dict[str, float]:
    with (
        Workers(stage, OURS, environment(database, stage.redis_url)) as workers,
        psycopg.connect(database, autocommit=True) as connection,
    ):
        used = _worked(stage, workers, task, calls, connection)
        _check(connection, given)
        return used


def _worked(
    stage: Stage,
    workers: Workers,
    task: str,
    calls: Sequence[Mapping[str, Any]],
    connection: psycopg.Connection | None = None,
) -> dict[str, float]:
    """Queue the calls, let the workers at them, and wait until all is done and judged. CPU seconds
    by process, and the time it took.
    """
    queue = stage.redis()
    queue.flushdb()
    broker.fill(workers.app, queue, task, map(dict, calls))
    settle(workers.pid)
    pids = {
        "workers": workers.pids,
        "postgres": (stage.postgres_pid,),
        "broker": (stage.redis_pid,),
    }
    before = {name: cpu_seconds(*some) for name, some in pids.items()}
    start = time.monotonic()
    broker.release(queue)
    broker.wait_drained(queue, PATIENCE)
    if connection is not None:
        _wait_judged(connection)
    took = time.monotonic() - start
    used = {name: cpu_seconds(*some) - before[name] for name, some in pids.items()}
    return {"took": took, **used}


def _check(connection: psycopg.Connection, given: Sequence[Punch]) -> None:
    """Every punch was stored, and every dishonest one found, and no other. Raises RuntimeError."""
    dishonest = sum(punch["is_mock_location"] for punch in given)
    counts = connection.execute(COUNTS).fetchone()
    if counts != (len(given), dishonest):
        raise RuntimeError(
            f"{len(given)} punches with {dishonest} anomalies were given, (punches, anomalies) are {counts}"
        )


def _wait_judged(connection: psycopg.Connection) -> None:
    deadline = time.monotonic() + PATIENCE
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
