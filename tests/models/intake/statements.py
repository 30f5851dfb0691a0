"""Counting the SQL statements that Postgres is sent, by whichever way."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import psycopg


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements sent by cursors within the block, in order."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def counting(cursor, query, *args, **kwargs):
        if query != ";":  # the pool's look whether a connection is alive
            sent.append(str(query))
        return execute(cursor, query, *args, **kwargs)

    with (
        mock.patch.object(psycopg.Cursor, "execute", counting),
        mock.patch.object(psycopg.Cursor, "executemany", None),
    ):
        yield sent
