"""Whichever form a boundary is written in, places are as far outside of it."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from models.boundaries.fence import Fence
from models.schemas.boundary import check_boundary

Ring = list[list[float]]
Polygon = list[Ring]

CENTIMETRE = 0.01
DEGREE_M = 111_195
SIZES = (10.0, 300.0, 20_000.0, 600_000.0)  # metres: from a gate to a country


@st.composite
def drawn(draw: st.DrawFn) -> tuple[Polygon, list[tuple[float, float]]]:
    """Return a polygon of any simple outline, maybe with a hole, and places in and around it."""
    size = draw(st.sampled_from(SIZES)) / DEGREE_M
    latitude = draw(st.floats(-70, 70))
    longitude = draw(st.one_of(st.floats(-180, 180), st.sampled_from((179.9999, -179.99, 180.0))))
    wide = size / math.cos(math.radians(latitude))
    count = draw(st.integers(3, 9))
    shares = [draw(st.floats(0.3, 1)) for _ in range(count)]

    def at(angle: float, share: float) -> tuple[float, float]:
        return longitude + wide * share * math.cos(angle), latitude + size * share * math.sin(angle)

    def ring(scale: float) -> Ring:
        corners = [
            list(at(2 * math.pi * corner / count, share * scale))
            for corner, share in enumerate(shares)
        ]
        return [*corners, corners[0]]

    rings = [ring(1.0)] + ([ring(0.4)[::-1]] if draw(st.booleans()) else [])
    places = [at(draw(st.floats(0, 7)), draw(st.floats(0, 3))) for _ in range(4)]
    return rings, [(y, (x + 180) % 360 - 180) for x, y in places]


def polygon(rings: Polygon) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": rings}


def jumping(rings: Polygon) -> dict[str, Any]:
    return polygon([[[(x + 180) % 360 - 180, y] for x, y in ring] for ring in rings])


def with_a_spike(rings: Polygon) -> dict[str, Any]:
    start, tip = rings[0][0], [rings[0][0][0] + 0.001, rings[0][0][1] + 0.0003]
    return polygon([[start, tip, *rings[0]], *rings[1:]])


def shared_out(rings: Polygon, overlap: float = 0.0) -> dict[str, Any]:
    """Return it in two parts, on either side of a meridian through the middle."""
    whole = shapely.Polygon(rings[0], rings[1:])
    west, south, east, north = whole.bounds
    middle = (west + east) / 2
    halves = [
        whole.intersection(shapely.box(west, south, middle + overlap, north)),
        whole.intersection(shapely.box(middle - overlap, south, east, north)),
    ]
    return in_parts([half for whole in halves for half in shapely.get_parts(whole) if half.area])


def cut_at_the_antimeridian(rings: Polygon) -> dict[str, Any]:
    whole = shapely.Polygon(rings[0], rings[1:])
    parts = [
        shapely.transform(part, lambda positions, turn=turn: positions - [turn, 0])
        for turn in (-360, 0, 360)
        for part in shapely.get_parts(
            whole.intersection(shapely.box(turn - 180, -90, turn + 180, 90))
        )
        if part.area
    ]
    return in_parts(parts)


def in_parts(parts: list[Any]) -> dict[str, Any]:
    coordinates = [
        [shapely.get_coordinates(ring).tolist() for ring in shapely.get_rings(part)]
        for part in parts
    ]
    return {"type": "MultiPolygon", "coordinates": coordinates}


FORMS: dict[str, Callable[[Polygon], dict[str, Any]]] = {
    "unclosed": lambda rings: polygon([ring[:-1] for ring in rings]),
    "wound the other way": lambda rings: polygon([ring[::-1] for ring in rings]),
    "begun elsewhere": lambda rings: polygon([[*ring[2:], *ring[1:3]] for ring in rings]),
    "with heights": lambda rings: polygon([[[*at, 9.5] for at in ring] for ring in rings]),
    "each position twice": lambda rings: polygon(
        [[at for at in ring for _ in "ab"] for ring in rings]
    ),
    "gone round twice": lambda rings: polygon([[*ring, *ring] for ring in rings]),
    "with a spike": with_a_spike,
    "a turn further": lambda rings: polygon([[[x + 360, y] for x, y in ring] for ring in rings]),
    "jumping": jumping,
    "in two parts": shared_out,
    "in two parts on each other": lambda rings: shared_out(rings, 1e-4),
    "cut at the antimeridian": cut_at_the_antimeridian,
    "a Feature": lambda rings: {"type": "Feature", "geometry": polygon(rings)},
    "a collection": lambda rings: {
        "type": "GeometryCollection",
        "geometries": [{"type": "Point", "coordinates": rings[0][0]}, polygon(rings)],
    },
}


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=25, derandomize=True, deadline=None)
@given(drawn())
def test_a_written_form_measures_as_the_plain_one(
    form: str, of: tuple[Polygon, list[tuple[float, float]]]
) -> None:
    rings, places = of
    plain, taken = Fence(polygon(rings)), check_boundary(FORMS[form](rings))
    for latitude, longitude in places:
        assert Fence(taken).outside_m(latitude, longitude) == pytest.approx(
            plain.outside_m(latitude, longitude), abs=CENTIMETRE
        )
    assert check_boundary(taken) == taken


@pytest.mark.parametrize("form", ["unclosed", "wound the other way", "begun elsewhere", "jumping"])
@settings(max_examples=25, derandomize=True, deadline=None)
@given(drawn())
def test_forms_that_say_the_same_positions_have_one_normal_form(
    form: str, of: tuple[Polygon, list[tuple[float, float]]]
) -> None:
    rings = [[[round(x, 6), round(y, 6)] for x, y in ring] for ring in of[0]]
    taken, plain = check_boundary(FORMS[form](rings)), check_boundary(polygon(rings))
    assert shapely.equals_exact(
        shapely.geometry.shape(taken), shapely.geometry.shape(plain), tolerance=1e-9
    )
