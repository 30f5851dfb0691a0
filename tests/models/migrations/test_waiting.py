"""Migrating while the database is in use: nobody is held up, and nothing is left half done."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from models.migrations.patience import LOCK_TIMEOUT
from models.migrations.revision import IN_DATABASE, newest_revision
from tests.models.product import Product

ADD = 'add_column("punch", sa.Column("shoe_size", sa.Integer(), nullable=True))'
BUILD = 'build_index("ix_punch_score", "punch", ["tenant_id", "biometric_score"])'
PUNCHES = """
INSERT INTO punch (
    tenant_id, punch_id, person_id, site_id, is_check_in, occurred_at, content_hash, received_at
)
SELECT 1, 'p-' || number, number, 15, true, now(), '', now() FROM generate_series(1, %s) AS number
"""
INSERT = PUNCHES.replace("'p-' ||", "gen_random_uuid() || '-' ||")
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_punch_score')"
WAITS = """
SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE NOT granted AND application_name = 'rollcall migrate' AND datname = current_database()
"""


@pytest.fixture
def url(postgres_url: str) -> str:
    with psycopg.connect(postgres_url) as connection:
        connection.execute(PUNCHES, [200_000])
    return postgres_url


@contextmanager
def in_transaction(url: str, statement: str) -> Iterator[psycopg.Connection]:
    """Keep a transaction open until it is committed, or to the end of the block."""
    with psycopg.connect(url) as connection:
        connection.execute(statement, [1] if "%s" in statement else None)
        yield connection


@contextmanager
def onlooker(url: str) -> Iterator[psycopg.Connection]:
    """Connect as somebody who fails after waiting eight times as long as we may hold anybody up."""
    options = f"-c lock_timeout={LOCK_TIMEOUT * 8000:.0f}"
    with psycopg.connect(url, autocommit=True, options=options) as connection:
        yield connection


def until_it_waits(connection: psycopg.Connection) -> None:
    deadline = time.monotonic() + 60
    while not connection.execute(WAITS).fetchone():
        assert time.monotonic() < deadline, "the migration waits for no lock"
        time.sleep(0.01)


def revision(url: str) -> str:
    with psycopg.connect(url) as connection:
        ((name,),) = connection.execute(IN_DATABASE).fetchall()
        return str(name)


def columns(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        query = "SELECT attname FROM pg_attribute WHERE attrelid = 'punch'::regclass"
        return {name for (name,) in connection.execute(query)}


def test_readers_and_writers_get_on_while_a_revision_waits_for_a_long_reader(
    product: Product, url: str
) -> None:
    new = product.add_revision(ADD)
    with in_transaction(url, "SELECT count(*) FROM punch") as reader, onlooker(url) as other:
        process = product.start("-m", "models", "migrate")
        for _ in range(3):
            until_it_waits(other)
            other.execute("SELECT 1 FROM punch WHERE tenant_id = 1 AND punch_id = 'p-1'")
            other.execute(INSERT, [1])
        assert "shoe_size" not in columns(url)
        reader.commit()
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert output.count("waits for a lock") == 1
    assert "ALTER TABLE punch ADD COLUMN shoe_size" in output
    assert (revision(url), "shoe_size" in columns(url)) == (new, True)


def test_what_gets_no_lock_is_given_up_at_a_whole_revision(product: Product, url: str) -> None:
    first = product.add_revision('add_column("pulse", sa.Column("note", sa.Text(), nullable=True))')
    product.add_revision(f'{ADD}; op.execute("ALTER TABLE tenant ADD COLUMN half text")')
    with in_transaction(url, "SELECT count(*) FROM tenant"):
        code, output = product.migrate(patience=1)
        assert code == 1
        assert f"gave up on the revision after {first}" in output
        assert "Traceback" not in output
        assert (revision(url), "shoe_size" in columns(url)) == (first, False)
    code, output = product.migrate()
    assert (code, "shoe_size" in columns(url)) == (0, True), output


def test_an_index_is_built_beside_those_who_write(product: Product, url: str) -> None:
    new = product.add_revision(BUILD)
    with in_transaction(url, INSERT) as writer, onlooker(url) as other:
        process = product.start("-m", "models", "migrate")
        until_it_waits(other)
        # A second migration, as by a second deployment, must not wait in a statement, for which the
        # index would wait.
        second = product.start("-m", "models", "migrate")
        assert second.stdout
        assert "another migration" in second.stdout.readline()
        other.execute(INSERT, [1])
        assert revision(url) == newest_revision()
        writer.commit()
        for migration in (process, second):
            output, _ = migration.communicate(timeout=120)
            assert migration.returncode == 0, output
    with psycopg.connect(url) as connection:
        assert connection.execute(VALID).fetchall() == [(True,)]
    assert revision(url) == new


def test_what_a_build_that_was_cut_off_left_is_built_again(product: Product, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(
                "CREATE UNIQUE INDEX CONCURRENTLY ix_punch_score ON punch (tenant_id)"
            )
        assert connection.execute(VALID).fetchall() == [(False,)]
        product.add_revision(BUILD)
        code, output = product.migrate()
        assert code == 0, output
        assert connection.execute(VALID).fetchall() == [(True,)]
        defined = connection.execute(
            "SELECT pg_get_indexdef('ix_punch_score'::regclass)"
        ).fetchone()
        assert "biometric_score" in str(defined)


def test_an_index_that_stands_already_is_left_as_it_is(product: Product, url: str) -> None:
    """So it is where a migration was killed between building it and noting the revision."""
    built = "SELECT 'ix_punch_score'::regclass::oid"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE INDEX ix_punch_score ON punch (tenant_id, biometric_score)")
        before = connection.execute(built).fetchone()
        product.add_revision(BUILD)
        code, output = product.migrate()
        assert code == 0, output
        assert connection.execute(built).fetchone() == before


def test_a_failed_migration_lets_the_next_one_in(product: Product, url: str) -> None:
    product.add_revision('op.execute("SELECT 1/0")')
    code, output = product.migrate()
    assert (code, "division by zero" in output) == (1, True)
    with psycopg.connect(url) as connection:
        locks = """
        SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
        WHERE locktype = 'advisory' AND datname = current_database()
        """
        assert connection.execute(locks).fetchall() == [(0,)]


def test_rows_are_changed_batch_by_batch_until_none_is_left(product: Product, url: str) -> None:
    product.add_revision(
        '''in_batches("""
        UPDATE punch SET person_name = 'x' WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM punch WHERE person_name IS NULL LIMIT 70000))
        """)'''
    )
    code, output = product.migrate()
    assert code == 0, output
    with psycopg.connect(url) as connection:
        changed = "SELECT count(DISTINCT xmin::text), count(*) FROM punch WHERE person_name = 'x'"
        assert connection.execute(changed).fetchall() == [(3, 200_000)]
