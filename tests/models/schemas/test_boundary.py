"""A boundary is taken as tools write it, in one normal form, or is told clearly why not."""

from itertools import pairwise
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from models.schemas.boundary import check_boundary

SQUARE = [[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]
HOLE = [[0.5, 0.5], [0.5, 1], [1, 1], [0.5, 0.5]]
EAST = [[x + 2, y] for x, y in SQUARE]
PLAIN = {"type": "Polygon", "coordinates": [SQUARE]}
LINE = {"type": "LineString", "coordinates": [[0, 0], [5, 5]]}
ACROSS = [[-181, -1], [-179, -1], [-179, 1], [-181, 1], [-181, -1]]
WHOLE_EARTH = [[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def polygons(*rings: Any) -> dict[str, Any]:
    return {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}


def feature(geometry: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": 7, "properties": {"name": "Yard"}, "geometry": geometry}


def collection(*geometries: Any) -> dict[str, Any]:
    return {"type": "GeometryCollection", "geometries": list(geometries)}


@pytest.mark.parametrize(
    "boundary",
    [
        PLAIN,
        PLAIN | {"bbox": [0, 0, 2, 2], "crs": {"type": "name", "properties": {"name": "CRS84"}}},
        feature(PLAIN),
        {"type": "FeatureCollection", "features": [feature(PLAIN)]},
        collection(PLAIN),
        collection(collection(PLAIN), LINE),
        polygons(SQUARE),
        polygon(SQUARE[:-1]),
        polygon(SQUARE[::-1]),
        polygon(SQUARE[2:] + SQUARE[1:3]),
        polygon([[*position, 30.5] for position in SQUARE]),
        polygon([[*position, None, 1_700_000_000] for position in SQUARE]),
        polygon([position for position in SQUARE for _ in range(2)]),
        polygon(SQUARE + SQUARE),
        polygon([*SQUARE[:3], [7, 7], *SQUARE[2:]]),
        polygon([*SQUARE[:3], [1, 1], *SQUARE[2:]]),
        polygon(SQUARE, []),
        polygon(SQUARE, [[1, 1], [1.5, 1.5], [1, 1]]),
        polygons(SQUARE, []),
        polygons(SQUARE, SQUARE[::-1]),
        polygons(SQUARE, [[5, 5], [6, 6], [5, 5]]),
        polygon([[x + 360, y] for x, y in SQUARE]),
        polygon([[x - 3_600, y] for x, y in SQUARE]),
    ],
)
def test_an_area_has_one_normal_form_in_whichever_form_it_comes(boundary: dict[str, Any]) -> None:
    assert check_boundary(boundary) == PLAIN


@pytest.mark.parametrize(
    ("boundary", "normal"),
    [
        (polygon(SQUARE, HOLE[::-1]), polygon(SQUARE, HOLE)),
        (polygons(SQUARE, [[x + 5, y] for x, y in SQUARE]), None),
        (
            polygons(SQUARE, EAST),
            polygon([[0, 0], [2, 0], [4, 0], [4, 2], [2, 2], [0, 2], [0, 0]]),
        ),
        (
            polygons(SQUARE, [[x + 1, y] for x, y in SQUARE]),
            polygon([[0, 0], [1, 0], [2, 0], [3, 0], [3, 2], [2, 2], [1, 2], [0, 2], [0, 0]]),
        ),
        (
            polygon(SQUARE, [[1, 1], [1, 3], [3, 3], [3, 1]]),
            polygon([[0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [0, 2], [0, 0]]),
        ),
        (
            polygon([[0, 0], [2, 2], [2, 0], [0, 2]]),
            polygons(
                [[0, 0], [1, 1], [0, 2], [0, 0]],
                [[1, 1], [2, 0], [2, 2], [1, 1]],
            ),
        ),
        (polygon([[179, -1], [-179, -1], [-179, 1], [179, 1]]), polygon(ACROSS)),
        (polygon([[179, -1], [181, -1], [181, 1], [179, 1]]), polygon(ACROSS)),
    ],
    ids=[
        "a hole",
        "parts",
        "a shared edge",
        "parts on each other",
        "a hole across the edge",
        "a bow tie",
        "jumping across the antimeridian",
        "running on beyond it",
    ],
)
def test_what_is_enclosed_is_kept(boundary: dict[str, Any], normal: dict[str, Any] | None) -> None:
    taken = check_boundary(boundary)
    assert sorted(taken["coordinates"]) == sorted((normal or boundary)["coordinates"])
    assert taken["type"] == (normal or boundary)["type"]
    assert check_boundary(taken) == taken


def test_parts_cut_at_the_antimeridian_are_one() -> None:
    taken = check_boundary(
        polygons(
            [[179, -1], [180, -1], [180, 1], [179, 1], [179, -1]],
            [[-180, -1], [-179, -1], [-179, 1], [-180, 1], [-180, -1]],
        )
    )
    assert taken["type"] == "Polygon" and len(taken["coordinates"]) == 1
    assert {tuple(position) for position in taken["coordinates"][0]} >= {
        tuple(position) for position in ACROSS
    }


def test_an_edge_of_the_normal_form_says_which_way_it_goes() -> None:
    [ring] = check_boundary(polygon(WHOLE_EARTH))["coordinates"]
    assert all(abs(one[0] - other[0]) < 180 for one, other in pairwise(ring))


@pytest.mark.parametrize(
    ("boundary", "says"),
    [
        ({}, "must be a GeoJSON Polygon"),
        ({"type": "polygon", "coordinates": [SQUARE]}, "must be a GeoJSON Polygon"),
        ({"type": ["Polygon"], "coordinates": [SQUARE]}, "must be a GeoJSON Polygon"),
        (feature(None), "must be a GeoJSON Polygon"),
        (collection("a"), "must be a GeoJSON Polygon"),
        ({"type": "Point", "coordinates": [0, 0]}, "is a Point, which encloses no area; draw it"),
        (feature(LINE), "is a LineString, which encloses no area"),
        (collection(LINE), "is a LineString, which encloses no area"),
        (collection(), "encloses no area"),
        ({"type": "FeatureCollection", "features": []}, "0 Features; send the one of this site"),
        ({"type": "FeatureCollection", "features": [feature(PLAIN)] * 2}, "2 Features"),
        ({"type": "FeatureCollection", "features": 7}, "0 Features"),
        ({"type": "Polygon"}, "no coordinates; each polygon is a list of rings"),
        (polygon([], None), "no coordinates"),
        ({"type": "MultiPolygon"}, "no coordinates"),
        ({"type": "MultiPolygon", "coordinates": [SQUARE]}, "has a position that is not"),
        (polygon(), "encloses no area"),
        (polygon([]), "encloses no area"),
        ({"type": "MultiPolygon", "coordinates": []}, "encloses no area"),
        (polygon([[0, 0], [1, 1], [0, 0]]), "encloses no area; give at least three corners"),
        (polygon([[0, 0]] * 9), "encloses no area"),
        (polygon([[0, 0], [1, 1], [2, 2], [0, 0]]), "encloses no area"),
        (polygon([[13, 52], [13.01, 52.01], [13.02, 52.02]]), "encloses no area"),
        (polygon([[0, 0], [0, 9], [0, 5], [9, 5], [0, 5]]), "encloses no area"),
        (polygon(SQUARE, SQUARE), "encloses no area"),
        (polygon([[0, 0], [3_601, 0], [1, 1]]), "within 3,600 and 90"),
        (polygon([[0, 0], [1, 90.1], [1, 1]]), "within 3,600 and 90"),
        (polygon([[1_492_232, 6_894_699], [1_492_332, 6_894_699], [1, 1]]), "within 3,600 and 90"),
        (polygon([[0, 0], [float("nan"), 0], [1, 1]]), "has a position that is not"),
        (polygon([[0, 0], [True, 0], [1, 1]]), "has a position that is not"),
        (polygon([[0, 0], ["1", 0], [1, 1]]), "without quotes"),
        (polygon([[0, 0], [1], [1, 1]]), "has a position that is not"),
        (polygon([[0, 0], None, [1, 1]]), "has a position that is not"),
        (polygon([[0, 0], [10**400, 0], [1, 1]]), "has a position that is not"),
        (polygon([[0, 0]] * 10_001), "more than 10,000 positions; simplify"),
        (collection(polygon(SQUARE * 1_001), polygon(SQUARE * 1_000)), "more than 10,000"),
    ],
)
def test_what_encloses_none_is_told_why(boundary: dict[str, Any], says: str) -> None:
    with pytest.raises(PydanticCustomError, match=says):
        check_boundary(boundary)


def test_a_collection_may_be_as_deep_as_it_likes() -> None:
    deep = PLAIN
    for _ in range(100_000):
        deep = collection(deep)
    assert check_boundary(deep) == PLAIN
