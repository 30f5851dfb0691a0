"""Order does not matter: a day bit by bit, late and in any order ends as if judged in one go."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import given

from tests.properties.company import Clock, Company
from tests.properties.conftest import DAYS
from tests.properties.days import END, START, Day, Delivery, Submission, delivered_days


def assert_as_judged_in_one_go(
    company: Company, new_company: Callable[[], Company], day: Day
) -> None:
    """Check subject, type, person, site, reason, severity, confidence, evidence and score."""
    assert company.waiting() == 0
    at_once = new_company()
    at_once.submit_at_once(day)
    at_once.judge()
    assert company.standing() == at_once.standing()
    assert company.standing() == company.everything(END)
    company.check_feed()
    at_once.check_feed()


@DAYS
@given(delivered=delivered_days())
def test_in_any_order_a_day_ends_as_judged_in_one_go(
    delivered: tuple[Day, Delivery], clock: Clock, new_company: Callable[[], Company]
) -> None:
    day, delivery = delivered
    clock.moment = END
    company = new_company()
    for batch, backfill, judged in zip(
        delivery.batches, delivery.backfills, delivery.judged, strict=True
    ):
        company.submit(batch, END, backfill=backfill)
        if judged:
            company.judge()
    company.judge()
    assert_as_judged_in_one_go(company, new_company, day)


@DAYS
@given(delivered=delivered_days())
def test_as_time_goes_by_a_day_ends_as_judged_in_one_go(
    delivered: tuple[Day, Delivery], clock: Clock, new_company: Callable[[], Company]
) -> None:
    day, delivery = delivered
    clock.moment = START + timedelta(hours=5)
    company = new_company()
    company.swept_until(clock.moment)
    early: list[Submission] = []
    for batch, wait, backfill, judged in zip(*delivery, strict=True):
        clock.moment = min(clock.moment + wait, END)
        early = company.submit([*early, *batch], clock.moment, backfill=backfill)
        company.swept_until(clock.moment)
        if judged:
            company.judge()
            company.sweep()
            assert company.standing() == company.everything(clock.moment)
    clock.moment = END
    company.submit(early, END)
    company.judge()
    company.sweep()
    assert_as_judged_in_one_go(company, new_company, day)
