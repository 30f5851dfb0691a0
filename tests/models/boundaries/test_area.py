"""Rings that cross or retrace themselves, go round a pole or round the earth."""

import random
from typing import Any

import numpy as np
import pytest
import shapely

from models.boundaries.area import area_of
from models.boundaries.fence import Fence

Corners = list[tuple[float, float]]

NORTH = [[0, 89], [90, 89], [180, 89], [-90, 89], [0, 89]]
SOUTH = [[x, -y] for x, y in NORTH]
CUT_SOUTH = [[-180, -90], [180, -90], [180, -80], [60, -79], [-60, -81], [-180, -80], [-180, -90]]
WHOLE_EARTH = [[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]


def fence(*rings: Any) -> Fence:
    return Fence({"type": "Polygon", "coordinates": list(rings)})


def winding(corners: Corners, x: float, y: float) -> int:
    """Return how often a ring goes round a place, by the angles under which its edges are seen."""
    seen = np.unwrap([np.arctan2(b - y, a - x) for a, b in corners])
    return round(float(seen[-1] - seen[0]) / (2 * np.pi))


@pytest.mark.parametrize("seed", range(60))
def test_a_ring_encloses_what_it_goes_round(seed: int) -> None:
    chance = random.Random(seed)
    size = chance.choice((2, 3, 4, 6))  # so small that most rings retrace edges and meet in corners
    for _ in range(20):
        corners = [
            (chance.randrange(size), chance.randrange(size)) for _ in range(chance.randint(3, 12))
        ]
        ring = np.array([*corners, corners[0]], float)
        area = area_of([[ring]])
        assert area.is_valid
        for x in range(size):
            for y in range(size):
                place = (x + chance.uniform(0.3, 0.35), y + chance.uniform(0.4, 0.45))
                goes_round = winding([*corners, corners[0]], *place) != 0
                assert shapely.covers(area, shapely.Point(place)) == goes_round, corners


def test_a_ring_beside_the_outer_one_is_a_part_and_one_in_it_a_hole() -> None:
    outer = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
    inner = [[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]
    beside = [[6, 0], [7, 0], [7, 1], [6, 1], [6, 0]]
    parts = fence(outer, inner, beside)
    assert parts.outside_m(0.5, 6.5) == parts.outside_m(3, 3) == 0
    assert parts.outside_m(1.5, 1.5) > 50_000


def test_holes_that_meet_the_edge_or_each_other_are_cut_out() -> None:
    outer = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
    on_the_edge = [[0, 1], [2, 1], [2, 2], [0, 2], [0, 1]]
    on_the_other = [[1, 1.5], [3, 1.5], [3, 3], [1, 3], [1, 1.5]]
    area = fence(outer, on_the_edge, on_the_other)
    for latitude, longitude in ((1.2, 0.5), (1.7, 1.5), (2.5, 2.5)):
        assert area.outside_m(latitude, longitude) > 10_000
    assert area.outside_m(0.5, 0.5) == area.outside_m(3.5, 3.5) == 0


@pytest.mark.parametrize(("ring", "sign"), [(NORTH, 1), (SOUTH, -1), (SOUTH[::-1], -1)])
def test_a_ring_that_goes_round_a_pole_encloses_the_nearer_one(ring: Any, sign: int) -> None:
    cap = fence(ring)
    for longitude in (-180, -135, -1, 0, 45, 179.9, 180):
        assert cap.outside_m(sign * 90, longitude) == cap.outside_m(sign * 89.5, longitude) == 0
        assert cap.outside_m(sign * 88, longitude) == pytest.approx(111_690, rel=1e-4)
    assert cap.outside_m(-sign * 90, 0) > 19_000_000


def test_the_pole_may_be_a_hole() -> None:
    belt = fence([[0, -80], [120, -80], [-120, -80], [0, -80]], SOUTH)
    assert belt.outside_m(-85, 100) == belt.outside_m(-85, -180) == belt.outside_m(-85, 0) == 0
    assert belt.outside_m(-90, 7) == pytest.approx(111_690, rel=1e-4)


def test_a_cap_that_is_cut_at_the_antimeridian_is_taken_as_drawn() -> None:
    cap = fence(CUT_SOUTH)
    assert cap.outside_m(-90, 33) == cap.outside_m(-85, 180) == cap.outside_m(-85, -180) == 0
    assert cap.outside_m(-79.1, 60) == 0 and cap.outside_m(-80.5, -60) > 10_000


def test_the_whole_earth_has_no_outside() -> None:
    earth = fence(WHOLE_EARTH)
    for place in ((0, 0), (90, 0), (-90, 10), (12, 180), (12, -180), (51, -0.1)):
        assert earth.outside_m(*place) == 0


def test_a_belt_around_the_earth_is_taken_as_drawn() -> None:
    belt = fence([[-180, -10], [180, -10], [180, 10], [-180, 10], [-180, -10]])
    assert belt.outside_m(9, 100) == belt.outside_m(-9, 180) == 0
    assert belt.outside_m(11, 180) == pytest.approx(110_600, rel=1e-3)


def test_a_country_across_the_antimeridian_is_in_one_piece() -> None:
    """Parts are drawn on either side of it, as of Russia and Fiji."""
    country = Fence(
        {
            "type": "MultiPolygon",
            "coordinates": [
                [[[30, 50], [180, 50], [180, 70], [30, 70], [30, 50]]],
                [[[-180, 60], [-170, 60], [-170, 70], [-180, 70], [-180, 60]]],
            ],
        }
    )
    assert (
        country.outside_m(65, 180) == country.outside_m(65, -175) == country.outside_m(55, 40) == 0
    )
    assert country.outside_m(65, -160) == pytest.approx(472_000, rel=2e-2)


@pytest.mark.parametrize(
    "stored",
    [
        {"type": "Polygon", "coordinates": [[[0, 0], [0, 1e-7], [1e-7, 0], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[-180, 0], [10, 0], [180, 0], [180, 9], [-180, 9]]]},
    ],
    ids=["of a centimetre", "drawn the long way round"],
)
def test_what_earlier_releases_took_and_this_one_would_not_is_judged(stored: Any) -> None:
    assert Fence(stored).outside_m(0, 0) == 0
