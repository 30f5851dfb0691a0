"""The boundary of a site, in any form in which tools write an area as GeoJSON."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from pydantic_core import PydanticCustomError
from shapely.geometry.base import BaseGeometry

from models.boundaries.area import LEAST_AREA, area_of
from models.boundaries.tangles import Budget, intricacy
from models.boundaries.turns import Polygon, Ring

MOST_POSITIONS = 10_000
_BOUNDS = (3_600, 90)  # degrees: a map that was turned around the earth adds 360 a turn
_POLYGONS = ("Polygon", "MultiPolygon")
_WITHOUT_AREA = ("Point", "MultiPoint", "LineString", "MultiLineString")


def check_boundary(boundary: dict[str, Any], budget: Budget | None = None) -> dict[str, Any]:
    """Return the normal form of what it encloses: a Polygon, or a MultiPolygon of several parts.

    `budget` is what it shares with the others of its roster. Raises PydanticCustomError
    `bad_boundary`, which says what to mend, where it encloses no area or is too intricate.
    """
    written = list(_polygons_of(_geometry_of(boundary)))
    if sum(len(ring) for rings in written for ring in rings) > MOST_POSITIONS:
        raise _bad(f"has more than {MOST_POSITIONS:,} positions; simplify it")
    polygons = [polygon for rings in written for polygon in _read(rings)]
    share = intricacy(polygons) if polygons else 0.0
    if share > 1:
        raise _bad("is too intricate: its edges cross thousands of times; simplify it")
    if budget and not budget.spend(share):
        raise _bad("is too intricate beside the others of this roster; send it in another one")
    area = area_of(polygons)
    if area.area < LEAST_AREA:
        raise _bad("encloses no area; give at least three corners that are not on one line")
    return {"type": area.geom_type, "coordinates": _as_lists(area)}


def _geometry_of(boundary: dict[str, Any]) -> Any:
    """Return the geometry in it: of a Feature, or of the one Feature of a collection."""
    geometry: Any = boundary
    if _type_of(geometry) == "FeatureCollection":
        features = geometry.get("features")
        count = len(features) if isinstance(features, list) else 0
        if count != 1:
            raise _bad(f"is a collection of {count} Features; send the one of this site")
        geometry = features[0]
    return geometry.get("geometry") if _type_of(geometry) == "Feature" else geometry


def _polygons_of(geometry: Any) -> Iterator[list[list[Any]]]:
    """Return the polygons of a geometry, each as its rings.

    Lines and points beside them in a collection, which mending tools leave over, enclose nothing.
    """
    leaves = list(_leaves_of(geometry))
    if leaves and all(_type_of(leaf) in _WITHOUT_AREA for leaf in leaves):
        raise _bad(f"is a {_type_of(leaves[0])}, which encloses no area; draw it as a Polygon")
    for leaf in leaves:
        if _type_of(leaf) in _POLYGONS:
            yield from _rings_of(leaf)


def _rings_of(geometry: dict[str, Any]) -> list[list[list[Any]]]:
    content = geometry.get("coordinates")
    polygons = [content] if _type_of(geometry) == "Polygon" else content
    if not isinstance(polygons, list) or not all(map(_is_list_of_lists, polygons)):
        raise _bad("has no coordinates; each polygon is a list of rings, the outer first")
    return polygons


def _leaves_of(geometry: Any) -> Iterator[dict[str, Any]]:
    """Return the geometries that are no collections, however deep they are."""
    waiting = [geometry]
    while waiting:
        one = waiting.pop()
        if _type_of(one) == "GeometryCollection" and isinstance(one.get("geometries"), list):
            waiting += reversed(one["geometries"])
        elif _type_of(one) in (*_POLYGONS, *_WITHOUT_AREA):
            yield one
        else:
            raise _bad(
                "must be a GeoJSON Polygon or MultiPolygon, with its type and its coordinates,"
                " or a Feature or a collection with one"
            )


def _read(rings: list[list[Any]]) -> Iterator[Polygon]:
    """Return the polygon, if its outer ring has three corners."""
    outside, *holes = [_closed(ring) for ring in rings] or [np.empty((0, 2))]
    if _has_corners(outside):
        yield [outside, *filter(_has_corners, holes)]


def _closed(ring: list[Any]) -> Ring:
    if not all(map(_is_position, ring)):
        raise _bad(
            "has a position that is not [longitude, latitude], in degrees within 3,600 and"
            " 90, without quotes"
        )
    positions = np.array([position[:2] for position in ring], float).reshape(-1, 2)
    return np.concatenate((positions, positions[:1]))


def _has_corners(ring: Ring) -> bool:
    return len(set(map(tuple, ring.tolist()))) >= 3


def _is_position(position: object) -> bool:
    """Tell whether it begins with a longitude and a latitude. What follows counts for nothing."""
    return (
        isinstance(position, list)
        and len(position) >= 2
        and all(
            type(number) in (int, float) and abs(number) <= bound  # NaN is within none
            for number, bound in zip(position, _BOUNDS, strict=False)
        )
    )


def _is_list_of_lists(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(entry, list) for entry in value)


def _type_of(value: object) -> str:
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else ""


def _as_lists(area: BaseGeometry) -> list[Any]:
    """Return its coordinates as JSON has them."""
    polygons = [
        [(shapely.get_coordinates(ring) + 0.0).tolist() for ring in shapely.get_rings(part)]
        for part in shapely.get_parts(area)
    ]
    return polygons[0] if area.geom_type == "Polygon" else polygons


def _bad(message: str) -> PydanticCustomError:
    return PydanticCustomError("bad_boundary", "{message}", {"message": message})
