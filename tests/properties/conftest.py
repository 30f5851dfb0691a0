"""One database for many generated days, each in tenants of its own.

A run generates the same 210 days every time, 270 of which little is heard, and 300 of companies
whose rosters change in the midst of them. HYPOTHESIS_PROFILE=thorough (`make properties`) makes it
20 times as many, other ones each time, and writes down how to repeat what it finds.
PROPERTY_DAYS=10000 changes how many.
"""

import os
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine

from models.database import make_engine
from tests.databases import new_database
from tests.properties.company import Clock, Company
from tests.properties.days import END

_UNHURRIED = [
    HealthCheck.too_slow,
    HealthCheck.function_scoped_fixture,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
]
_THOROUGH = int(os.environ.get("PROPERTY_DAYS", "4200"))
settings.register_profile(
    "quick", max_examples=90, derandomize=True, deadline=None, suppress_health_check=_UNHURRIED
)
settings.register_profile(
    "thorough",
    max_examples=_THOROUGH * 3 // 7,
    print_blob=True,
    deadline=None,
    suppress_health_check=_UNHURRIED,
)
DAYS = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(scope="module")
def database(postgres_admin_url: str, template_database: str) -> Iterator[str]:
    with new_database(postgres_admin_url, f"TEMPLATE {template_database}") as url:
        yield url


@pytest.fixture(scope="module")
def engine(database: str) -> Iterator[Engine]:
    engine = make_engine(database, pool_size=4)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def new_company(engine: Engine) -> Callable[[], Company]:
    tenants = count(1)
    return lambda: Company(engine, next(tenants))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(END).install(monkeypatch)


@pytest.fixture
def received(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give a clock of judgements and of the receipt of rosters."""
    return clock.install_for_rosters(monkeypatch)
