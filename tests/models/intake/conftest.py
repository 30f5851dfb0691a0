"""The cast: acme (tenant 1, sites 15 and 16) is ours; globex (tenant 2) has its own site 15."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from models.database import make_engine
from models.intake import sync_roster

ACME, GLOBEX = 1, 2


@pytest.fixture
def bare_engine(postgres_url: str) -> Iterator[Engine]:
    """The engine of a database in which no tenant is known yet."""
    engine = make_engine(postgres_url, pool_size=6)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(bare_engine: Engine) -> Engine:
    site = {"timezone": "Europe/Berlin", "latitude": 52.5, "longitude": 13.4, "radius_m": 200}
    acme = {"tenant_id": ACME, "name": "Acme"}
    sync_roster(
        bare_engine,
        {
            "tenant": acme,
            "sites": [
                {"site_id": 15, "name": "Office"} | site,
                {"site_id": 16, "name": "Depot"} | site,
            ],
        },
    )
    sync_roster(
        bare_engine,
        {
            "tenant": {"tenant_id": GLOBEX, "name": "Globex"},
            "sites": [{"site_id": 15, "name": "Plant"} | site],
        },
    )
    return bare_engine
