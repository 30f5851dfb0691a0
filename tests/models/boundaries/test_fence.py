"""Fences anywhere on earth, measured against another library."""

from typing import Any

import pytest

from models.boundaries.fence import Fence
from tests.models.boundaries.earth import EARTH, PLACES, direct, nearest, ring


@pytest.mark.parametrize(("latitude", "longitude"), PLACES)
def test_a_polygon_anywhere_measures_as_brute_force_does(latitude: float, longitude: float) -> None:
    corners = ring(latitude, longitude, 100)
    fence = Fence({"type": "Polygon", "coordinates": [corners]})
    for azimuth in (10, 100, 200, 300):
        assert fence.outside_m(*direct(latitude, longitude, azimuth, 80)) == 0
        outside = direct(latitude, longitude, azimuth, 150)
        assert fence.outside_m(*outside) == pytest.approx(nearest(*outside, corners), rel=1e-6)


def test_a_hole_is_outside() -> None:
    outer, hole = ring(52.5, 13.4, 1_000), ring(52.5, 13.4, 100)[::-1]
    fence = Fence({"type": "Polygon", "coordinates": [outer, hole]})
    assert fence.outside_m(52.5, 13.4) == pytest.approx(nearest(52.5, 13.4, hole), rel=1e-6)
    assert fence.outside_m(*direct(52.5, 13.4, 20, 500)) == 0


def test_a_multipolygon_is_the_nearest_of_its_parts() -> None:
    near, far = ring(52.5, 13.4, 100), ring(52.6, 13.4, 100)
    fence = Fence({"type": "MultiPolygon", "coordinates": [[far], [near]]})
    place = direct(52.5, 13.4, 0, 300)
    assert fence.outside_m(*place) == pytest.approx(nearest(*place, near), rel=1e-6)
    assert fence.outside_m(52.6, 13.4) == 0


@pytest.mark.parametrize(
    "boundary",
    [
        {
            "type": "MultiPolygon",
            "coordinates": [
                [[[179.9, 0], [180, 0], [180, 0.1], [179.9, 0.1], [179.9, 0]]],
                [[[-180, 0], [-179.9, 0], [-179.9, 0.1], [-180, 0.1], [-180, 0]]],
            ],
        },
        {
            "type": "Polygon",
            "coordinates": [[[179.9, 0], [180.1, 0], [180.1, 0.1], [179.9, 0.1], [179.9, 0]]],
        },
        {
            "type": "Polygon",
            "coordinates": [[[179.9, 0], [-179.9, 0], [-179.9, 0.1], [179.9, 0.1], [179.9, 0]]],
        },
    ],
    ids=["cut at the antimeridian", "running on beyond it", "jumping across it"],
)
def test_a_fence_across_the_antimeridian(boundary: dict[str, Any]) -> None:
    fence = Fence(boundary)
    for longitude in (179.95, 180.0, -180.0, -179.95):
        assert fence.outside_m(0.05, longitude) == 0
    for longitude, edge in ((179.8, 179.9), (-179.8, -179.9)):
        assert fence.outside_m(0.05, longitude) == pytest.approx(
            EARTH.Inverse(0.05, longitude, 0.05, edge)["s12"], rel=1e-6
        )


def test_on_the_edge_is_within() -> None:
    fence = Fence({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]})
    assert fence.outside_m(0.5, 1.0) == 0 and fence.outside_m(0.5, 1.0000001) > 0


@pytest.mark.parametrize("size", [1e-4, 0.01, 1, 5])
@pytest.mark.parametrize("place", [(-40, -170), (-40.0001, -170.0001), (-39, 170), (-35.5, -168)])
def test_a_place_on_the_other_side_of_the_earth_is_measured(
    size: float, place: tuple[float, float]
) -> None:
    """Every direction leads there from its antipode, which kept the judge searching for ever."""
    x, y, far = 10 - size / 3, 40 - size / 2, size
    corners = [[x, y], [x + far, y], [x + far, y + far], [x, y + far], [x, y]]
    assert Fence({"type": "Polygon", "coordinates": [corners]}).outside_m(*place) == pytest.approx(
        nearest(*place, corners), rel=1e-6
    )


def test_a_fence_around_half_the_earth_is_measured_from_the_other_half() -> None:
    half = [[-90.0, -80.0], [0.0, -80.0], [90.0, -80.0], [90.0, 80.0], [0.0, 80.0], [-90.0, 80.0]]
    fence = Fence({"type": "Polygon", "coordinates": [half]})
    for place in ((0, 180), (5, -91), (-81, 3), (-85, 170), (30, 120)):
        assert fence.outside_m(*place) == pytest.approx(nearest(*place, [*half, half[0]]), rel=1e-5)
