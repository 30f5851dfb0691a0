"""Tenants `acme` (1) and `globex` (2), each with the sites 15 and 16."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from models import intake
from models.database import make_engine, transaction
from tests.payloads import faults_of_messages
from tests.worker.cast import roster


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = make_engine(postgres_url, pool_size=8)
    for tenant_id in (1, 2):
        intake.sync_roster(engine, roster(tenant_id))
    yield engine
    with transaction(engine) as cursor:
        faults = list(faults_of_messages(cursor.connection))
    engine.dispose()
    assert not faults, "every message of a test is as its payload's model has it"
