"""Counting the SQL statements that Postgres is sent, in whichever way."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import psycopg


@contextmanager
def counted() -> Iterator[list[str]]:
    """Yield a list of the statements that cursors send within the block, in order."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def counting(cursor: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        if query != ";":  # by which the pool asks whether a connection is alive
            sent.append(str(query))
        return execute(cursor, query, *args, **kwargs)

    with (
        mock.patch.object(psycopg.Cursor, "execute", counting),
        mock.patch.object(psycopg.Cursor, "executemany", None),
    ):
        yield sent
