"""How intricate boundaries are. One at the limit takes about half a second to make valid."""

import math
from collections.abc import Iterator

import numpy as np
import shapely
from numpy.typing import NDArray

from models.boundaries.turns import TURN, Polygon, read_in_one_piece, side_of

Floats = NDArray[np.float64]

# Real ones of 10,000 positions have some 20,000 pairs of neighbours, and a few crossings.
MOST_NEAR = 50_000
MOST_CROSSINGS = 2_000
# Together, those of one roster may be as intricate as so many at the limit.
MOST_OF_ROSTER = 10.0
_AT_ONCE = 100
_FEW_PAIRS = 20
# An edge has about so many near ones where nothing crosses.
_NEIGHBOURS = 4


class Budget:
    """How intricate the boundaries of one roster may still be."""

    def __init__(self) -> None:
        self.left = MOST_OF_ROSTER

    def spend(self, share: float) -> bool:
        """Take away the share of a boundary. Return False, and take nothing, if that is more."""
        if share > self.left:
            return False
        self.left -= share
        return True


def intricacy(polygons: list[Polygon]) -> float:
    """Return how intricate a boundary is: its share of the limit, or infinity beyond that.

    It is so by edges that cross or touch each other, or lie side by side on a slant.
    """
    pieces = read_in_one_piece(polygons)
    rings = [ring for polygon in pieces for ring in polygon]
    if any(np.ptp(ring[:, 0]) >= TURN for ring in rings):  # It may cross itself on another turn.
        rings = [ring + np.array((turns * TURN, 0)) for ring in rings for turns in (-1, 0, 1)]
    edges = np.concatenate([np.stack((ring[:-1], ring[1:]), axis=1) for ring in rings])
    if len(edges) * (len(edges) - 1) / 2 <= _FEW_PAIRS:
        return 0.0
    near = crossings = 0
    for one, other in _near_pairs(edges):
        near += len(one)
        crossings += int(np.count_nonzero(_cross(edges[one], edges[other])))
        if near > MOST_NEAR or crossings > MOST_CROSSINGS:
            return math.inf
    near_others = max(0, near - _NEIGHBOURS * len(edges))
    return min(1.0, near_others / MOST_NEAR + crossings / MOST_CROSSINGS)


def _near_pairs(edges: Floats) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return the pairs of edges whose boxes touch, those of some edges at a time."""
    lines = shapely.linestrings(edges)
    tree = shapely.STRtree(lines)
    for first in range(0, len(lines), _AT_ONCE):
        one, other = tree.query(lines[first : first + _AT_ONCE])
        later = other > one + first
        yield one[later] + first, other[later]


def _cross(edges: Floats, others: Floats) -> NDArray[np.bool_]:
    """Tell whether two edges cross or touch, elsewhere than in an end that both have."""
    share_an_end = np.zeros(len(edges), bool)
    for end in (0, 1):
        for other_end in (0, 1):
            share_an_end |= (edges[:, end] == others[:, other_end]).all(axis=1)
    return _parts(edges, others) & _parts(others, edges) & ~share_an_end


def _parts(edges: Floats, others: Floats) -> NDArray[np.bool_]:
    """Tell whether the ends of the others are on different sides of the edges, or on them."""
    start, end = edges[:, 0], edges[:, 1]
    parts: NDArray[np.bool_] = (
        side_of(start, end, others[:, 0]) * side_of(start, end, others[:, 1]) <= 0
    )
    return parts
