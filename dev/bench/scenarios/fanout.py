"""Fan-out: what a delivery costs the server's process and how long it takes, in bursts and at a
modest rate; and the memory of a viewer.
"""

import time
from collections.abc import Iterator

from dev.bench.floors.fanout import Floor
from dev.bench.measure import cpu_seconds_of_one, rss_bytes
from dev.bench.peers.contender import Contender, Serving
from dev.bench.peers.every import COMPRESSING, DAPHNE, NODE, PLAIN, UVICORN, peers
from dev.bench.peers.ours import Ours
from dev.bench.stage import Stage
from dev.bench.targets import CPU, MEMORY
from dev.bench.viewers import Viewers

DEFLATE_VIEWERS = 1_000
DELIVERY_SECONDS = 120.0  # after which messages count as lost


def run(stage: Stage) -> None:
    with Ours.database(stage) as database:
        ours = Ours(stage, database)
        for count in stage.size.viewers:
            _in_turn(stage, [ours, *_peers(stage, count), *_floors(stage)], count)
        if DEFLATE_VIEWERS in stage.size.viewers:
            compressing = peers(stage.redis_url, (NODE, COMPRESSING, PLAIN), stage.without)
            _in_turn(stage, [ours, *compressing], DEFLATE_VIEWERS, deflate=True)


def _in_turn(
    stage: Stage, contenders: list[Contender], viewers: int, *, deflate: bool = False
) -> None:
    for _ in range(stage.size.rounds):
        for contender in contenders:
            _measure(stage, contender, viewers, deflate=deflate)


def _peers(stage: Stage, viewers: int) -> Iterator[Contender]:
    """The peers for so many viewers. Channels takes minutes for what others do in seconds: a short
    run leaves it out where there are most viewers.
    """
    channels = (UVICORN, DAPHNE) if viewers < 5_000 or stage.size.name == "full" else ()
    return peers(stage.redis_url, (NODE, PLAIN, *channels), stage.without)


def _floors(stage: Stage) -> list[Contender]:
    return [Floor(stage.redis_url, "asyncio"), Floor(stage.redis_url, "C")]


def _measure(stage: Stage, contender: Contender, count: int, *, deflate: bool = False) -> None:
    case = f"{count:,} viewers" + ", deflate offered" * deflate
    with contender.start(stage.logs, stage.server_cores) as serving:
        settle(serving.pid)
        empty = rss_bytes(serving.pid)
        with Viewers(
            serving.port,
            count,
            path=contender.path,
            connect=contender.connect,
            deflate=deflate,
            cores=stage.other_cores,
        ) as viewers:
            viewers.wait_connected()
            settle(serving.pid)
            per_viewer = (rss_bytes(serving.pid) - empty) / count / 1e3
            stage.figures.add("memory", case, MEMORY, contender.name, contender.kind, per_viewer)
            _burst(stage, contender, serving, viewers, case)
            if not deflate:
                _modest(stage, contender, serving, viewers, case)


def _burst(
    stage: Stage, contender: Contender, serving: Serving, viewers: Viewers, case: str
) -> None:
    messages = max(4, int(stage.size.deliveries / viewers.count / contender.slowness))
    _volley(contender, viewers, max(2, messages // 5))  # warms up caches and compilers
    before = cpu_seconds_of_one(serving.pid)
    received = _volley(contender, viewers, messages)
    used = cpu_seconds_of_one(serving.pid) - before
    stage.figures.add(
        "fan-out", f"burst, {case}", CPU, contender.name, contender.kind, used / received * 1e6
    )


def _volley(contender: Contender, viewers: Viewers, messages: int) -> int:
    """Say the messages at once; return how many deliveries they made."""
    viewers.expect(messages, DELIVERY_SECONDS)
    contender.say(0, messages)
    return viewers.heard(DELIVERY_SECONDS).received


def _modest(
    stage: Stage, contender: Contender, serving: Serving, viewers: Viewers, case: str
) -> None:
    # the slowest could not follow
    rate = stage.size.calm_deliveries / viewers.count / (5 if contender.slowness > 10 else 1)
    messages = max(2, round(rate * stage.size.calm_seconds))
    viewers.expect(messages, DELIVERY_SECONDS)
    before = cpu_seconds_of_one(serving.pid)
    say_at_rate(contender, messages, rate)
    heard = viewers.heard(DELIVERY_SECONDS)
    used = cpu_seconds_of_one(serving.pid) - before
    for metric, value in (
        (CPU, used / heard.received * 1e6),
        ("p50, ms", heard.p50_ms),
        ("p99, ms", heard.p99_ms),
    ):
        stage.figures.add(
            "fan-out", f"modest, {case}", metric, contender.name, contender.kind, value
        )


def say_at_rate(contender: Contender, messages: int, rate: float) -> None:
    """Say so many messages, one by one, `rate` a second."""
    start = time.monotonic()
    for number in range(messages):
        time.sleep(max(0.0, start + number / rate - time.monotonic()))
        contender.say(number, 1)


def settle(pid: int, seconds: float = 15.0) -> None:
    """Wait until the process uses less than 2 % of a core, or `seconds` are over."""
    deadline = time.monotonic() + seconds
    used, step = cpu_seconds_of_one(pid), 0.25
    while time.monotonic() < deadline:
        time.sleep(step)
        before, used = used, cpu_seconds_of_one(pid)
        if used - before < 0.02 * step:
            return
