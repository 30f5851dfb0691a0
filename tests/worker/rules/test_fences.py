"""Fences anywhere on earth, measured against another library."""

import random
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from geographiclib.geodesic import Geodesic

from models.policy import DEFAULT_POLICY
from tests.worker.windows import OFFICE, build
from worker.rules.fences import Fence, outside_m
from worker.rules.geometry import Place, at_most_m, distance_m
from worker.rules.window import Site

EARTH = Geodesic.WGS84
PLACES = [
    (lat, lon)
    for lat in (-89.9, -60.0, 0.2, 45.0, 71.0, 89.9)
    for lon in (-180.0, -179.9999, 0.0, 13.4, 179.9999)
]


def direct(latitude: float, longitude: float, azimuth: float, metres: float) -> tuple[float, float]:
    point = EARTH.Direct(latitude, longitude, azimuth, metres)
    return point["lat2"], point["lon2"]


def ring(latitude: float, longitude: float, metres: float, corners: int = 8) -> list[list[float]]:
    points = [
        direct(latitude, longitude, -360 * corner / corners, metres) for corner in range(corners)
    ]
    return [[lon, lat] for lat, lon in [*points, points[0]]]


def nearest(latitude: float, longitude: float, corners: list[list[float]]) -> float:
    """Return the distance to a ring in metres, by brute force."""
    line = np.array(corners)
    line[:, 0] = np.unwrap(line[:, 0], period=360)
    return min(_to_edge(latitude, longitude, start, end) for start, end in pairwise(line))


def _to_edge(latitude: float, longitude: float, start: Any, end: Any) -> float:
    def metres(share: float) -> float:
        lon, lat = start + share * (end - start)
        return float(EARTH.Inverse(latitude, longitude, lat, lon, Geodesic.DISTANCE)["s12"])

    shares = np.linspace(0, 1, 101)
    best = int(np.argmin([metres(share) for share in shares]))
    low, high = shares[max(0, best - 1)], shares[min(100, best + 1)]
    for _ in range(50):
        third = (high - low) / 3
        low, high = (
            (low, high - third)
            if metres(low + third) < metres(high - third)
            else (low + third, high)
        )
    return metres((low + high) / 2)


def test_geodesics_agree_with_another_library_to_a_millionth() -> None:
    chance = random.Random(7)
    for _ in range(2_000):
        a, b = [(chance.uniform(-90, 90), chance.uniform(-180, 180)) for _ in range(2)]
        assert distance_m(*a, *b) == pytest.approx(EARTH.Inverse(*a, *b)["s12"], rel=1e-6)


@pytest.mark.parametrize(("latitude", "longitude"), PLACES)
def test_99_m_is_within_a_circle_of_100_m_and_101_m_is_not(
    latitude: float, longitude: float
) -> None:
    site = Site(OFFICE, "Somewhere", "UTC", latitude, longitude, 100.0)
    for azimuth in range(0, 360, 45):
        for metres, expected in ((99.0, 0.0), (101.0, 1.0)):
            place = Place(*direct(latitude, longitude, azimuth, metres), 0.0)
            assert outside_m(build([]), place, site, DEFAULT_POLICY) == pytest.approx(
                expected, abs=1e-6
            )


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


@pytest.mark.parametrize("seed", range(20))
def test_the_cheap_look_never_takes_places_for_nearer_than_they_are(seed: int) -> None:
    chance = random.Random(seed)
    for spread in (1e-6, 1e-3, 0.1, 10, 1_000):
        latitude, longitude = chance.uniform(-90, 90), chance.uniform(-180, 180)
        other = (
            max(-90.0, min(90.0, latitude + chance.uniform(-spread, spread))),
            chance.uniform(-spread, spread) + longitude,
        )
        assert at_most_m(latitude, longitude, *other) >= distance_m(latitude, longitude, *other)
