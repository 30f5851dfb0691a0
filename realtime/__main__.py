"""`python -m realtime` is `rollcall serve`; `python -m realtime token` is `rollcall token`."""

import sys
from collections.abc import Sequence

import click

from models.commands.by_name import ByName, run
from realtime.commands import serve


@click.group(
    cls=ByName,
    places={"token": "realtime.commands.token:command"},
    invoke_without_command=True,
    subcommand_metavar="[COMMAND [ARGS]...]",
)
@click.pass_context
def realtime(context: click.Context) -> int | None:
    """Serve viewers on PORT, until SIGTERM or SIGINT."""
    return context.invoke(serve.command) if context.invoked_subcommand is None else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` name, and return the status to exit with."""
    return run(realtime, arguments, "python -m realtime")


if __name__ == "__main__":
    sys.exit(main())
