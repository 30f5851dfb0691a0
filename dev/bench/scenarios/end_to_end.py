"""End to end: how long it takes from a punch being made to a stock socket.io-client having its
anomaly, beside the shortest chain there is.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from dev.bench import databases
from dev.bench.broker import QUEUE
from dev.bench.company import Company, Punch, founded, punches
from dev.bench.figures import Kind
from dev.bench.floors.fanout import Floor
from dev.bench.measure import percentile
from dev.bench.message import packet_of
from dev.bench.peers.ours import Ours, environment, token
from dev.bench.scenarios.pipeline import company_database
from dev.bench.stage import Stage
from dev.bench.stock_clients import StockClients
from dev.bench.targets import STREAM
from dev.bench.workers import FLOOR, OURS, Workers

VIEWERS = 10
# At most: enough for the percentiles, few enough that somebody could look at them.
ANOMALIES_A_SECOND = 100
DELIVERY_SECONDS = 60.0
WARM_UP_PUNCHES = 100
METRICS = (("p50, ms", 0.50), ("p99, ms", 0.99), ("p99.9, ms", 0.999))


class Rate(NamedTuple):
    case: str
    punches: int  # a second
    batch: int


RATES = (
    Rate("50 punches a second singly", 50, 1),
    Rate(STREAM, 500, 10),
    Rate("2,000 punches a second in hundreds", 2_000, 100),
)


class Chain(NamedTuple):
    """One way from a producer to clients, all of it running."""

    name: str
    kind: Kind
    workers: Workers
    clients: StockClients

    def send(self, batch: Sequence[Punch]) -> None:
        send = self.workers.app.send_task
        if self.kind == "floor":
            send(
                "bench.chain",
                kwargs={
                    "packets": [packet_of(punch) for punch in batch if punch["is_mock_location"]]
                },
                queue=QUEUE,
            )
        elif len(batch) == 1:
            send("attendance.submit", kwargs={"punch": batch[0]}, queue=QUEUE)
        else:
            send("attendance.submit_batch", kwargs={"punches": batch}, queue=QUEUE)


def run(stage: Stage) -> None:
    seconds = stage.size.stream_seconds
    stage.redis().flushdb()
    founding = founded(
        1_000 + int(seconds * stage.size.rounds * 2 * sum(rate.punches for rate in RATES))
    )
    with company_database(stage, founding) as (database, company), ExitStack() as stack:
        chains = [stack.enter_context(_ours(stage, database)), stack.enter_context(_floor(stage))]
        people = iter(range(1, company.people + 1))
        for chain in chains:  # first connections, first plans
            _stream(company, [next(people) for _ in range(WARM_UP_PUNCHES)], RATES[0], chain)
        for _ in range(stage.size.rounds):
            for rate in RATES:
                for chain in chains:
                    punching = [next(people) for _ in range(int(rate.punches * seconds))]
                    _add(stage, rate, chain, _stream(company, punching, rate, chain))


def _add(stage: Stage, rate: Rate, chain: Chain, delays_ms: list[float]) -> None:
    for metric, share in METRICS:
        value = percentile(delays_ms, share)
        stage.figures.add("end to end", rate.case, metric, chain.name, chain.kind, value)


def _stream(company: Company, people: list[int], rate: Rate, chain: Chain) -> list[float]:
    """Stream the people's punches, each batch made when it is due; return the delays of all
    anomalies in ms.
    """
    share = min(1.0, ANOMALIES_A_SECOND / rate.punches)
    start, sent, dishonest = time.monotonic(), 0, 0
    stream = punches(company, share, people)
    while sent < len(people):
        time.sleep(max(0.0, start + sent / rate.punches - time.monotonic()))
        batch = [punch for _, punch in zip(range(rate.batch), stream, strict=False)]
        chain.send(batch)
        sent += len(batch)
        dishonest += sum(punch["is_mock_location"] for punch in batch)
    return chain.clients.delays_ms(dishonest, DELIVERY_SECONDS)


@contextmanager
def _ours(stage: Stage, database: str) -> Iterator[Chain]:
    with (
        Ours(stage, database).start(stage.logs, stage.server_cores) as server,
        Workers(stage, OURS, environment(database, stage.redis_url)) as workers,
        StockClients(server.port, VIEWERS, {"token": token()}, stage.other_cores) as clients,
    ):
        yield Chain("rollcall", "ours", workers, clients)


@contextmanager
def _floor(stage: Stage) -> Iterator[Chain]:
    """Run the floor's chain. Its broker is another database of the same Redis, so that the queues
    are apart.
    """
    redis_url = stage.redis_url.removesuffix("/0") + "/1"
    with databases.migrated(stage.postgres_url) as database:
        env = environment(database, redis_url)
        with (
            Floor(redis_url, "C").start(stage.logs, stage.server_cores) as server,
            Workers(stage, FLOOR, env) as workers,
            StockClients(server.port, VIEWERS, {}, stage.other_cores) as clients,
        ):
            yield Chain("floor", "floor", workers, clients)
