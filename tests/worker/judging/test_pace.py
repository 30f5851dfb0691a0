"""A judgement takes as many rows as were judged lately in a quarter of a second."""

import pytest

from worker.judging.pace import BATCH_SECONDS, Pace
from worker.judging.work_queue import LEAST_A_BATCH, MOST_A_BATCH


@pytest.fixture(autouse=True)
def steady_pace() -> None:
    """Leave it as it is: it is what is tested."""


def test_what_was_slow_is_taken_in_smaller_batches_and_what_was_quick_in_larger_ones() -> None:
    pace = Pace()
    limits = [pace.limit(1, "pending")]
    for seconds in (4 * BATCH_SECONDS, BATCH_SECONDS, BATCH_SECONDS / 2, BATCH_SECONDS / 100):
        pace.note(1, "pending", limits[-1], seconds)
        limits.append(pace.limit(1, "pending"))
    assert limits == [MOST_A_BATCH, 250, 250, 500, MOST_A_BATCH]


def test_changes_of_a_roster_that_reach_nowhere_are_soon_taken_like_punches() -> None:
    """A first roster of 20,000 people has 40,000 keys: each person, and each name."""
    pace, left, batches = Pace(), 40_000, 0
    while left > 0:
        taken = min(pace.limit(1, "roster_change"), left)
        pace.note(1, "roster_change", taken, taken * 0.0001)
        left, batches = left - taken, batches + 1
    assert batches <= 45


def test_a_slow_judgement_of_a_few_rows_makes_no_batch_smaller_than_the_least() -> None:
    pace = Pace()
    pace.note(1, "pending", 1, 100.0)
    assert pace.limit(1, "pending") == MOST_A_BATCH
    for _ in range(5):
        pace.note(1, "pending", pace.limit(1, "pending"), 1.0 * pace.limit(1, "pending"))
    assert pace.limit(1, "pending") == LEAST_A_BATCH


@pytest.mark.parametrize(
    ("shared", "units"), [(0.1, 150), (0.2, 200), (0.3, 200), (0.39, 110), (0.4, 100), (2.0, 500)]
)
def test_what_all_rows_of_a_judgement_share_is_half_of_its_time_or_half_a_second_is_all(
    shared: float, units: int
) -> None:
    """Otherwise a pile whose window takes 0.3 s would be judged 20 punches at a time."""
    pace = Pace()
    for _ in range(6):
        taken = pace.limit(1, "pending")
        pace.note(1, "pending", taken, shared + 0.001 * taken)
    assert pace.limit(1, "pending") == pytest.approx(units, abs=2)


def test_where_few_rows_take_as_long_as_many_they_are_no_fewer() -> None:
    pace = Pace()
    pace.note(1, "pending", MOST_A_BATCH, 2.0)
    fewest = pace.limit(1, "pending")
    limits = []
    for _ in range(6):
        pace.note(1, "pending", pace.limit(1, "pending"), 2.0)
        limits.append(pace.limit(1, "pending"))
    assert limits == [4 * fewest] * 6


def test_a_judgement_that_was_slow_by_chance_is_soon_forgotten() -> None:
    pace = Pace()
    pace.note(1, "pending", MOST_A_BATCH, 10.0)
    for _ in range(5):
        units = pace.limit(1, "pending")
        pace.note(1, "pending", units, 0.0002 * units)
    assert pace.limit(1, "pending") == MOST_A_BATCH


def test_one_judgement_that_was_slow_by_chance_makes_no_large_batch_of_a_slow_tenant() -> None:
    pace = Pace()
    pace.note(1, "pending", MOST_A_BATCH, 8 * BATCH_SECONDS)
    slow = pace.limit(1, "pending")
    pace.note(1, "pending", slow, 9 * BATCH_SECONDS)
    assert pace.limit(1, "pending") <= 4 * slow < MOST_A_BATCH


def test_few_that_took_longer_than_many_tell_nothing_where_the_many_were_quick() -> None:
    pace = Pace()
    pace.note(1, "pending", MOST_A_BATCH, BATCH_SECONDS)
    pace.note(1, "pending", MOST_A_BATCH // 2, 2 * BATCH_SECONDS)
    assert pace.limit(1, "pending") == MOST_A_BATCH // 4


def test_what_is_live_has_another_pace_than_a_backfill() -> None:
    pace = Pace()
    pace.note(1, "pending", MOST_A_BATCH, 100.0, backfill=True)
    assert pace.limit(1, "pending", backfill=True) == LEAST_A_BATCH
    assert pace.limit(1, "pending") == MOST_A_BATCH


def test_tenants_and_tables_have_a_pace_of_their_own() -> None:
    pace = Pace()
    pace.note(1, "pending", MOST_A_BATCH, 100.0)
    assert pace.limit(2, "pending") == MOST_A_BATCH
    assert pace.limit(1, "roster_change") == Pace().limit(1, "roster_change")


def test_only_so_many_tenants_are_remembered() -> None:
    pace = Pace()
    for tenant_id in range(2_000):
        pace.note(tenant_id, "pending", MOST_A_BATCH, 100.0)
    assert [pace.limit(tenant_id, "pending") for tenant_id in (0, 1_999)] == [
        MOST_A_BATCH,
        LEAST_A_BATCH,
    ]
