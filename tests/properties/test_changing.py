"""A company whose roster changes ends as if all that was said of it had been said before judging.

So a punch is judged by what held when it was taken, whenever that came to be known.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from hypothesis import given, settings

from tests.properties.changing import (
    FIRST,
    Arrivals,
    ChangingDay,
    Told,
    arriving_days,
    calls,
    late_changes,
)
from tests.properties.company import Clock, Company, Standing
from tests.properties.conftest import DAYS
from tests.properties.days import END, START, Submission
from tests.properties.dense import DenseDay, dense_days

REJUDGED = timedelta(days=35)  # by the policy of all these companies


class Telling:
    """What has been told to a company so far, and what is too early for it."""

    def __init__(self, company: Company, received: Clock) -> None:
        self.company = company
        self.received = received
        self.heard: list[Told] = []
        self._early: list[Told | Submission] = []

    def tell(self, batch: Sequence[Told | Submission]) -> None:
        """Submit what is not ahead of the clock, and keep the rest for the next time."""
        now = self.received.moment
        everything = [*self._early, *batch]
        told = [item for item in everything if isinstance(item, Told)]
        early = [said for said in told if said.sent_at and said.sent_at > now]
        for call in calls(said for said in told if said not in early):
            self.received.tick()
            self.company.sync(call)
            received_at = self.received.moment
            self.heard += [said._replace(sent_at=said.sent_at or received_at) for said in call]
        submissions = [item for item in everything if isinstance(item, Submission)]
        self._early = [*early, *self.company.submit(submissions, now)]


def assert_as_judged_at_once(
    telling: Telling, new_company: Callable[[], Company], day: ChangingDay
) -> None:
    company = telling.company
    assert company.waiting() == 0
    at_once = new_company()
    at_once.tell_at_once(telling.heard, day.final_punches)
    at_once.judge()
    assert company.standing() == at_once.standing()
    assert company.standing() == company.everything(telling.received.moment)
    company.check_feed()


@settings(DAYS, max_examples=DAYS.max_examples // 2)
@given(arriving=arriving_days())
def test_in_any_order_a_changing_company_ends_as_judged_at_once(
    arriving: tuple[ChangingDay, Arrivals], received: Clock, new_company: Callable[[], Company]
) -> None:
    day, arrivals = arriving
    received.moment = END
    telling = Telling(new_company(), received)
    for batch, judged in zip(arrivals.batches, arrivals.judged, strict=True):
        telling.tell(batch)
        if judged:
            telling.company.judge()
    telling.company.judge()
    assert_as_judged_at_once(telling, new_company, day)


@settings(DAYS, max_examples=DAYS.max_examples // 2)
@given(arriving=arriving_days())
def test_as_time_goes_by_a_changing_company_ends_as_judged_at_once(
    arriving: tuple[ChangingDay, Arrivals], received: Clock, new_company: Callable[[], Company]
) -> None:
    day, arrivals = arriving
    telling = Telling(new_company(), received)
    company = telling.company
    received.moment = START + timedelta(hours=5)
    for batch, wait, judged in zip(*arrivals, strict=True):
        received.moment = max(received.moment, min(received.moment + wait, END))
        telling.tell(batch)
        company.swept_until(received.moment)
        if judged:
            company.judge()
            company.sweep()
            assert company.standing() == company.everything(received.moment)
    received.moment = END
    telling.tell([])
    company.judge()
    company.sweep()
    assert_as_judged_at_once(telling, new_company, day)


@settings(DAYS, max_examples=DAYS.max_examples // 3)
@given(arriving=arriving_days(), late=late_changes())
def test_what_lies_further_back_stays_as_it_was_judged(
    arriving: tuple[ChangingDay, Arrivals],
    late: tuple[timedelta, list[Told]],
    received: Clock,
    new_company: Callable[[], Company],
) -> None:
    day, _ = arriving
    since, told = late
    received.moment = START + since + REJUDGED
    company, at_once = new_company(), new_company()
    company.tell_at_once(_sent(day.told), day.final_punches)
    company.judge()
    before = company.standing()
    for call in calls(told):
        company.sync(call)
    company.judge()
    assert company.waiting() == 0
    after = company.standing()
    at_once.tell_at_once([*_sent(day.told), *told], day.final_punches)
    at_once.judge()
    bound = received.moment - REJUDGED
    assert _of(after, bound, is_before=True) == _of(before, bound, is_before=True)
    assert _of(after, bound, is_before=False) == _of(at_once.standing(), bound, is_before=False)


@settings(DAYS, max_examples=DAYS.max_examples // 2)
@given(day=dense_days())
def test_each_change_or_punch_has_all_judged_anew_that_it_changes(
    day: DenseDay, received: Clock, new_company: Callable[[], Company]
) -> None:
    received.moment = END
    company = new_company()
    company.tell_at_once(day.told, day.punches)
    company.judge()
    assert company.standing() == company.everything(END)
    for item in day.then:
        received.tick()
        if isinstance(item, Told):
            company.sync([item])
        else:
            company.submit([Submission("punches", [item])], END)
        company.judge()
        assert company.waiting() == 0
        assert company.standing() == company.everything(received.moment)
    company.check_feed()


def _sent(told: Sequence[Told]) -> list[Told]:
    """Return the same as if all of it had been sent with the time."""
    return [said._replace(sent_at=said.sent_at or FIRST) for said in told]


def _of(standing: Standing, bound: datetime, *, is_before: bool) -> Standing:
    return {
        subject: row
        for subject, row in standing.items()
        if (row["occurred_at"] < bound) is is_before
    }
