"""`python -m models migrate` is `rollcall migrate`; `revision` is for developers."""

import sys
from collections.abc import Sequence

import click

from models.commands.by_name import ByName, run


@click.group(
    cls=ByName,
    places={
        "migrate": "models.commands.migrate:command",
        "revision": "models.commands.revision:command",
    },
)
def models() -> None:
    """Bring the database up to the newest revision: the `release` line of the Procfile."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` name, and return the status to exit with."""
    return run(models, arguments, "python -m models")


if __name__ == "__main__":
    sys.exit(main())
