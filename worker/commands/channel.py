"""`rollcall channel`."""

import click


@click.group(
    short_help="The keys with which workers sign what servers believe.",
    epilog="""\b
Examples:
  rollcall channel rotate""",
)
def command() -> None:
    """Look after the keys of the channel, on which workers tell servers what was said."""


@command.command(short_help="Make a new key; the newest before it stays valid.")
def rotate() -> None:
    """Make a new key of the channel, and print its id; secrets stay in Postgres.

    It signs from a minute later on, when every server knows it, and nothing is dropped meanwhile.
    The key that was the newest stays valid until the next rotation; older ones end now. So a key
    that got out is ended by two rotations: where they are less than two minutes apart, messages may
    come a second late for as long.
    """
    # Imported here: help and completion go without the database and what goes into it.
    from models.channel_keys import RIPE_SECONDS, rotate
    from models.database import transaction
    from worker.commands.installation import database

    with database() as engine, transaction(engine) as cursor:
        rotated = rotate(cursor)
    ended = f"; ended: {', '.join(rotated.ended)}" if rotated.ended else ""
    click.echo(f"rollcall: key {rotated.made} signs in {RIPE_SECONDS} seconds{ended}")
