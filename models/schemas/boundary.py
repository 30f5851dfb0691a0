"""The boundary of a site: a GeoJSON Polygon or MultiPolygon that encloses an area."""

import json
from collections.abc import Iterator
from typing import Any

import shapely
from pydantic_core import PydanticCustomError

MOST_POSITIONS = 10_000
MOST_METRES = 1_000_000  # of altitude, which counts for nothing


def check_boundary(boundary: dict[str, Any]) -> dict[str, Any]:
    """Return its type and coordinates alone.

    Raises PydanticCustomError `bad_boundary`, which says what to mend.
    """
    polygons = {
        "Polygon": [boundary.get("coordinates")],
        "MultiPolygon": boundary.get("coordinates"),
    }.get(str(boundary.get("type")))
    if not isinstance(polygons, list) or not polygons:
        raise _bad("must be a GeoJSON Polygon or MultiPolygon, with its type and its coordinates")
    rings = [ring for polygon in polygons for ring in _rings(polygon)]
    if sum(map(len, rings)) > MOST_POSITIONS:
        raise _bad(f"has more than {MOST_POSITIONS:,} positions; simplify it")
    geometry = {name: boundary[name] for name in ("type", "coordinates")}
    shape = shapely.from_geojson(json.dumps(geometry))
    if not shape.is_valid:
        raise _bad(f"encloses no clear area: {shapely.is_valid_reason(shape)} (longitude latitude)")
    return geometry


def _rings(polygon: object) -> Iterator[list[Any]]:
    if not isinstance(polygon, list) or not polygon:
        raise _bad("has a polygon without a ring; each is a list of rings, the outer one first")
    for ring in polygon:
        if (
            not isinstance(ring, list)
            or len(ring) < 4
            or not all(_is_position(position) for position in ring)
        ):
            raise _bad(
                "has a ring that is no list of at least four positions [longitude, latitude]"
                " within 180 and 90 degrees"
            )
        if ring[0] != ring[-1]:
            raise _bad("has a ring that is not closed; repeat its first position at the end")
        yield ring


def _is_position(position: object) -> bool:
    if not isinstance(position, list) or len(position) not in (2, 3):
        return False
    bounds = (180, 90, MOST_METRES)  # NaN is within none
    return all(
        type(number) in (int, float) and abs(number) <= bound
        for number, bound in zip(position, bounds, strict=False)
    )


def _bad(message: str) -> PydanticCustomError:
    return PydanticCustomError("bad_boundary", "{message}", {"message": message})
