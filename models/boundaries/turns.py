"""Which turn around the earth the rings of a boundary are on.

Tools write a ring that crosses the antimeridian in three ways: cut there, running on beyond 180, or
jumping from one side to the other. Read here, each runs on: no edge takes the long way round.
"""

import math

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Ring = NDArray[np.float64]  # (n, 2): longitude, latitude; the first position is also the last
Polygon = list[Ring]  # its outside, then its holes

TURN = 360.0
_ROUNDING = 1e-9  # degrees
_EARTH = shapely.box(-180, -90, 180, 90)


def read_in_one_piece(polygons: list[Polygon]) -> list[Polygon]:
    """Return the rings without jumps: holes on the turn of their outside, polygons on that of the
    first.
    """
    pieces: list[Polygon] = []
    for outside, *holes in polygons:
        first = _near(pieces[0][0] if pieces else None, _without_jumps(outside))
        pieces.append([first, *(_near(first, _without_jumps(hole)) for hole in holes)])
    return pieces


def on_one_earth(shapes: list[BaseGeometry]) -> list[BaseGeometry]:
    """Return the shapes, cut at the antimeridian where one of them goes all round the earth."""
    return [_cut(shape) for shape in shapes] if any(map(_goes_round, shapes)) else shapes


def centred(shape: BaseGeometry) -> BaseGeometry:
    """Return the shape on the turn on which its middle is at -180 or more, and less than 180."""
    if shape.is_empty:
        return shape
    west, _, east, _ = shape.bounds
    return shifted(shape, -_turns((west + east) / 2))


def shifted(shape: BaseGeometry, turns: int) -> BaseGeometry:
    if not turns:
        return shape
    return shapely.transform(shape, lambda positions: positions + _shift(turns))


def side_of(
    start: NDArray[np.float64], end: NDArray[np.float64], place: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return more than 0 where a place is on the left of an edge, less where it is on the right."""
    along, away = end - start, place - start
    side: NDArray[np.float64] = along[..., 0] * away[..., 1] - along[..., 1] * away[..., 0]
    return side


def _shift(turns: int) -> NDArray[np.float64]:
    return np.array((turns * TURN, 0.0))


def _goes_round(shape: BaseGeometry) -> bool:
    west, _, east, _ = shape.bounds
    return bool(east - west >= TURN)


def _cut(shape: BaseGeometry) -> BaseGeometry:
    middle = centred(shape)
    if _EARTH.covers(middle):
        return middle
    turns = shapely.union_all([shifted(middle, turns) for turns in (-1, 0, 1)])
    parts = shapely.get_parts(turns.intersection(_EARTH))
    return shapely.union_all([part for part in parts if part.area])


def _near(other: Ring | None, ring: Ring) -> Ring:
    """Return the ring on the turn on which its middle is nearest to that of the other."""
    if other is None:
        return ring
    turned: Ring = ring + _shift(_turns(_middle(other) - _middle(ring)))
    return turned


def _middle(ring: Ring) -> float:
    return float(ring[:, 0].min() + ring[:, 0].max()) / 2


def _turns(degrees: float) -> int:
    return math.floor((degrees + TURN / 2 + _ROUNDING) / TURN)


def _without_jumps(ring: Ring) -> Ring:
    steps = np.diff(ring[:, 0])
    # An edge of half a turn stays as it is drawn: either way is as long.
    jumps = np.where(np.abs(steps) > TURN / 2, -np.rint(steps / TURN), 0.0)
    whole = np.concatenate(([0.0], np.cumsum(jumps))) * TURN
    piece = np.column_stack((ring[:, 0] + whole, ring[:, 1]))
    if not whole[-1] and np.ptp(piece[:, 0]):
        return piece
    if (np.abs(steps) == TURN).any():
        return ring  # The whole earth, or a belt of it, drawn from -180 to 180.
    return _over_the_pole(piece) if whole[-1] else piece


def _over_the_pole(piece: Ring) -> Ring:
    """Close a ring that goes round a pole, over the nearer of the two."""
    pole = np.copysign(90.0, piece[:, 1].mean())
    return np.concatenate((piece, [[piece[-1, 0], pole], [piece[0, 0], pole], piece[0]]))
