"""What a boundary encloses: its polygons made valid and united.

A ring that crosses itself encloses whatever it goes round, whichever way and however often; a spike
encloses nothing. GEOS has this as `make_valid` with the method `structure`, which on one ring in
forty of those that retrace their own edges yields invalid shapes, and on a few leaves area out; its
method `linework` makes holes where a ring goes round twice, and where polygons overlap.
"""

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from models.boundaries.turns import Polygon, Ring, centred, on_one_earth, read_in_one_piece, side_of

_LONGEST_EDGE = 90.0  # degrees; one of more than 180 would be read as going the other way
LEAST_AREA = 1e-12  # square degrees, a square decimetre: what rounding leaves of a line
_AT_ONCE = 1_000_000


def area_of(polygons: list[Polygon]) -> BaseGeometry:
    """Return what the polygons enclose in its normal form; slivers only where it is nothing else.

    It is valid, in as few parts as can be, in one piece around the earth, winds as RFC 7946 says,
    and the order of its positions and parts says nothing of how it was written.
    """
    parts = on_one_earth([_enclosed_by(polygon) for polygon in read_in_one_piece(polygons)])
    (whole,) = on_one_earth([centred(parts[0] if len(parts) == 1 else shapely.union_all(parts))])
    parts = shapely.get_parts(whole)
    clear = [part for part in parts if part.area >= LEAST_AREA] or list(parts)
    shape = clear[0] if len(clear) == 1 else shapely.MultiPolygon(clear)
    plain = shapely.segmentize(shapely.remove_repeated_points(shape), _LONGEST_EDGE)
    return shapely.orient_polygons(plain.normalize())


def _enclosed_by(polygon: Polygon) -> BaseGeometry:
    plain = shapely.Polygon(polygon[0], polygon[1:])
    if plain.is_valid:
        return plain
    outside, *holes = on_one_earth([_within(ring) for ring in polygon])
    shapely.prepare(outside)
    # Tools that know no polygons of several parts write them as further rings of one.
    apart = shapely.disjoint(outside, holes) | shapely.touches(outside, holes)
    cut, parts = np.extract(~apart, holes), np.extract(apart, holes)
    return shapely.union_all([outside.difference(shapely.union_all(cut)), *parts])


def _within(ring: Ring) -> BaseGeometry:
    plain = shapely.Polygon(ring)
    if plain.is_valid:
        return plain
    edges = shapely.union_all(shapely.linestrings(ring))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(edges)))
    return shapely.union_all(faces[_windings(ring, faces) != 0])


def _windings(ring: Ring, faces: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return how often the ring goes round each of the faces between its edges."""
    places = shapely.get_coordinates(shapely.point_on_surface(faces))
    pieces = np.array_split(places, len(ring) * len(places) // _AT_ONCE + 1)
    return np.concatenate([_turns_around(ring, piece) for piece in pieces])


def _turns_around(ring: Ring, places: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count the edges that pass a place on its east, going north, less those going south."""
    start, end = ring[:-1, None], ring[1:, None]
    y, side = places[:, 1], side_of(start, end, places)
    north = (start[..., 1] <= y) & (y < end[..., 1]) & (side > 0)
    south = (end[..., 1] <= y) & (y < start[..., 1]) & (side < 0)
    turns: NDArray[np.int64] = north.sum(axis=0) - south.sum(axis=0)
    return turns
