"""`rollcall`: the one command, whose subcommands setup.cfg names."""

from importlib.metadata import distribution

import click

from models.commands.by_name import ByName, run
from models.migrations.revision import newest_revision
from models.version import rollcall_version

GROUP = "rollcall.commands"


def installed_commands() -> dict[str, str]:
    """Return where each subcommand is, by name: the entry points of setup.cfg, as installed."""
    entry_points = distribution("rollcall").entry_points.select(group=GROUP)
    return {entry_point.name: entry_point.value for entry_point in entry_points}


def _print_version(context: click.Context, _: click.Parameter, is_wanted: bool) -> None:
    if is_wanted:
        click.echo(f"rollcall {rollcall_version()}, schema revision {newest_revision()}")
        context.exit()


@click.group(
    cls=ByName,
    places=installed_commands(),
    epilog="""Each has help of its own: rollcall explain --help. For completion in bash, put

\b
  eval "$(_ROLLCALL_COMPLETE=bash_source rollcall)"

into ~/.bashrc; zsh_source and fish_source are for the others.""",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show version and schema revision.",
)
def rollcall() -> None:
    """Watch check-ins and check-outs, and tell operators live which ones cannot be right.

    All settings come from the environment; `rollcall check` looks at them.
    """


def main() -> int:
    return run(rollcall, None, "rollcall")
