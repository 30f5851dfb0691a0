"""`rollcall token`."""

import time
from typing import Any

import click

from models.commands.by_name import Failed
from models.commands.ids import ID
from models.vocabulary import ROLES


class Sites(click.ParamType[Any]):
    """All sites, or ids with commas between."""

    name = "all|15,16"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        if value == "all":
            return "all"
        return [ID.convert(part, param, ctx) for part in value.split(",")]


class CannotMint(Failed):
    """Tokens are signed elsewhere, so none can be printed here: a matter of the settings."""

    exit_code = 2


@click.command(
    short_help="Print a token for a viewer, an operator or an admin.",
    epilog="""\b
Examples:
  rollcall token --tenant 1
  rollcall token --tenant 1 --sites 15,16 --role operator --sub ada --ttl 28800
  rollcall token --tenant '"acme"' --sites '"harbour","site%5F2",15'
  TOKEN=$(rollcall token --tenant 1 --role admin)""",
)
@click.option("--tenant", type=ID, required=True, help="The tenant_id.")
@click.option("--sites", type=Sites(), default="all", show_default=True, help="What it may see.")
@click.option("--role", type=click.Choice(tuple(ROLES)), default="viewer", show_default=True)
@click.option("--sub", default="developer", show_default=True, metavar="NAME", help="Whose it is.")
@click.option(
    "--ttl",
    type=int,
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="How long it is good for.",
)
def command(tenant: Any, sites: Any, role: str, sub: str, ttl: int) -> None:
    """Print a token signed with JWT_SECRET, for the page, for curl and for trying things out."""
    # Imported here, and PyJWT last: help needs neither, a wrong setting only the first.
    from models.misspelt import print_misspelt
    from models.settings import load_settings

    settings = load_settings(tokens=True)
    print_misspelt()
    from realtime.tokens import mint

    claims = {
        "sub": sub,
        "tenant_id": tenant,
        "sites": sites,
        "role": role,
        "exp": int(time.time()) + ttl,
    }
    try:
        click.echo(mint(settings, claims))
    except ValueError as error:
        raise CannotMint(str(error)) from None
