"""A day that several processes submit and judge at once ends as the same day judged in one go."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from hypothesis import given, settings
from sqlalchemy import Engine

from models.database import make_engine
from models.ids import Id
from tests.properties.company import Clock, Company
from tests.properties.conftest import DAYS
from tests.properties.days import END, Day, Delivery, Submission, delivered_days
from tests.properties.test_order import assert_as_judged_in_one_go

PROCESSES = 3

_engine: list[Engine] = []  # that of this process of the pool


@pytest.fixture(scope="module")
def workers(database: str) -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), _start, (database,)) as pool:
        yield pool


def _start(database: str) -> None:
    _engine.append(make_engine(database))
    Clock(END).install(pytest.MonkeyPatch())


def submit_and_judge(tenant_id: Id, batch: list[Submission]) -> None:
    """Do what a task does."""
    company = Company(_engine[0], tenant_id)
    company.submit(batch, END)
    company.judge()


@settings(DAYS, max_examples=DAYS.max_examples // 3)
@given(delivered=delivered_days())
def test_told_by_several_processes_at_once_a_day_ends_as_judged_in_one_go(
    delivered: tuple[Day, Delivery],
    clock: Clock,
    workers: ProcessPoolExecutor,
    new_company: Callable[[], Company],
) -> None:
    day, delivery = delivered
    company = new_company()
    for done in [
        workers.submit(submit_and_judge, company.tenant_id, batch) for batch in delivery.batches
    ]:
        done.result()
    # A process that finds the tenant's lock taken leaves its work to the holder. So nothing waits
    # when the last has ended.
    assert company.waiting() == 0
    assert_as_judged_in_one_go(company, new_company, day)
