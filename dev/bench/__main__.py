"""The command line of the benchmarks.

python -m dev.bench [short|full|tiny] [--only fanout,...] [--without node,...] [--rounds N]
"""

import argparse
import json
import resource
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from dev.bench import machine
from dev.bench.figures import Figures
from dev.bench.scenarios import (
    burst,
    dense,
    elsewhere,
    end_to_end,
    fanout,
    growth,
    idle,
    pipeline,
    storm,
)
from dev.bench.size import SIZES
from dev.bench.stage import Stage, raise_stage
from dev.bench.table import rendered
from dev.bench.targets import Outcome, outcomes

SCENARIOS = {
    "fanout": fanout.run,
    "pipeline": pipeline.run,
    "end_to_end": end_to_end.run,
    "burst": burst.run,
    "storm": storm.run,
    "growth": growth.run,
    "dense": dense.run,
    "elsewhere": elsewhere.run,
    "idle": idle.run,
}
RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    size = SIZES[options.size]
    if options.rounds:
        size = size._replace(rounds=options.rounds)
    described = machine.describe()
    # so that everything started here is ended here
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    figures = Figures()
    _allow_many_sockets()
    try:
        with raise_stage(size, figures, frozenset(options.without.split(","))) as stage:
            for name in options.only.split(","):
                _run(name, stage)
    finally:  # an hour's figures are worth keeping, whatever ended the run
        against_targets = outcomes(figures)
        print(
            rendered(figures, against_targets),
            "",
            *(f"{name}: {value}" for name, value in described.items()),
            sep="\n",
        )
        run = {"size": size.name, "rounds": size.rounds, "machine": described}
        _write(figures, against_targets, run)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dev.bench", description="Measure Rollcall beside its peers and floors."
    )
    parser.add_argument("size", nargs="?", default="short", choices=SIZES)
    parser.add_argument(
        "--only", default=",".join(SCENARIOS), help="scenarios, separated by commas: %(default)s"
    )
    parser.add_argument("--without", default="", help="contenders to leave out, such as node")
    parser.add_argument("--rounds", type=int, help="instead of those of the size (3 and 5)")
    return parser


def _run(name: str, stage: Stage) -> None:
    start = time.monotonic()
    SCENARIOS[name](stage)
    print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)


def _allow_many_sockets() -> None:
    """Thousands of viewers need thousands of files, in every process started from here."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _write(figures: Figures, against_targets: list[Outcome], run: dict[str, object]) -> None:
    taken_at = datetime.now(UTC)
    RESULTS.mkdir(exist_ok=True)
    stem = RESULTS / taken_at.strftime("%Y%m%d-%H%M%S")
    document = {
        "taken_at": taken_at.isoformat(),
        **run,
        "figures": [
            {
                **question._asdict(),
                "who": figure.who,
                "kind": figure.kind,
                "median": figure.middle,
                "values": figure.values,
            }
            for question, answers in figures.rows()
            for figure in answers
        ],
        "targets": [{**outcome._asdict(), "met": outcome.met} for outcome in against_targets],
        "notes": figures.notes,
    }
    stem.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    if document["figures"]:
        from dev.bench import plot  # matplotlib, which is in the extra `bench` and slow to import

        plot.draw(figures, stem.with_suffix(".svg"), stem.with_suffix(".png"))
    print(f"written: dev/bench/results/{stem.name}.json, .svg, .png")


if __name__ == "__main__":
    main()
