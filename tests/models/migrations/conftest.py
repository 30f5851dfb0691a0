"""A database without a table, and a copy of the product to which a test may add revisions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import new_database
from tests.models.product import Product


@pytest.fixture
def empty_url(postgres_admin_url: str) -> Iterator[str]:
    with new_database(postgres_admin_url, "TEMPLATE template0") as url:
        yield url


@pytest.fixture
def product(tmp_path: Path, postgres_url: str) -> Product:
    """The copy's database is migrated as far as the code is."""
    return Product(tmp_path, postgres_url)
