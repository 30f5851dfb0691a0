"""Pools that do not ping each time, pipelined transactions, and statements that commit alone."""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy.exc
from psycopg import Cursor, OperationalError
from psycopg.errors import DivisionByZero
from sqlalchemy import Engine, event

from models.database import autocommitted, make_engine, pipelined, transaction


@pytest.fixture
def trusting(postgres_url: str) -> Iterator[Engine]:
    engine = make_engine(postgres_url, pool_size=1, trusted_seconds=60.0)
    yield engine
    engine.dispose()


def kill(engine: Engine, postgres_url: str) -> None:
    """End the engine's pooled connection, as a restart of the database does."""
    with transaction(engine) as cursor:
        row = cursor.execute("SELECT pg_backend_pid()").fetchone()
    other = make_engine(postgres_url)
    with transaction(other) as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", row)
    other.dispose()


def age(engine: Engine, seconds: float) -> None:
    """Make the pooled connection look as if it had last been used `seconds` earlier."""

    @event.listens_for(engine, "checkout", insert=True, once=True)
    def older(_connection: object, record: object, _proxy: object) -> None:
        record.info["used_at"] -= seconds  # type: ignore[attr-defined]


def test_a_connection_that_lay_idle_is_asked_before_it_is_used(
    trusting: Engine, postgres_url: str
) -> None:
    kill(trusting, postgres_url)
    age(trusting, 61)
    with transaction(trusting) as cursor:
        assert cursor.execute("SELECT 1").fetchone() == (1,)


def test_one_just_used_is_not_asked_and_its_death_is_noticed_once(
    trusting: Engine, postgres_url: str
) -> None:
    kill(trusting, postgres_url)
    with (
        pytest.raises((OperationalError, sqlalchemy.exc.OperationalError)),
        transaction(trusting) as cursor,
    ):
        cursor.execute("SELECT 1")
    with transaction(trusting) as cursor:
        assert cursor.execute("SELECT 1").fetchone() == (1,)


def ids(engine: Engine) -> list[int]:
    with transaction(engine) as cursor:
        return [
            row[0] for row in cursor.execute("SELECT tenant_id FROM tenant ORDER BY 1").fetchall()
        ]


ADD = "INSERT INTO tenant (tenant_id, name, epoch) VALUES (%s, 'Acme', 'e')"


def test_answers_are_fetched_in_any_order_and_all_is_committed_at_the_end(trusting: Engine) -> None:
    for tenant_id in (1, 2):  # twice on one connection
        with pipelined(trusting) as cursor:
            first, second = cursor.execute("SELECT 1"), cursor.execute("SELECT 2")
            cursor.execute(ADD, [tenant_id])
            assert (cursor.execute("SELECT 3").fetchone(), second.fetchone(), first.fetchone()) == (
                (3,),
                (2,),
                (1,),
            )
        assert tenant_id in ids(trusting)


def add_and(engine: Engine, then: Callable[[Cursor], object]) -> None:
    with pipelined(engine) as cursor:
        cursor.execute(ADD, [1])
        then(cursor)


def test_a_statement_that_fails_unnoticed_fails_the_transaction_at_its_end(
    trusting: Engine,
) -> None:
    with pytest.raises(DivisionByZero):
        add_and(trusting, lambda cursor: cursor.execute("SELECT 1 / 0"))
    assert ids(trusting) == []


def test_one_that_fails_shows_where_a_later_answer_is_fetched(trusting: Engine) -> None:
    def fail(cursor: Cursor) -> None:
        cursor.execute("SELECT 1 / 0")
        with pytest.raises(DivisionByZero):
            cursor.execute("SELECT 1").fetchone()
        raise KeyError

    with pytest.raises(KeyError):
        add_and(trusting, fail)
    assert ids(trusting) == []


def test_an_error_of_the_caller_commits_nothing(trusting: Engine) -> None:
    no_keys: dict[str, object] = {}
    with pytest.raises(KeyError):
        add_and(trusting, lambda _: no_keys["missing"])
    assert ids(trusting) == []


def test_a_commit_that_does_not_reach_the_database_is_an_error(
    trusting: Engine, postgres_url: str
) -> None:
    def cut(cursor: Cursor) -> None:
        row = cursor.execute("SELECT pg_backend_pid()").fetchone()
        other = make_engine(postgres_url)
        with transaction(other) as another:
            another.execute("SELECT pg_terminate_backend(%s)", row)
        other.dispose()

    with pytest.raises((OperationalError, sqlalchemy.exc.OperationalError)):
        add_and(trusting, cut)
    assert ids(trusting) == []


def add_and_fail(cursor: Cursor) -> None:
    cursor.execute(ADD, [2])
    cursor.execute("SELECT 1 / 0")


def test_a_statement_alone_is_committed_at_once(trusting: Engine) -> None:
    with autocommitted(trusting) as cursor:
        cursor.execute(ADD, [1])
        assert ids(trusting) == [1]  # by another connection


def test_a_connection_that_committed_each_statement_has_transactions_again(
    trusting: Engine,
) -> None:
    with autocommitted(trusting) as cursor:
        cursor.execute(ADD, [1])
    with pytest.raises(DivisionByZero), transaction(trusting) as cursor:
        add_and_fail(cursor)
    assert ids(trusting) == [1]


def test_after_a_statement_that_failed_alone_the_next_does_not(trusting: Engine) -> None:
    with pytest.raises(DivisionByZero), autocommitted(trusting) as cursor:
        cursor.execute("SELECT 1 / 0")
    with autocommitted(trusting) as cursor:
        assert cursor.execute("SELECT 1").fetchone() == (1,)


def test_a_connection_that_died_fails_one_statement(trusting: Engine, postgres_url: str) -> None:
    kill(trusting, postgres_url)
    with pytest.raises(OperationalError), autocommitted(trusting) as cursor:
        cursor.execute("SELECT 1")
    with autocommitted(trusting) as cursor:
        assert cursor.execute("SELECT 1").fetchone() == (1,)


def test_a_database_that_is_away_is_the_same_error_for_a_statement_alone() -> None:
    away = make_engine("postgresql://127.0.0.1:1/none")
    for asking in (transaction, autocommitted):
        with pytest.raises(sqlalchemy.exc.OperationalError) as error, asking(away):
            pass
        assert isinstance(error.value.orig, OperationalError)


def test_statements_on_their_own_leave_the_next_transaction_one_whether_they_were_answered_or_not(
    trusting: Engine,
) -> None:
    with autocommitted(trusting) as cursor:
        assert cursor.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(DivisionByZero), autocommitted(trusting) as cursor:
        cursor.execute("SELECT 1 / 0")
    for _ in range(3):
        with pytest.raises(KeyError):
            add_and_forget(trusting)
        with autocommitted(trusting) as cursor:
            assert cursor.execute("SELECT tenant_id FROM tenant").fetchall() == []


def add_and_forget(engine: Engine) -> None:
    with transaction(engine) as cursor:
        cursor.execute(ADD, [1])
        raise KeyError
