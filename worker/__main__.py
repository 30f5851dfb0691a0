"""`python -m worker explain` is `rollcall explain`, and so on. It starts no worker."""

import sys
from collections.abc import Sequence

import click

from models.commands.by_name import ByName, run


@click.group(
    cls=ByName,
    places={
        "backtest": "worker.commands.backtest:command",
        "explain": "worker.commands.explain:command",
        "rejected": "worker.commands.rejected:command",
        "resubmit": "worker.commands.resubmit:command",
    },
)
def worker() -> None:
    """What whoever runs the installation asks by hand."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` name, and return the status to exit with."""
    return run(worker, arguments, "python -m worker")


if __name__ == "__main__":
    sys.exit(main())
