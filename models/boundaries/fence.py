"""How far a place is outside a boundary: distances to its edge are WGS84 geodesics."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

from models.boundaries.area import area_of
from models.boundaries.turns import TURN, Ring

WGS84 = Geod(ellps="WGS84")

_STEP_DEGREES = 0.01  # edges longer than this are parted, since a straight one is none in the plane
_MOST_STEPS = 500
_FARTHEST_M = 15_000_000  # the antipode is at 20,004 km
_FINE = 17  # points in which each further look parts the nearest piece


class Fence:
    """The edge of a GeoJSON Polygon or MultiPolygon, and what it encloses."""

    def __init__(self, boundary: dict[str, Any]) -> None:
        polygons = (
            [boundary["coordinates"]] if boundary["type"] == "Polygon" else boundary["coordinates"]
        )
        # Earlier releases stored boundaries as they were written; the normal form stays as it is.
        self._shape = area_of(
            [[np.asarray(ring, float)[:, :2] for ring in polygon] for polygon in polygons]
        )
        shapely.prepare(self._shape)
        self._lines = [_parted(shapely.get_coordinates(ring)) for ring in _rings_of(self._shape)]

    def outside_m(self, latitude: float, longitude: float) -> float:
        """Return how many metres a place is outside the fence: 0 within it or on its edge."""
        turns = shapely.points([longitude, longitude - TURN, longitude + TURN], latitude)
        if shapely.covers(self._shape, turns).any():
            return 0.0
        return min((_distance_m(line, latitude, longitude) for line in self._lines), default=0.0)


def _rings_of(shape: BaseGeometry) -> NDArray[np.object_]:
    rings: NDArray[np.object_] = shapely.get_rings(shapely.get_parts(shape))
    return rings


def _parted(ring: Ring) -> Ring:
    return np.concatenate([*_edges(ring), ring[-1:]])


def _edges(ring: Ring) -> Iterator[Ring]:
    for start, end in pairwise(ring):
        steps = min(_MOST_STEPS, max(1, int(np.ceil(np.abs(end - start).max() / _STEP_DEGREES))))
        yield start + np.arange(steps)[:, None] / steps * (end - start)


def _distance_m(line: Ring, latitude: float, longitude: float) -> float:
    """Return the length of the geodesic to the nearest point of a line.

    The nearest piece is found in the plane in which distances from this one place are true
    (azimuthal equidistant). Straight pieces are bent in that plane: the nearest is parted again and
    again, until it is as straight as it need be. Where all is on the other side of the earth, the
    nearest of the points into which the line is parted does.
    """
    while True:
        azimuth, _, distance = WGS84.inv(
            np.full(len(line), longitude),
            np.full(len(line), latitude),
            _wrapped(line[:, 0]),
            line[:, 1],
        )
        plane = distance[:, None] * np.column_stack(
            (np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth)))
        )
        piece, share, nearest = _nearest(plane)
        if np.isinf(nearest):
            return float(distance.min())
        start, end = line[piece], line[piece + 1]
        if np.hypot(*(plane[piece + 1] - plane[piece])) < 1.0:
            point = start + share * (end - start)
            way = WGS84.inv(longitude, latitude, _wrapped(point[0]), point[1])
            return float(way[2]) if nearest > 0 else 0.0
        # One piece more on either side, in case the bend hid that it is nearer.
        first, last = line[max(0, piece - 1)], line[min(len(line) - 1, piece + 2)]
        line = np.concatenate(
            [_between(first, start), _between(start, end), _between(end, last), [last]]
        )


def _nearest(plane: Ring) -> tuple[int, float, float]:
    """Return which piece of a line in the plane comes nearest to the origin, where along it (0..1),
    and how near. Pieces are infinitely far that come near the antipode, where the plane is torn.
    """
    start, along = plane[:-1], np.diff(plane, axis=0)
    length = (along**2).sum(axis=1)
    share = np.clip(-(start * along).sum(axis=1) / np.where(length > 0, length, 1), 0, 1)
    distance = np.hypot(*(start + share[:, None] * along).T)
    torn = np.hypot(*plane.T) > _FARTHEST_M
    distance[torn[:-1] | torn[1:]] = np.inf
    piece = int(distance.argmin())
    return piece, float(share[piece]), float(distance[piece])


def _between(start: NDArray[np.float64], end: NDArray[np.float64]) -> Ring:
    return start + np.linspace(0, 1, _FINE)[:-1, None] * (end - start)


def _wrapped(longitude: Any) -> Any:
    return (longitude + 180) % 360 - 180
