"""`rollcall resubmit`."""

from typing import Any
from uuid import UUID

import click

from models.commands.ids import ID


@click.command(
    short_help="Submit a rejected submission again.",
    epilog="""\b
Examples:
  rollcall resubmit 0198c0de-0000-7000-8000-000000000000 --tenant 1
  rollcall resubmit 0198c0de-0000-7000-8000-000000000000 --file mended.json""",
)
@click.argument("rejected_id", metavar="REJECTED_ID", type=click.UUID)
@click.option(
    "--tenant",
    type=ID,
    help="The tenant_id it is listed under; left out, none.",
)
@click.option("--file", "mended", metavar="FILE", help="JSON: what to submit in its place.")
def command(rejected_id: UUID, tenant: Any, mended: str | None) -> int:
    """Submit a rejected submission again, as it was or mended. `rollcall rejected` lists them."""
    # Imported here: help and completion go without the database and what goes into it.
    from models.numbering import find_tenant
    from worker.commands.installation import database
    from worker.commands.rejections import resubmit

    with database() as engine:
        return resubmit(engine, find_tenant(engine, tenant or 0), rejected_id, mended)
