"""Idle: what workers, beat and Postgres pay for tenants that do nothing, beside one of them."""

import time

import psycopg

from dev.bench import databases
from dev.bench.always_so import hold_since_ever
from dev.bench.measure import cpu_seconds
from dev.bench.peers.ours import add_tenants, environment
from dev.bench.scenarios.fanout import settle
from dev.bench.stage import Stage
from dev.bench.targets import CORE, IDLE, idle_case
from dev.bench.workers import OURS, Workers

# A site each, and the chores as they are once the tenants have been idle for days: spread over the
# time between two looks at each (worker.judging.moments, worker.retention).
SPREAD = """
WITH site AS (
    INSERT INTO site (tenant_id, site_id, name, timezone)
    SELECT tenant_id, 1, 'Site', 'UTC' FROM tenant
)
INSERT INTO due (tenant_id, chore, at)
SELECT tenant_id, chore, clock_timestamp() + random() * every
FROM tenant
CROSS JOIN (
    VALUES ('sweep', interval '3 hours'), ('prune', interval '24 hours')
) AS spread (chore, every)
"""


def run(stage: Stage) -> None:
    for _ in range(stage.size.rounds):
        one, many = (_share(stage, count) for count in (1, stage.size.idle_tenants))
        for count, share in ((1, one), (stage.size.idle_tenants, many)):
            stage.figures.add("growth", idle_case(count), CORE, "rollcall", "ours", share * 100)
        stage.figures.add(*IDLE, "rollcall", "ours", max(0.0, many - one) * 100)


def _share(stage: Stage, count: int) -> float:
    """Return the share of a core that `count` tenants take which do nothing."""
    with databases.migrated(stage.postgres_url) as database:
        with psycopg.connect(database, autocommit=True) as connection:
            add_tenants(connection, count)
            connection.execute(SPREAD)
            hold_since_ever(connection)
            connection.execute("VACUUM ANALYZE")
        with Workers(stage, OURS, environment(database, stage.redis_url)) as workers:
            settle(workers.pid)
            pids = (*workers.pids, stage.postgres_pid)
            before, start = cpu_seconds(*pids), time.monotonic()
            time.sleep(stage.size.idle_seconds)
            return (cpu_seconds(*pids) - before) / (time.monotonic() - start)
