"""A reconnect storm: viewers by the thousand come back at once, each owed a thousand messages,
while others go on watching.
"""

import itertools
import time

from dev.bench.broker import in_batches
from dev.bench.floors.fanout import Floor
from dev.bench.measure import cpu_seconds_of_one, rss_bytes
from dev.bench.peers.contender import Contender, Serving
from dev.bench.peers.ours import Ours, message, token
from dev.bench.repeating import Repeating
from dev.bench.scenarios.fanout import settle
from dev.bench.stage import Stage
from dev.bench.viewers import Viewers

WATCHERS = 100
LIVE_EVERY_SECONDS = 0.1  # between the messages that the watchers get meanwhile
LOOK_EVERY_SECONDS = 0.05
CATCH_UP_SECONDS = 300.0
MESSAGES_A_COMMIT = 500


def run(stage: Stage) -> None:
    for _ in range(stage.size.rounds):
        with Ours.database(stage) as database:
            ours = Ours(stage, database)
            offset = _owe(ours, stage.size.storm_owed)
            with ours.start(stage.logs, stage.server_cores) as serving:
                _weather(
                    stage, ours, serving, f'40/noc,{{"token":"{token()}","offset":"{offset}"}}'
                )
        floor = Floor(stage.redis_url, "C", replay=True)
        with floor.start(stage.logs, stage.server_cores) as serving:
            floor.say(0, stage.size.storm_owed)
            _weather(stage, floor, serving, floor.connect)


def _owe(ours: Ours, count: int) -> str:
    """Append the messages that will be owed; return the offset before them."""
    parts = in_batches(range(count), MESSAGES_A_COMMIT)
    appended = [ours.commit([message(number, 0) for number in part]) for part in parts]
    return f"{appended[0].epoch}-{appended[0].base}"


def _weather(stage: Stage, contender: Contender, serving: Serving, returning: str | None) -> None:
    """Let the storm break over the server, and report what it took. `returning` is the CONNECT
    packet of a viewer that was away.
    """
    numbers = itertools.count(stage.size.storm_owed)
    sizes = [rss_bytes(serving.pid)]
    with Viewers(
        serving.port,
        WATCHERS,
        path=contender.path,
        connect=contender.connect,
        cores=stage.other_cores,
    ) as watchers:
        watchers.wait_connected()
        settle(serving.pid)
        watchers.expect(1_000_000, CATCH_UP_SECONDS)
        before = cpu_seconds_of_one(serving.pid)
        with (
            Repeating(lambda: contender.say(next(numbers), 1), LIVE_EVERY_SECONDS),
            Repeating(lambda: sizes.append(rss_bytes(serving.pid)), LOOK_EVERY_SECONDS),
        ):
            seconds = _come_back(stage, contender, serving, returning)
        used = cpu_seconds_of_one(serving.pid) - before
        delayed = watchers.stop().max_ms
    _report(
        stage,
        contender,
        {"s until all caught up": seconds, "max delay of others' live messages, ms": delayed},
    )
    _report(
        stage,
        contender,
        {"server CPU, s": used, "memory while it lasts, MB more": (max(sizes) - sizes[0]) / 1e6},
    )


def _come_back(
    stage: Stage, contender: Contender, serving: Serving, returning: str | None
) -> float:
    """Connect the viewers that were away; return the seconds until each has, in order, all it was
    owed.
    """
    size, start = stage.size, time.monotonic()
    owed = (size.storm_owed, CATCH_UP_SECONDS)
    with Viewers(
        serving.port,
        size.storm_viewers,
        path=contender.path,
        connect=returning,
        at_once=owed,
        cores=stage.other_cores,
    ) as viewers:
        viewers.wait_connected(CATCH_UP_SECONDS)
        viewers.heard(CATCH_UP_SECONDS)
        return time.monotonic() - start


def _report(stage: Stage, contender: Contender, measured: dict[str, float | None]) -> None:
    case = f"{stage.size.storm_viewers:,} viewers owed {stage.size.storm_owed:,} messages each"
    for metric, value in measured.items():
        stage.figures.add("reconnect storm", case, metric, contender.name, contender.kind, value)
