"""`python -m models revision`, for developers; it is no part of what is installed elsewhere."""

import click


@click.command(
    short_help="For developers: write a revision.",
    epilog="""\b
Example:
  python -m models revision "a column for the weather\"""",
)
@click.argument("message")
def command(message: str) -> None:
    """Write a revision for what models.tables has and the database has not. Read and correct it."""
    # Imported here: Alembic and SQLAlchemy take a second, which help goes without.
    from models.migrations.upgrade import write_revision
    from models.misspelt import print_misspelt
    from models.settings import load_settings

    url = load_settings().database_url
    print_misspelt()
    write_revision(url, message)
