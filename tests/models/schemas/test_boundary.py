"""The boundary of a site encloses an area, or says clearly why not."""

from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from models.schemas.boundary import check_boundary

SQUARE = [[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]
HOLE = [[0.5, 0.5], [1, 0.5], [1, 1], [0.5, 0.5]]


@pytest.mark.parametrize(
    "boundary",
    [
        {"type": "Polygon", "coordinates": [SQUARE]},
        {"type": "Polygon", "coordinates": [SQUARE, HOLE]},
        {"type": "Polygon", "coordinates": [[[*position, 30.5] for position in SQUARE]]},
        {"type": "MultiPolygon", "coordinates": [[SQUARE], [[[x + 5, y] for x, y in SQUARE]]]},
        {"type": "Polygon", "coordinates": [SQUARE[::-1]]},
        {"type": "Polygon", "coordinates": [[[179, -1], [180, -1], [180, 1], [179, -1]]]},
    ],
)
def test_an_area_is_taken(boundary: dict[str, Any]) -> None:
    assert check_boundary(boundary | {"bbox": [0, 0, 2, 2]}) == boundary


@pytest.mark.parametrize(
    ("boundary", "says"),
    [
        ({}, "must be a GeoJSON Polygon"),
        ({"type": "Point", "coordinates": [0, 0]}, "must be a GeoJSON Polygon"),
        ({"type": "Polygon"}, "without a ring"),
        ({"type": "Polygon", "coordinates": []}, "without a ring"),
        ({"type": "MultiPolygon", "coordinates": []}, "must be a GeoJSON Polygon"),
        ({"type": "MultiPolygon", "coordinates": [SQUARE]}, "no list of at least four positions"),
        ({"type": "Polygon", "coordinates": [SQUARE[:-1]]}, "not closed"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}, "at least four"),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [181, 0], [1, 1], [0, 0]]]},
            "within 180 and 90",
        ),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [float("nan"), 0], [1, 1], [0, 0]]]},
            "positions",
        ),
        ({"type": "Polygon", "coordinates": [[[0, 0], [True, 0], [1, 1], [0, 0]]]}, "positions"),
        ({"type": "Polygon", "coordinates": [[[0, 0], ["1", 0], [1, 1], [0, 0]]]}, "positions"),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]},
            "encloses no clear area",
        ),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2, 2], [0, 0]]]},
            "encloses no clear area",
        ),
        ({"type": "Polygon", "coordinates": [[[0, 0], [10**400, 0], [1, 1], [0, 0]]]}, "positions"),
        ({"type": ["Polygon"], "coordinates": [SQUARE]}, "must be a GeoJSON Polygon"),
        ({"type": "Polygon", "coordinates": [[[0, 0]] * 10_001]}, "simplify"),
    ],
)
def test_what_encloses_none_is_told_why(boundary: dict[str, Any], says: str) -> None:
    with pytest.raises(PydanticCustomError, match=says):
        check_boundary(boundary)
