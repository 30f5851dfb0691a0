"""The real pipeline finds in the punches of the benchmarks what they are said to have."""

import psycopg
import pytest

from dev.bench.company import Company, founded, punches, store_roster
from dev.bench.history import store_history
from models import intake
from models.database import make_engine
from worker.judging.judge import judge

PEOPLE = 60


@pytest.fixture
def company(postgres_url: str) -> Company:
    company = founded(PEOPLE)
    with psycopg.connect(postgres_url) as connection:
        store_roster(connection, company)
    store_history(postgres_url, company, 100)
    return company


def anomalies(postgres_url: str, company: Company, share: float) -> list[tuple[str, str]]:
    engine = make_engine(postgres_url)
    outcomes = intake.submit(engine, list(punches(company, share)))
    assert {outcome.status for outcome in outcomes} == {"accepted"}
    judge(engine, 1, lambda *_: None)
    engine.dispose()
    with psycopg.connect(postgres_url) as connection:
        return connection.execute("SELECT punch_id, anomaly_type FROM anomaly").fetchall()


def test_an_honest_company_has_no_anomaly(postgres_url: str, company: Company) -> None:
    assert anomalies(postgres_url, company, 0.0) == []


def test_each_dishonest_punch_has_exactly_one_anomaly(postgres_url: str, company: Company) -> None:
    dishonest = anomalies(postgres_url, company, 0.2)
    assert len(dishonest) == PEOPLE // 5
    assert {anomaly_type for _, anomaly_type in dishonest} == {"GPS_SPOOFING"}
    assert len({punch_id for punch_id, _ in dishonest}) == len(dishonest)
