"""Rows come back from the database as they were written in bulk."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from psycopg import Cursor

from models.bulk import document, insert, records
from models.database import make_engine, transaction
from models.ids import Id, StringId

TABLE = """
CREATE TABLE thing (
    number bigint PRIMARY KEY, words text, ratio double precision, at timestamptz, hash bytea,
    id uuid, facts jsonb, list text[], holds boolean, state text NOT NULL DEFAULT 'new'
)
"""
BERLIN = timezone(timedelta(hours=1))
WRITTEN: dict[str, Any] = {
    "number": 2**53 - 1,
    "words": 'Zoë said "no", \\x41 \t\n and \u2028 \U0001f600',
    "ratio": 0.1 + 0.2,
    "at": datetime(2026, 3, 2, 8, 0, 0, 123456, tzinfo=BERLIN),
    "hash": b"\x00\xff\\x",
    "id": UUID("0198c0de-0000-7000-8000-000000000000"),
    "facts": {"who": [1, 2.5, None, {"deep": "er"}], "": "empty"},
    "list": ["a,b", "{}", '"'],
    "holds": False,
}


@pytest.fixture
def cursor(postgres_url: str) -> Iterator[Cursor]:
    engine = make_engine(postgres_url)
    with transaction(engine) as cursor:
        cursor.execute(TABLE)
        yield cursor
    engine.dispose()


def write(cursor: Cursor, *rows: Any) -> None:
    cursor.execute(insert("thing", WRITTEN), {"rows": document(rows)})


def read(cursor: Cursor, columns: str = ", ".join(WRITTEN)) -> list[tuple[Any, ...]]:
    return cursor.execute(f"SELECT {columns} FROM thing ORDER BY number").fetchall()


def test_every_kind_of_value_comes_back_as_it_went(cursor: Cursor) -> None:
    write(cursor, WRITTEN)
    (row,) = read(cursor)
    assert dict(zip(WRITTEN, row, strict=True)) == WRITTEN


EXACT = [5e-324, 1.7976931348623157e308, 0.1, 1 / 3, -123456789.123456789]


@pytest.mark.parametrize("ratio", EXACT)
def test_a_float_keeps_its_last_bit(cursor: Cursor, ratio: float) -> None:
    write(cursor, WRITTEN | {"ratio": ratio})
    assert read(cursor, "ratio") == [(ratio,)]


def test_none_is_null_in_any_column(cursor: Cursor) -> None:
    write(cursor, {"number": 1}, dict.fromkeys(WRITTEN) | {"number": 2})
    assert [row[1:] for row in read(cursor)] == [(None,) * 8] * 2


def test_what_is_not_finite_is_null(cursor: Cursor) -> None:
    write(cursor, {"number": 1, "ratio": math.nan}, {"number": 2, "ratio": math.inf})
    assert read(cursor, "ratio") == [(None,), (None,)]


def test_what_an_insert_does_not_name_keeps_its_default(cursor: Cursor) -> None:
    write(cursor, WRITTEN | {"state": "old"})
    assert read(cursor, "state") == [("new",)]


def test_a_dataclass_is_a_row_and_so_is_json_that_is_text_already(cursor: Cursor) -> None:
    @dataclass(frozen=True, slots=True)
    class Thing:
        number: int
        facts: orjson.Fragment

    write(cursor, Thing(7, orjson.Fragment('{"as": "it came"}')))
    assert read(cursor, "number, facts") == [(7, {"as": "it came"})]


def test_rows_are_in_the_order_of_the_document(cursor: Cursor) -> None:
    numbers = [3, 1, 2, *range(100, 5_000)]
    rows = document({"number": number} for number in numbers)
    things = cursor.execute(f"SELECT number FROM {records('thing', 'things')}", {"things": rows})
    assert [number for (number,) in things] == numbers


@pytest.mark.parametrize("value", [2**64, object(), {1, 2}])
def test_what_is_no_value_of_a_column_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        document([{"number": value}])


def test_string_ids_are_their_numbers_in_columns_and_their_texts_within_json() -> None:
    one, other = StringId("15", -(2**62) - 5), StringId("a", -(2**62) - 6)
    row: dict[str, Any] = {"person_id": one, "people": [15, other], "evidence": {"person_id": one}}
    written = orjson.loads(document([row, {"person_id": 15}]))
    assert written == [
        {
            "person_id": -(2**62) - 5,
            "people": [15, -(2**62) - 6],
            "evidence": {"person_id": "15"},
        },
        {"person_id": 15},
    ]
    assert row["person_id"] is one

    @dataclass(frozen=True, slots=True)
    class Row:
        site_id: Id
        evidence: dict[str, Any]

    rows = [Row(other, {"site_id": other}), Row(15, {})]
    assert orjson.loads(document(rows)) == [
        {"site_id": -(2**62) - 6, "evidence": {"site_id": "a"}},
        {"site_id": 15, "evidence": {}},
    ]


def test_documents_of_rows_are_written_here_alone() -> None:
    """Written otherwise, a string id of digits would be taken for an integer."""
    for package in ("models", "worker", "realtime"):
        for path in Path(package).rglob("*.py"):
            text = path.read_text()
            if "_recordset(" in text and path.name not in ("bulk.py", "store.py"):
                assert "orjson.dumps" not in text, path
