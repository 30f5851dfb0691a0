"""`rollcall explain`."""

from typing import Any

import click

from models.commands.ids import ID


@click.command(
    short_help="Print what each detector saw in a punch or shift, and why.",
    epilog="""\b
Examples:
  rollcall explain a-1 --tenant 1
  rollcall explain S-2026-11-23 --tenant 1 --shift""",
)
@click.argument("subject", metavar="PUNCH_ID")
@click.option("--tenant", type=ID, required=True, help="The tenant_id.")
@click.option(
    "--shift",
    is_flag=True,
    help="Explain a shift instead of a punch: PUNCH_ID is a shift_id.",
)
def command(subject: str, tenant: Any, shift: bool) -> int:
    """Print what each detector saw in a punch or shift, what it decided, and why.

    Nothing is stored or sent.
    """
    # Imported here: all detectors with NumPy and Shapely, which help and completion go without.
    from models.numbering import find_tenant
    from worker.commands.explanation import explain
    from worker.commands.installation import database

    with database() as engine:
        return explain(engine, find_tenant(engine, tenant), subject, of_shift=shift)
