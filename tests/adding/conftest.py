"""The servers of this test process, for the tests that run in a copy."""

import pytest

from tests.conftest import outside_url


@pytest.fixture
def servers(postgres_admin_url: str, redis_server_url: str) -> dict[str, str]:
    """Return the environment by which tests/conftest.py, in the copy, starts no servers."""
    environment = {"TEST_DATABASE_URL": postgres_admin_url, "TEST_REDIS_URL": redis_server_url}
    broker = outside_url("TEST_BROKER_URL")
    return environment | ({"TEST_BROKER_URL": broker} if broker else {})
