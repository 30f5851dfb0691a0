"""A database without a table."""

from collections.abc import Iterator

import pytest

from tests.databases import new_database


@pytest.fixture
def bare_database(postgres_admin_url: str) -> Iterator[str]:
    with new_database(postgres_admin_url, "TEMPLATE template0") as url:
        yield url
