"""Commands that are imported by name when asked for, so that no module imports both sides."""

import sys
from collections.abc import Mapping, Sequence
from pkgutil import resolve_name
from typing import IO, Any

import click


class ByName(click.Group):
    """A group of commands; `places` says where each is, as `worker.commands.explain:command`."""

    def __init__(self, *arguments: Any, places: Mapping[str, str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.places = places

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the library's signature
        return sorted(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        place = self.places.get(cmd_name)
        return resolve_name(place) if place else None


class Failed(click.ClickException):
    """What was asked for cannot be had.

    The text is one sentence, and the process ends with status 1.
    """

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"rollcall: {self.message}", file=file or sys.stderr)


def run(command: click.Command, arguments: Sequence[str] | None, program: str) -> int:
    """Run the command with `arguments` (None: those of this process), and return the status.

    This is where expected failures end, in one sentence. Raises SystemExit: with 2 where the
    arguments are wrong, with 1 where what was asked for cannot be had, with 130 after Ctrl-C.
    """
    try:
        return command.main(arguments, prog_name=program, standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        raise SystemExit(error.exit_code) from None
    except click.Abort:
        raise SystemExit(130) from None
