"""Databases for one measurement each: migrated once, then copied, and dropped when the measurement
is over.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier

from models.migrations.upgrade import migrate


@contextmanager
def migrated(postgres_url: str) -> Iterator[str]:
    """Create an empty database with our tables; yield its URL."""
    with _created(postgres_url, None) as url:
        migrate(url)
        yield url


@contextmanager
def copied(postgres_url: str, template_url: str) -> Iterator[str]:
    """Copy the database at `template_url`, to which nobody may be connected; yield the copy's
    URL.
    """
    with _created(postgres_url, _name(template_url)) as url:
        yield url


@contextmanager
def _created(postgres_url: str, template: str | None) -> Iterator[str]:
    name = f"bench_{uuid4().hex[:12]}"
    create = SQL("CREATE DATABASE {}").format(Identifier(name))
    if template:
        create = SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
            Identifier(name), Identifier(template)
        )
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(create)
    try:
        yield _with_database(postgres_url, name)
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def _with_database(url: str, name: str) -> str:
    start, _, rest = url.rpartition("/")
    _, mark, query = rest.partition("?")
    return f"{start}/{name}{mark}{query}"


def _name(url: str) -> str:
    return url.rpartition("/")[2].partition("?")[0]
