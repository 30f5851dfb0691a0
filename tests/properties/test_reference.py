"""What the product says of crowded companies is what the definitions say, read once more."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.properties.conftest import DAYS
from tests.properties.crowded import (
    crowded,
    described,
    differences,
    follow_each_other_otherwise,
    shrunk,
)

COMPANIES = 2  # in each example, as making one takes longer to begin than to do
_AS_THEY_COME = settings(DAYS, phases=(Phase.explicit, Phase.reuse, Phase.generate))
_seeds = st.integers(0, 1_000_000_000)


@_AS_THEY_COME
@given(seed=_seeds)
def test_what_stands_is_what_the_definitions_say(seed: int) -> None:
    for number in range(seed, seed + COMPANIES):
        company = crowded(number)
        for kind, told in differences(company).items():
            _, reason, side = kind
            smallest = described(shrunk(company, kind))
            pytest.fail(f"{reason}, {side}, of company {number}: {told}\n{smallest}")


@_AS_THEY_COME
@given(seed=_seeds)
def test_punches_follow_each_other_as_the_definitions_say(seed: int) -> None:
    for number in range(seed, seed + COMPANIES):
        company = crowded(number)
        other = follow_each_other_otherwise(company)
        assert not other, f"of company {number}: {other}\n{described(company)}"
