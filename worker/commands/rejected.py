"""`rollcall rejected`."""

from typing import Any

import click

from models.commands.ids import ID


@click.command(
    short_help="List what could not be judged and was not resubmitted.",
    epilog="""\b
Examples:
  rollcall rejected                      # what named no readable tenant
  rollcall rejected --tenant 1 --limit 5""",
)
@click.option(
    "--tenant",
    type=ID,
    help="The tenant_id; left out, what named no readable tenant.",
)
@click.option(
    "--limit",
    type=int,
    default=100,
    show_default=True,
    help="At most so many, newest first.",
)
def command(tenant: Any, limit: int) -> int:
    """List what could not be judged and was not resubmitted, one JSON object a line."""
    # Imported here: help and completion go without the database and what goes into it.
    from models.numbering import find_tenant
    from worker.commands.installation import database
    from worker.commands.rejections import list_rejected

    with database() as engine:
        return list_rejected(engine, find_tenant(engine, tenant or 0), limit)
