"""Silent sources, empty posts and stand-ins: in any order, and at every moment, as at one look."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.company import Clock, Company
from tests.properties.conftest import DAYS
from tests.properties.days import END, START, Day, Delivery, Submission, deliveries
from tests.properties.quiet import quiet_days
from tests.properties.test_order import assert_as_judged_in_one_go


@st.composite
def delivered_quiet_days(draw: st.DrawFn) -> tuple[Day, Delivery]:
    day = draw(quiet_days())
    return day, draw(deliveries(day))


@DAYS
@given(delivered=delivered_quiet_days())
def test_in_any_order_quiet_days_end_as_judged_in_one_go(
    delivered: tuple[Day, Delivery], clock: Clock, new_company: Callable[[], Company]
) -> None:
    day, delivery = delivered
    clock.moment = END
    company = new_company()
    for batch, judged in zip(delivery.batches, delivery.judged, strict=True):
        company.submit(batch, END)
        if judged:
            company.judge()
            assert company.standing() == company.everything(END)
    company.judge()
    assert_as_judged_in_one_go(company, new_company, day)


@DAYS
@given(
    delivered=delivered_quiet_days(),
    steps=st.lists(st.sampled_from((1, 15, 30, 61, 90, 240)), min_size=30, max_size=30),
)
def test_as_time_goes_by_quiet_days_are_told_at_every_moment(
    delivered: tuple[Day, Delivery],
    steps: list[int],
    clock: Clock,
    new_company: Callable[[], Company],
) -> None:
    day, delivery = delivered
    clock.moment = START + timedelta(hours=5)
    company = new_company()
    company.swept_until(clock.moment)
    batches = list(delivery.batches)
    early: list[Submission] = []
    for number, step in enumerate(steps):
        if number % 4 == 0 and batches:
            early = company.submit([*early, *batches.pop(0)], clock.moment)
            company.swept_until(clock.moment)
            company.judge()
        company.sweep()
        assert company.standing() == company.everything(clock.moment)
        clock.moment += timedelta(minutes=step)
    clock.moment = END
    company.submit([*early, *(row for batch in batches for row in batch)], END)
    company.judge()
    company.sweep()
    assert_as_judged_in_one_go(company, new_company, day)


@st.composite
def days_one_by_one(draw: st.DrawFn) -> tuple[Day, list[Submission], int]:
    """Generate a day, what comes of it after its first rosters, in order, and an hour of it."""
    day = draw(quiet_days())
    later = [row for row in day.submissions if row.version or row.call != "sync_roster"]
    return day, draw(st.permutations(later)), draw(st.sampled_from((9, 10, 12, 16, 33, 36, 96)))


@DAYS
@given(coming=days_one_by_one())
def test_whatever_comes_by_itself_has_all_judged_anew_that_it_changes(
    coming: tuple[Day, list[Submission], int], clock: Clock, new_company: Callable[[], Company]
) -> None:
    day, later, hours = coming
    clock.moment = START + timedelta(hours=hours)
    company = new_company()
    company.submit([row for row in day.submissions if row not in later], clock.moment)
    company.judge()
    for row in later:
        company.submit([row], clock.moment)
        company.judge()
        assert company.standing() == company.everything(clock.moment)
