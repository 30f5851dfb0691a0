"""Places on earth, rings around them and distances, by another library."""

from itertools import pairwise
from typing import Any

import numpy as np
from geographiclib.geodesic import Geodesic

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
