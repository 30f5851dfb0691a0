"""Revisions after 0007 only add: the release before runs on what they make."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event

from models.migrations.expand import add_column
from models.migrations.upgrade import alembic_config, migrate
from tests.models.migrations.additions import flaws

# Revisions up to this one were written for one transaction, in which nothing else ran.
EARLY = "0007"

SOUND = [
    "ALTER TABLE punch ADD COLUMN shoe_size INTEGER",
    "ALTER TABLE pending ADD COLUMN taken BOOLEAN DEFAULT false NOT NULL",
    "ALTER TABLE punch ADD COLUMN kind TEXT DEFAULT 'x' NOT NULL",
    "CREATE INDEX CONCURRENTLY ix_punch_score ON punch (tenant_id, biometric_score)",
    "DROP INDEX CONCURRENTLY IF EXISTS ix_punch_score",
    "UPDATE alembic_version SET version_num='0008' WHERE alembic_version.version_num = '0007'",
    "ALTER TABLE punch ADD CONSTRAINT ck_punch_x CHECK (x > 0) NOT VALID",
    "UPDATE punch SET x = 1 WHERE ctid ="
    " ANY(ARRAY(SELECT ctid FROM punch WHERE x IS NULL LIMIT 5000))",
]
UNSOUND = [
    ("ALTER TABLE punch DROP COLUMN extra", "removes"),
    ("DROP TABLE pulse", "removes"),
    ("DROP INDEX ix_punch_another", "removes"),
    ("ALTER TABLE punch RENAME COLUMN extra TO rest", "removes"),
    ("ALTER TABLE punch ALTER COLUMN latitude TYPE numeric", "rewrites"),
    ("ALTER TABLE punch ALTER COLUMN latitude SET DATA TYPE numeric", "rewrites"),
    ("ALTER TABLE punch ALTER COLUMN latitude SET NOT NULL", "demands"),
    ("ALTER TABLE punch ADD COLUMN shoe_size INTEGER NOT NULL", "demands"),
    ("ALTER TABLE punch ADD COLUMN id UUID DEFAULT gen_random_uuid() NOT NULL", "writes a default"),
    ("ALTER TABLE punch ADD COLUMN at TIMESTAMPTZ DEFAULT clock_timestamp()", "writes a default"),
    ("CREATE INDEX ix_punch_score ON punch (tenant_id, biometric_score)", "keeps writers out"),
    ("CREATE UNIQUE INDEX uq_punch ON punch (tenant_id)", "keeps writers out"),
    ("ALTER TABLE punch ADD CONSTRAINT ck_punch_x CHECK (x > 0)", "keeps everybody out"),
    ("UPDATE punch SET x = 1", "changes all rows"),
]


@pytest.mark.parametrize("statement", SOUND)
def test_what_holds_nobody_up_passes(statement: str) -> None:
    assert flaws([statement]) == []


@pytest.mark.parametrize(("statement", "why"), UNSOUND)
def test_what_old_code_or_its_users_would_feel_is_named(statement: str, why: str) -> None:
    (flaw,) = flaws([statement])
    assert flaw.startswith(why)


def test_a_table_that_is_new_may_have_its_indexes_at_once() -> None:
    assert flaws(["CREATE TABLE incident ( id UUID )", "CREATE INDEX ix ON incident (id)"]) == []


def test_every_revision_from_now_on_only_adds(empty_url: str) -> None:
    migrate(empty_url, revision=EARLY)
    engine = sa.create_engine(empty_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection, noted(engine) as statements:
        scripts = ScriptDirectory.from_config(alembic_config(connection))
        later = [script.revision for script in scripts.walk_revisions(EARLY, "head")][-2::-1]
        for revision in later:
            statements.clear()
            command.upgrade(alembic_config(connection), revision)
            assert flaws(statements) == [], revision
    engine.dispose()


@contextmanager
def noted(engine: Engine) -> Iterator[list[str]]:
    """Yield a list of the statements that Postgres is sent within the block."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def test_a_column_that_old_code_could_not_leave_out_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"punch\.shoe_size must be nullable or have a server_default"
    ):
        add_column("punch", sa.Column("shoe_size", sa.Integer(), nullable=False))
