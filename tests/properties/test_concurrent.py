"""A day told by several processes at once, each storing and judging as it likes, ends as the same
day judged in one go.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from hypothesis import given, settings
from sqlalchemy import Engine

from models.database import make_engine
from tests.properties.company import Clock, Company
from tests.properties.conftest import DAYS
from tests.properties.days import END, Day, Telling, Told, told_days
from tests.properties.test_order import assert_as_judged_in_one_go

PROCESSES = 3

_engine: list[Engine] = []  # of a process of the pool


@pytest.fixture(scope="module")
def workers(database: str) -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), _start, (database,)) as pool:
        yield pool


def _start(database: str) -> None:
    _engine.append(make_engine(database))
    Clock(END).install(pytest.MonkeyPatch())


def tell_and_judge(tenant_id: int, batch: list[Told]) -> None:
    """What a task does."""
    company = Company(_engine[0], tenant_id)
    company.tell(batch, END)
    company.judge()


@settings(DAYS, max_examples=DAYS.max_examples // 3)
@given(told=told_days())
def test_told_by_several_processes_at_once_a_day_ends_as_judged_in_one_go(
    told: tuple[Day, Telling],
    clock: Clock,
    workers: ProcessPoolExecutor,
    new_company: Callable[[], Company],
) -> None:
    day, telling = told
    company = new_company()
    for done in [
        workers.submit(tell_and_judge, company.tenant_id, batch) for batch in telling.batches
    ]:
        done.result()
    # Whoever found the tenant taken left its work to the holder: when the last has ended, nothing
    # waits.
    assert company.waiting() == 0
    assert_as_judged_in_one_go(company, new_company, day)
