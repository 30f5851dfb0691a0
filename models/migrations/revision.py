"""The revision of the database that this code is written for, and the one that a database is at."""

from functools import cache
from pathlib import Path

# There is no row, and maybe no table, where nothing was migrated.
IN_DATABASE = "SELECT string_agg(version_num, ', ') FROM alembic_version"
IS_MIGRATED = "SELECT to_regclass('alembic_version') IS NOT NULL"


@cache
def newest_revision() -> str:
    """Return the last revision of versions/, by the names of its files.

    Alembic, which takes half a second to import, says the same, as a test makes sure.
    """
    files = (Path(__file__).parent / "versions").glob("[0-9]*_*.py")
    return max(file.name.partition("_")[0] for file in files)
