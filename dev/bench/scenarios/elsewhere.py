"""Elsewhere: what a server pays for 1,000 messages a second of tenants without a viewer on it."""

import itertools
import time

from dev.bench.measure import cpu_seconds_of_one
from dev.bench.peers.contender import Contender
from dev.bench.peers.every import NODE, PLAIN, peers
from dev.bench.peers.ours import Ours
from dev.bench.repeating import Repeating
from dev.bench.scenarios.fanout import settle
from dev.bench.stage import Stage
from dev.bench.targets import ELSEWHERE
from dev.bench.viewers import Viewers

OTHER_TENANT = 2
MESSAGES_AT_ONCE = 10
MESSAGES_A_SECOND = 1_000


def run(stage: Stage) -> None:
    with Ours.database(stage) as database:
        everybody: list[Contender] = [
            Ours(stage, database),
            *peers(stage.redis_url, (NODE, PLAIN), stage.without),
        ]
        for _ in range(stage.size.rounds):
            for contender in everybody:
                _measure(stage, contender)


def _measure(stage: Stage, contender: Contender) -> None:
    numbers = itertools.count(0, MESSAGES_AT_ONCE)

    def say() -> None:
        contender.say(next(numbers), MESSAGES_AT_ONCE, OTHER_TENANT)

    with (
        contender.start(stage.logs, stage.server_cores) as serving,
        Viewers(
            serving.port, 1, path=contender.path, connect=contender.connect, cores=stage.other_cores
        ) as viewers,
    ):
        viewers.wait_connected()
        settle(serving.pid)
        with Repeating(say, MESSAGES_AT_ONCE / MESSAGES_A_SECOND):
            before, start = cpu_seconds_of_one(serving.pid), time.monotonic()
            time.sleep(stage.size.elsewhere_seconds)
            seconds = time.monotonic() - start
            share = (cpu_seconds_of_one(serving.pid) - before) / seconds
    rate = next(numbers) / seconds
    if rate < 0.9 * MESSAGES_A_SECOND:
        stage.figures.note(
            f"{contender.name} was told only {rate:.0f} messages a second of other tenants"
        )
    stage.figures.add(*ELSEWHERE, contender.name, contender.kind, share * 100)
