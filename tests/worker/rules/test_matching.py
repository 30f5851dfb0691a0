"""The matching: places are taken, as many as can be."""

from itertools import permutations
from random import Random
from typing import Any

import pytest

from worker.rules.matching import matching


def most(candidates: dict[str, list[int]]) -> list[str]:
    """Return which places are taken where as many are as can be, earlier ones first: by trying."""
    people = sorted({person for some in candidates.values() for person in some})
    takers: list[Any] = [*people, *(None for _ in candidates)]
    best: list[str] = []
    for order in permutations(takers, len(candidates)):
        taken = [
            place
            for (place, some), person in zip(candidates.items(), order, strict=True)
            if person in some
        ]
        best = min(best, taken, key=lambda places: (-len(places), places))
    return best


@pytest.mark.parametrize("seed", range(60))
def test_as_many_as_can_be_and_earlier_ones_first(seed: int) -> None:
    chance = Random(seed)
    candidates = {
        place: chance.sample(range(4), chance.randint(0, 3)) for place in "abcd"[: 1 + seed % 4]
    }
    taken = matching(candidates)
    assert all(person in candidates[place] for person, place in taken.items())
    assert sorted(taken.values()) == most(candidates)


def test_who_is_asked_first_is_taken_unless_needed_elsewhere() -> None:
    assert matching({"a": [1, 2], "b": [1, 2]}) == {1: "a", 2: "b"}
    assert matching({"a": [1, 2], "b": [1]}) == {2: "a", 1: "b"}
