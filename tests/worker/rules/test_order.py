"""The order of a person's punches: by time, and at one instant by kind, then by punch_id."""

import random

import pytest

from tests.worker.windows import ANNA, OFFICE, check_in, check_out, tap
from worker.rules.evidence import done
from worker.rules.window import Punch, in_order

ORDERED = [
    tap(ANNA, OFFICE, "07:59", "z"),
    check_out(ANNA, OFFICE, "08:00", "y"),
    check_out(ANNA, OFFICE, "08:00", "z"),
    check_in(ANNA, OFFICE, "08:00", "m"),
    check_in(ANNA, OFFICE, "08:00", "n"),
    tap(ANNA, OFFICE, "08:00", "A"),
    tap(ANNA, OFFICE, "08:00", "a"),
    check_out(ANNA, OFFICE, "08:01", "a"),
]


def test_at_one_instant_taps_come_after_check_outs_and_check_ins() -> None:
    shuffled = list(ORDERED)
    random.Random(7).shuffle(shuffled)
    assert sorted(shuffled, key=in_order) == ORDERED


@pytest.mark.parametrize(
    ("punch", "said"),
    [
        (check_in(ANNA, OFFICE, "08:00"), "Checked in"),
        (check_out(ANNA, OFFICE, "08:00"), "Checked out"),
        (tap(ANNA, OFFICE, "08:00"), "Punched"),
    ],
)
def test_a_sentence_claims_no_direction_that_the_clock_did_not_tell(
    punch: Punch, said: str
) -> None:
    assert done(punch) == said
