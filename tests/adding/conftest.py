"""The servers of this test process, named to the one that runs in the copy."""

import pytest

from tests.conftest import outside_url


@pytest.fixture
def servers(postgres_admin_url: str, redis_server_url: str) -> dict[str, str]:
    """What tests/conftest.py reads in the copy, so that it starts none of its own."""
    named = {"TEST_DATABASE_URL": postgres_admin_url, "TEST_REDIS_URL": redis_server_url}
    broker = outside_url("TEST_BROKER_URL")
    return named | ({"TEST_BROKER_URL": broker} if broker else {})
