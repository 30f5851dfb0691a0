"""A boundary that would keep a worker for seconds is told to be simpler, and real ones are not."""

from time import process_time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic_core import PydanticCustomError

from models.boundaries.tangles import MOST_OF_ROSTER, Budget
from models.schemas.boundary import check_boundary

Positions = NDArray[np.float64]


def around(count: int, step: int = 1) -> Positions:
    """Return so many positions on a circle, each `step` further than the one before."""
    angles = np.arange(count) * step * 2 * np.pi / count
    return np.column_stack((np.cos(angles), np.sin(angles)))


def star(points: int) -> Positions:
    return around(points, points // 2)


def comb(teeth: int) -> Positions:
    """Return slanting teeth beside each other, whose boxes all meet."""
    x, y = np.repeat(np.arange(2 * teeth) * 1e-6, 2), np.tile([0, 1, 1, 0], teeth)
    return np.vstack((np.column_stack((x + y, y)), [[5, -1], [-1, -1]]))


def comb_and_back(teeth: int, height: float) -> Positions:
    """Return upright teeth with a way back through all of them, or along their tips (height 1)."""
    x, y = np.arange(2 * teeth) * 0.0005, np.tile([0, 1], teeth)
    return np.vstack((np.column_stack((x, y)), [[x[-1] + 1, height], [-1, height]]))


def burst(spikes: int) -> Positions:
    return np.stack((np.zeros((spikes, 2)), around(spikes)), axis=1).reshape(-1, 2)


def petals(count: int) -> Positions:
    points = around(2 * count).reshape(count, 2, 2)
    return np.concatenate((np.zeros((count, 1, 2)), points), axis=1).reshape(-1, 2)


def boundary(*rings: Positions) -> dict[str, Any]:
    return {"type": "MultiPolygon", "coordinates": [[ring.tolist()] for ring in rings]}


@pytest.mark.parametrize(
    "tangle",
    [
        boundary(star(4_999)),
        boundary(star(301)),
        boundary(comb(2_499)),
        boundary(comb(1_200), comb(1_200)[:, ::-1]),
        boundary(comb_and_back(4_990, 0.5)),
        boundary(comb_and_back(4_990, 1)),
        boundary(burst(4_999)),
        boundary(petals(3_333)),
        boundary(np.tile(around(4), (2_500, 1))),
        boundary(*[around(4) * (1 - ring / 9_999) for ring in range(2_400)]),
    ],
    ids=(
        "star smaller_star comb combs_on_each_other way_through way_along burst petals windings"
        " onion"
    ).split(),
)
def test_a_tangle_is_refused_soon(tangle: dict[str, Any]) -> None:
    start = process_time()
    with pytest.raises(PydanticCustomError, match="too intricate"):
        check_boundary(tangle)
    assert process_time() - start < 2


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        (boundary(star(61)), "Polygon"),
        (boundary(petals(120)), "MultiPolygon"),
        (boundary(np.tile(around(4), (60, 1))), "Polygon"),
        (boundary(around(10_000)), "Polygon"),
        (boundary(around(9_998) * np.linspace(0.5, 1, 9_998)[:, None] ** 9), "Polygon"),
        (
            boundary(*[around(4) / 100 + (x / 70, y / 70) for x in range(20) for y in range(20)]),
            "Polygon",
        ),
    ],
    ids=["star", "petals", "windings", "coast", "spiral", "parcels"],
)
def test_what_is_no_tangle_is_taken_in_little_time(written: dict[str, Any], kind: str) -> None:
    start = process_time()
    assert check_boundary(written)["type"] == kind
    assert process_time() - start < 3  # 1 s on a machine of its own


def test_what_is_intricate_counts_against_the_budget_of_its_roster() -> None:
    budget, intricate, plain = Budget(), boundary(star(61)), boundary(around(10_000))
    check_boundary(plain, budget)
    assert budget.left == MOST_OF_ROSTER
    check_boundary(intricate, budget)
    share = MOST_OF_ROSTER - budget.left
    assert 0.5 < share <= 1
    for _ in range(int(MOST_OF_ROSTER / share) - 1):
        check_boundary(intricate, budget)
    with pytest.raises(PydanticCustomError, match="send it in another one"):
        check_boundary(intricate, budget)
    check_boundary(plain, budget)
