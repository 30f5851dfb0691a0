"""The targets: ratios that Rollcall must keep, each to a figure taken in the same run."""

from typing import NamedTuple

from dev.bench.figures import Figures, Question

CPU = "server CPU, s per million deliveries"
OURS = "rollcall"


class Target(NamedTuple):
    """A promise. `most` is the greatest ratio of ours to `other` that keeps it, or, where there is
    no `other`, the greatest value of ours.
    """

    what: str
    question: Question
    other: str | None
    most: float
    base: Question | None = None  # where the other figure answers another question


class Outcome(NamedTuple):
    what: str
    most: float
    ratio: float

    @property
    def met(self) -> bool:
        return self.ratio <= self.most


NOISE = 1.1
MEMORY = "memory per idle viewer, kB"
WORKERS = "CPU of the workers, us per punch"
ALL = "CPU of all processes, us per punch"
SINGLY = Question("pipeline", "singly, 1 % anomalies", WORKERS)
THOUSANDS = Question("pipeline", "batches of 1,000, 1 % anomalies", ALL)
BURST = Question("fan-out", "burst, 1,000 viewers", CPU)
CALM = "modest, 1,000 viewers"
CORE = "% of a core"
ELSEWHERE = Question("growth", "1,000 messages a second of other tenants", CORE)
IDLE = Question("growth", "idle tenants, beyond what a single one takes", CORE)
STREAM = "500 punches a second in tens"
PUBLISHES = "Redis publishes"
WRITES = "socket writes per viewer"


def idle_case(count: int) -> str:
    return f"{count:,} idle tenant{'s' * (count > 1)}"


def burst_case(anomalies: int) -> str:
    return f"{anomalies:,} anomalies judged at once, each with an alert"


TARGETS = (
    Target("fan-out in bursts, CPU, to Node", BURST, "node", 0.15),
    Target("fan-out in bursts, CPU, to Channels", BURST, "channels/uvicorn", 0.005),
    Target("fan-out at a modest rate, CPU, to Node", Question("fan-out", CALM, CPU), "node", NOISE),
    Target(
        "fan-out at a modest rate, p50, to Node",
        Question("fan-out", CALM, "p50, ms"),
        "node",
        NOISE,
    ),
    Target(
        "fan-out at a modest rate, p99, to Node",
        Question("fan-out", CALM, "p99, ms"),
        "node",
        NOISE,
    ),
    Target(
        "memory per idle viewer, 1,000, to Node",
        Question("memory", "1,000 viewers", MEMORY),
        "node",
        NOISE,
    ),
    Target(
        "memory per idle viewer, 5,000, to Node",
        Question("memory", "5,000 viewers", MEMORY),
        "node",
        NOISE,
    ),
    Target("a punch singly, CPU of the workers, to a no-op task", SINGLY, "no-op task", 1.5),
    Target("a punch in batches of 1,000, CPU of all, to the floor", THOUSANDS, "floor", 4.0),
    Target(
        "punch to client, p99, 500/s in tens, to the chained floor",
        Question("end to end", STREAM, "p99, ms"),
        "floor",
        2.0,
    ),
    Target(
        "5,000,000 punches of history to 50,000",
        Question("growth", "5,000,000 punches of history", ALL),
        OURS,
        1.2,
        base=Question("growth", "50,000 punches of history", ALL),
    ),
    Target(
        "1,000 anomalies and their alerts at once, Redis publishes",
        Question("burst", burst_case(1_000), PUBLISHES),
        None,
        50,
    ),
    Target(
        "1,000 anomalies and their alerts at once, socket writes a viewer",
        Question("burst", burst_case(1_000), WRITES),
        None,
        50,
    ),
    Target("a server beside 1,000 messages/s of other tenants, % of a core", ELSEWHERE, None, 2.0),
    Target("10,000 idle tenants, beyond a single one, % of a core", IDLE, None, 2.0),
)


def outcomes(figures: Figures) -> list[Outcome]:
    """The targets this run has the figures for."""
    measured = []
    for target in TARGETS:
        ours = figures.middle(target.question, OURS)
        other = (
            figures.middle(target.base or target.question, target.other) if target.other else 1.0
        )
        if ours is not None and other:
            measured.append(Outcome(target.what, target.most, ours / other))
    return measured
