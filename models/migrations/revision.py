"""Which revision of the database this code is written for, and which one a database is at."""

from pathlib import Path

from alembic.script import ScriptDirectory

# No row, and no table either, where nothing was migrated.
IN_DATABASE = "SELECT string_agg(version_num, ', ') FROM alembic_version"
IS_MIGRATED = "SELECT to_regclass('alembic_version') IS NOT NULL"


def newest_revision() -> str:
    """The last of versions/. Reads them all: ask once."""
    head = ScriptDirectory(str(Path(__file__).parent)).get_current_head()
    assert head is not None
    return head
