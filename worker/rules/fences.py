"""How far a place is outside a site's fence: its boundary, polygons with holes, else a circle
around its place.

Edges run straight in longitude and latitude, as GeoJSON says, and distances to them are geodesics.
A ring that crosses the antimeridian may be cut there, run on beyond 180, or jump from one side to
the other.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from models.policy import Policy
from models.policy.geofence_violation import GeofenceViolation
from worker.rules.geometry import WGS84, Place, at_most_m, distance_m
from worker.rules.window import Site, Window

Ring = NDArray[np.float64]  # (n, 2): longitude, latitude; the first point is also the last

_STEP_DEGREES = 0.01  # edges longer than this are parted, since a straight one is none in the plane
_MOST_STEPS = 500
_FINE = 17  # points in which each further look parts the nearest piece


def outside_m(window: Window, place: Place, site: Site, policy: Policy) -> float | None:
    """Return how many metres a place is outside the fence: 0 within it or on its edge, None where
    the site has neither a boundary nor a place.
    """
    if site.boundary is not None:
        key = ("fence", id(site))  # each version of a site has one
        if key not in window.memo:
            window.memo[key] = Fence(site.boundary)
        fence: Fence = window.memo[key]
        return fence.outside_m(place.latitude, place.longitude)
    if site.latitude is None or site.longitude is None:
        return None
    radius = radius_m(site, policy)
    if at_most_m(site.latitude, site.longitude, place.latitude, place.longitude) <= radius:
        return 0.0
    return max(
        0.0, distance_m(site.latitude, site.longitude, place.latitude, place.longitude) - radius
    )


def radius_m(site: Site, policy: Policy) -> float:
    return policy.of(GeofenceViolation).default_radius_m if site.radius_m is None else site.radius_m


class Fence:
    """The fence of a GeoJSON Polygon or MultiPolygon."""

    def __init__(self, boundary: dict[str, Any]) -> None:
        polygons = (
            [boundary["coordinates"]] if boundary["type"] == "Polygon" else boundary["coordinates"]
        )
        whole = [_in_one_piece(rings) for rings in polygons]
        self._shape = shapely.union_all([shapely.Polygon(rings[0], rings[1:]) for rings in whole])
        shapely.prepare(self._shape)
        self._lines = [_parted(ring) for rings in whole for ring in rings]

    def outside_m(self, latitude: float, longitude: float) -> float:
        """Return how many metres a place is outside the fence: 0 within it or on its edge."""
        turns = shapely.points([longitude, longitude - 360, longitude + 360], latitude)
        if shapely.covers(self._shape, turns).any():
            return 0.0
        return min(_distance_m(line, latitude, longitude) for line in self._lines)


def _in_one_piece(rings: list[Any]) -> list[Ring]:
    """Return the rings of one polygon without jumps across the antimeridian, its holes on the same
    turn around the earth as its outside.
    """
    first = _unwrapped(np.asarray(rings[0], float)[:, :2])
    middle = (first[:, 0].min() + first[:, 0].max()) / 2
    return [
        first,
        *(_turned(_unwrapped(np.asarray(ring, float)[:, :2]), middle) for ring in rings[1:]),
    ]


def _unwrapped(ring: Ring) -> Ring:
    return np.column_stack((np.unwrap(ring[:, 0], period=360), ring[:, 1]))


def _turned(ring: Ring, middle: float) -> Ring:
    turns = round((middle - (ring[:, 0].min() + ring[:, 0].max()) / 2) / 360)
    turned: Ring = ring + np.array((360.0 * turns, 0.0))
    return turned


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
    again, until it is as straight as it need be.
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
        start, end = line[piece], line[piece + 1]
        if np.hypot(*(plane[piece + 1] - plane[piece])) < 1.0:
            point = start + share * (end - start)
            return (
                distance_m(latitude, longitude, point[1], _wrapped(point[0]))
                if nearest > 0
                else 0.0
            )
        # One piece more on either side, in case the bend hid that it is nearer.
        first, last = line[max(0, piece - 1)], line[min(len(line) - 1, piece + 2)]
        line = np.concatenate(
            [_between(first, start), _between(start, end), _between(end, last), [last]]
        )


def _nearest(plane: Ring) -> tuple[int, float, float]:
    """Return which piece of a line in the plane comes nearest to the origin, where along it (0..1),
    and how near.
    """
    start, along = plane[:-1], np.diff(plane, axis=0)
    length = (along**2).sum(axis=1)
    share = np.clip(-(start * along).sum(axis=1) / np.where(length > 0, length, 1), 0, 1)
    distance = np.hypot(*(start + share[:, None] * along).T)
    piece = int(distance.argmin())
    return piece, float(share[piece]), float(distance[piece])


def _between(start: NDArray[np.float64], end: NDArray[np.float64]) -> Ring:
    return start + np.linspace(0, 1, _FINE)[:-1, None] * (end - start)


def _wrapped(longitude: Any) -> Any:
    return (longitude + 180) % 360 - 180
