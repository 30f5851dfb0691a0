"""Order does not matter: a day told bit by bit, late, twice, corrected and in any order ends as the
same day judged in one go.
"""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import given

from tests.properties.company import Clock, Company
from tests.properties.conftest import DAYS
from tests.properties.days import END, START, Day, Telling, told_days


def assert_as_judged_in_one_go(
    company: Company, new_company: Callable[[], Company], day: Day
) -> None:
    """All of it: subject, type, person, site, reason, severity, confidence, evidence, score."""
    assert company.waiting() == 0
    at_once = new_company()
    at_once.tell_at_once(day)
    at_once.judge()
    assert company.standing() == at_once.standing()
    assert company.standing() == company.everything(END)
    company.check_feed()
    at_once.check_feed()


@DAYS
@given(told=told_days())
def test_in_any_order_a_day_ends_as_judged_in_one_go(
    told: tuple[Day, Telling], clock: Clock, new_company: Callable[[], Company]
) -> None:
    day, telling = told
    clock.moment = END
    company = new_company()
    for batch, backfill, judged in zip(
        telling.batches, telling.backfills, telling.judged, strict=True
    ):
        company.tell(batch, END, backfill=backfill)
        if judged:
            company.judge()
    company.judge()
    assert_as_judged_in_one_go(company, new_company, day)


@DAYS
@given(told=told_days())
def test_as_time_goes_by_a_day_ends_as_judged_in_one_go(
    told: tuple[Day, Telling], clock: Clock, new_company: Callable[[], Company]
) -> None:
    day, telling = told
    clock.moment = START + timedelta(hours=5)
    company = new_company()
    company.swept_until(clock.moment)
    early = []
    for batch, wait, backfill, judged in zip(*telling, strict=True):
        clock.moment = min(clock.moment + wait, END)
        early = company.tell([*early, *batch], clock.moment, backfill=backfill)
        company.swept_until(clock.moment)
        if judged:
            company.judge()
            company.sweep()
            assert company.standing() == company.everything(clock.moment)
    clock.moment = END
    company.tell(early, END)
    company.judge()
    company.sweep()
    assert_as_judged_in_one_go(company, new_company, day)
