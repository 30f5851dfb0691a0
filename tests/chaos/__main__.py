"""`make chaos`: plays each fault over many seeds, and prints a table of what viewers were owed and
got. SEEDS, FAULTS and PUNCHES choose.

TEST_BROKER_URL names a broker other than the world's Redis. Its queues must be empty and of
BROKER_QUEUE_TYPE, or not there.
"""

import io
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

from tests.chaos.faults import FAULTS, Fault
from tests.chaos.house import Broker, World, on_world, open_house
from tests.chaos.ledger import Tally
from tests.chaos.proxy import Backstage
from tests.chaos.round import Size, play
from tests.realtime.node import install

COLUMNS = (
    "owed",
    "received",
    "missing",
    "repeated",
    "out of order",
    "not recovered",
    "not owed",
    "altered",
)


def main() -> int:
    seeds = int(os.environ.get("SEEDS", "10"))
    names = [
        name.strip() for name in os.environ.get("FAULTS", "").split(",") if name.strip()
    ] or list(FAULTS)
    if unknown := set(names) - set(FAULTS):
        print(
            f"no such fault: {', '.join(sorted(unknown))}; there are: {', '.join(FAULTS)}",
            file=sys.stderr,
        )
        return 2
    # Over its seeds every fault sees this many punches at least.
    punches = int(os.environ.get("PUNCHES", "20000"))
    broker = Broker(
        os.environ.get("TEST_BROKER_URL", ""), os.environ.get("BROKER_QUEUE_TYPE", "classic")
    )
    size = Size(
        punches=-(-punches // seeds), seconds=max(6.0, punches / seeds / 350), away_seconds=30
    )
    # and what runs is ended on the way out
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    install()
    _print_head(seeds, size)
    with (
        tempfile.TemporaryDirectory(prefix="rollcall-chaos-") as folder,
        on_world(Path(folder)) as world,
    ):
        Path(folder).chmod(0o755)  # the embedded servers run as nobody where we are root
        wrong = [
            sentence
            for name in names
            for sentence in _row(world, FAULTS[name], seeds, size, Path(folder), broker)
        ]
    print(
        "\n"
        + ("\n".join(wrong) if wrong else "every viewer got what it was owed, once and in order")
    )
    return int(bool(wrong))


def _print_head(seeds: int, size: Size) -> None:
    print(
        f"{seeds} seeds, {size.punches} punches of 3 tenants each; "
        "messages are counted once for each viewer\n"
    )
    columns = "".join(f"{column:>15}" for column in COLUMNS)
    print(
        f"{'fault':24}{columns}{'moves':>9}{'lost by broker':>16}{'wrong':>7}{'s':>7}", flush=True
    )


def _row(
    world: World, fault: Fault, seeds: int, size: Size, folder: Path, broker: Broker
) -> Iterator[str]:
    """Play the fault over all seeds and print its row; yield what was wrong."""
    backstage, name = Backstage(), fault.name.replace(" ", "_")
    try:
        # The ends of the logs are printed for tests alone; here the logs are in the folder.
        with (
            redirect_stdout(io.StringIO()),
            open_house(
                world, backstage, folder / name, broker=broker, faults=fault.points
            ) as house,
        ):
            results = [play(house, fault, seed, seed, size) for seed in range(seeds)]
    except AssertionError as error:
        print(f"{fault.name:24}  gave up: {error}", flush=True)
        yield f"{fault.name}: {error}"
        return
    finally:
        backstage.close()
    tally = sum((result.tally for result in results), Tally())
    figures = "".join(f"{figure:>15,}" for figure in tally)
    wrong = [
        f"{fault.name}, seed {seed}: {sentence}"
        for seed, result in enumerate(results)
        for sentence in result.wrong
    ]
    moves, lost, seconds = (
        sum(getattr(result, name) for result in results) for name in ("moves", "lost", "seconds")
    )
    print(
        f"{fault.name:24}{figures}{moves:>9,}{lost:>16,}{len(wrong):>7}{seconds:>7.0f}", flush=True
    )
    yield from wrong


if __name__ == "__main__":
    sys.exit(main())
