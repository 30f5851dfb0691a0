"""What a boundary encloses: its polygons made valid and united.

A ring that crosses itself encloses whatever it goes round, whichever way and however often; a spike
encloses nothing. GEOS has this as `make_valid` with the method `structure`, which on one ring in
forty of those that retrace their own edges yields invalid shapes, and on a few leaves area out; its
method `linework` makes holes where a ring goes round twice, and where polygons overlap.
"""

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from models.boundaries.turns import Polygon, Ring, centred, on_one_earth, read_in_one_piece
from models.boundaries.windings import is_within

_LONGEST_EDGE = 90.0  # degrees; one of more than 180 would be read as going the other way
LEAST_AREA = 1e-12  # square degrees, a square decimetre: what rounding leaves of a line


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
    if not holes:
        return outside
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
    inner = shapely.get_coordinates(shapely.point_on_surface(faces))
    return shapely.union_all(faces[is_within(ring, inner)])
