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
