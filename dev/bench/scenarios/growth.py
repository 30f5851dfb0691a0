"""Growth: what a punch costs over a short and a long history, and with one tenant and a thousand;
and a delivery with one server and four.
"""

from contextlib import ExitStack

from dev.bench.company import Company, founded
from dev.bench.measure import cpu_seconds_of_one
from dev.bench.peers.ours import Ours
from dev.bench.scenarios.fanout import DELIVERY_SECONDS, settle
from dev.bench.scenarios.pipeline import company_database, in_batches
from dev.bench.stage import Stage
from dev.bench.targets import CPU
from dev.bench.viewers import Viewers

ANOMALY_SHARE = 0.01
BATCH = 1_000
VIEWERS = 1_000


def run(stage: Stage) -> None:
    people = stage.size.batched
    with ExitStack() as stack:
        long_lived = [
            (count, *stack.enter_context(company_database(stage, founded(people), history=count)))
            for count in stage.size.histories
        ]
        spread = [
            (count, *stack.enter_context(company_database(stage, founded(people, count))))
            for count in stage.size.tenants
        ]
        for _ in range(stage.size.rounds):
            for count, database, company in long_lived:
                case = f"{count:,} punches of history"
                _measure(stage, database, company, case, recalled=True)
                _measure(stage, database, company, f"{case}, after a restart")
            for count, database, company in spread:
                _measure(stage, database, company, f"{count:,} tenant{'s' * (count > 1)}")
    with Ours.database(stage) as database:
        for _ in range(stage.size.rounds):
            for servers in stage.size.servers:
                _fan_out_over(stage, database, servers)


def _measure(
    stage: Stage, database: str, company: Company, case: str, *, recalled: bool = False
) -> None:
    in_batches(stage, database, company, BATCH, ANOMALY_SHARE, "growth", case, recalled=recalled)


def _fan_out_over(stage: Stage, database: str, servers: int) -> None:
    """Say the same messages to the same number of viewers, spread over so many servers."""
    ours = Ours(stage, database)
    messages = max(4, stage.size.deliveries // VIEWERS)
    with ExitStack() as stack:
        serving = [stack.enter_context(ours.start(stage.logs)) for _ in range(servers)]
        groups = [
            stack.enter_context(
                Viewers(server.port, VIEWERS // servers, path=ours.path, connect=ours.connect)
            )
            for server in serving
        ]
        for group in groups:
            group.wait_connected()
        for server in serving:
            settle(server.pid)
        before = sum(cpu_seconds_of_one(server.pid) for server in serving)
        for group in groups:
            group.expect(messages, DELIVERY_SECONDS)
        ours.say(0, messages)
        received = sum(group.heard(DELIVERY_SECONDS).received for group in groups)
        used = sum(cpu_seconds_of_one(server.pid) for server in serving) - before
    case = f"{VIEWERS:,} viewers on {servers} server{'s' * (servers > 1)}"
    stage.figures.add("growth", case, CPU, "rollcall", "ours", used / received * 1e6)
