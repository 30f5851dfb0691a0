"""`rollcall migrate`."""

import click


@click.command(
    short_help="Bring the database to the newest revision.",
    epilog="""\b
Examples:
  rollcall migrate
  rollcall migrate --patience 300     # Postgres may take its time""",
)
@click.option(
    "--patience",
    type=float,
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for Postgres, and for a lock.",
)
def command(patience: float) -> None:
    """Upgrade the database named by DATABASE_URL to the newest revision.

    Where it is there already, nothing is done; two at once take turns. Run it once a deployment,
    before the processes are started.
    """
    # Imported here, and Alembic last: help needs none of it, and a wrong setting no Alembic.
    from models.misspelt import print_misspelt
    from models.settings import load_settings

    url = load_settings().database_url
    print_misspelt()
    from models.migrations.upgrade import migrate

    migrate(url, patience=patience)
    click.echo("rollcall: the database is up to date")
