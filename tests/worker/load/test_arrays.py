"""Arrays reach Postgres as they are here, whatever their values hold."""

import psycopg
import pytest

from worker.load.arrays import numbers, texts


@pytest.mark.parametrize(
    "values",
    [
        [],
        ["a"],
        ["", "NULL", "null"],
        ['a"b', "a\\b", "a,b", "{a}", " a ", "a\nb", "ä\N{FACE WITH TEARS OF JOY}"],
    ],
)
def test_texts_come_as_they_are(postgres_url: str, values: list[str]) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT %s::text[]", [texts(values)]).fetchall() == [(values,)]


@pytest.mark.parametrize("values", [[], [0], [-1, 2**63 - 1]])
def test_numbers_come_as_they_are(postgres_url: str, values: list[int]) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT %s::bigint[]", [numbers(values)]).fetchall() == [
            (values,)
        ]
