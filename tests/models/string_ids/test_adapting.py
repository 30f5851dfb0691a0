"""Our connections: ids are written as numbers, and read as ids, also those not met before."""

import threading
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Engine, text

from models.database import autocommitted, make_engine, pipelined, transaction
from models.ids import NOBODY, Id, StringId
from models.numbering import store
from models.string_ids import adapting
from models.string_ids.directory import DIRECTORY, Directory
from realtime.postgres import make_async_engine
from tests.models.intake.statements import counted


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = make_engine(postgres_url, pool_size=4)
    yield engine
    engine.dispose()


def stored(engine: Engine, *texts: str, tenant_id: int = 1) -> list[Id]:
    numbered = store(engine, [], ((tenant_id, StringId(text)) for text in texts))
    return [numbered.id(tenant_id, StringId(text)) for text in texts]


def test_alone_in_lists_and_among_integers_an_id_comes_back_as_it_went(engine: Engine) -> None:
    a, b = stored(engine, "15", "a 😀")
    lists: list[list[Id | None]] = [[a], [a, 15, b], [15, a], [None, b], [2**53 - 1, a], [1, 2], []]
    with transaction(engine) as cursor:
        for ids in lists:
            sql = "SELECT %s::bigint[], ARRAY(SELECT unnest(%s::bigint[])), %s::bigint"
            row = cursor.execute(sql, [ids, ids, ids[0] if ids else None]).fetchone()
            assert row == (ids, ids, ids[0] if ids else None)
            assert [type(one) for one in row[0]] == [type(one) for one in ids]
        assert cursor.execute("SELECT count(*), 5::bigint, -7::bigint").fetchone() == (1, 5, -7)


@pytest.mark.parametrize("format_", [False, True])
def test_what_is_not_known_is_looked_up_once_for_a_whole_result(
    engine: Engine, format_: bool
) -> None:
    ids = stored(engine, *(f"id {number}" for number in range(100)))
    for fetching in ("fetchall", "fetchone", "fetchmany", "iterating"):
        DIRECTORY.forget()
        with counted() as statements, transaction(engine) as cursor:
            cursor.execute("SELECT unnest(%s::bigint[]), %s::bigint[]", [ids, ids], binary=format_)
            if fetching == "fetchone":
                rows = [cursor.fetchone() for _ in ids]
            elif fetching == "iterating":
                rows = list(cursor)
            else:
                rows = getattr(cursor, fetching)(*((200,) if fetching == "fetchmany" else ()))
        assert rows == [(one, ids) for one in ids]
        assert len(statements) == 2


def test_in_a_pipeline_and_by_itself_it_is_looked_up_as_well(engine: Engine) -> None:
    ids = stored(engine, "a", "b")
    DIRECTORY.forget()
    with pipelined(engine) as cursor:
        first = cursor.execute("SELECT %s::bigint", [ids[0]])
        second = cursor.execute("SELECT %s::bigint", [ids[1]])
        assert second.fetchall() == [(ids[1],)]
        assert first.fetchall() == [(ids[0],)]
    DIRECTORY.forget()
    with autocommitted(engine) as cursor:
        assert cursor.execute("SELECT %s::bigint", [ids[0]]).fetchone() == (ids[0],)


def test_what_others_commit_between_two_statements_is_read_as_it_came(engine: Engine) -> None:
    with transaction(engine) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        assert cursor.execute("SELECT count(*) FROM turn").fetchone() == (0,)
        (theirs,) = stored(engine, "theirs")
        with transaction(engine) as other:
            other.execute("INSERT INTO turn VALUES (%s, 't', now(), false, false)", [theirs])
        DIRECTORY.forget()
        assert cursor.execute("SELECT tenant_id FROM turn").fetchall() == [("theirs",)]


def test_a_snapshot_that_sees_the_row_sees_its_id(engine: Engine) -> None:
    (theirs,) = stored(engine, "theirs")
    with transaction(engine) as other:
        other.execute("INSERT INTO turn VALUES (%s, 't', now(), false, false)", [theirs])
    with transaction(engine) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        DIRECTORY.forget()
        assert cursor.execute("SELECT tenant_id FROM turn").fetchall() == [("theirs",)]


def test_a_result_with_more_than_a_process_keeps_is_read_whole(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = stored(engine, *(f"id {number}" for number in range(500)))
    monkeypatch.setattr(adapting, "DIRECTORY", Directory(kept=3))
    with transaction(engine) as cursor:
        for part in (ids, ids[:7], ids[100:], list(reversed(ids)), ids):
            rows = cursor.execute("SELECT unnest(%s::bigint[])", [part]).fetchall()
            assert rows == [(one,) for one in part]


def test_threads_that_meet_ids_at_once_read_them_right(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = stored(engine, *(f"id {number}" for number in range(200)))
    monkeypatch.setattr(adapting, "DIRECTORY", Directory(kept=5))
    wrong: list[object] = []

    def read(start: int) -> None:
        for step in range(20):
            part = ids[(start + 7 * step) % 150 :][:40]
            with transaction(engine) as cursor:
                rows = cursor.execute("SELECT unnest(%s::bigint[])", [part]).fetchall()
            wrong.extend(row for row, one in zip(rows, part, strict=True) if row != (one,))

    threads = [threading.Thread(target=read, args=(start,)) for start in (0, 40, 90)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


async def test_on_an_event_loop_they_are_looked_up_too(engine: Engine, postgres_url: str) -> None:
    ids = stored(engine, "a", "b")
    loop_engine = make_async_engine(postgres_url)
    try:
        async with loop_engine.connect() as connection:
            DIRECTORY.forget()
            sql = text("SELECT x FROM unnest(CAST(:ids AS bigint[])) AS x")
            result = await connection.execute(sql, {"ids": [15, *ids]})
            assert [row[0] for row in result] == [15, *ids]
    finally:
        await loop_engine.dispose()


def test_what_is_no_id_yet_is_not_written(engine: Engine) -> None:
    with transaction(engine) as cursor, pytest.raises(LookupError):
        cursor.execute("SELECT %s::bigint", [StringId("15")])
    with transaction(engine) as cursor, pytest.raises(psycopg.DataError):
        cursor.execute("SELECT %s::bigint", ["acme"])


def test_a_number_that_nobody_has_is_said(engine: Engine) -> None:
    with transaction(engine) as cursor, pytest.raises(LookupError):
        cursor.execute("SELECT %s::bigint", [NOBODY + 12]).fetchall()


def test_with_a_new_connection_all_is_forgotten(engine: Engine, postgres_url: str) -> None:
    stored(engine, "a")
    assert DIRECTORY.by_text(1, "a") is not None
    other = make_engine(postgres_url)
    with transaction(other) as cursor:
        cursor.execute("SELECT 1")
    assert DIRECTORY.by_text(1, "a") is None
    other.dispose()
