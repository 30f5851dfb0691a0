"""How often a ring goes round places, at a cost that hardly grows with the product of both."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from models.boundaries.turns import Ring, side_of

Places = NDArray[np.float64]  # (n, 2): longitude, latitude
Indices = NDArray[np.int64]

_AT_ONCE = 100


def is_within(ring: Ring, places: Places) -> NDArray[np.bool_]:
    """Tell of each place, none of them on an edge, whether the ring goes round it.

    Edges that pass it on one side going one way are counted, less those going the other way.
    """
    # On which side is open: the one on which fewer edges pass.
    ring, places = min(
        ((ring, places), (ring[:, ::-1], places[:, ::-1])),
        key=lambda pair: np.subtract(*_passed(*pair)[::-1]).sum(),
    )
    turns = np.zeros(len(places))
    for edge, place in _passes(ring, places):
        side = side_of(ring[edge], ring[edge + 1], places[place])
        north = ring[edge, 1] < ring[edge + 1, 1]
        turns += np.bincount(place, np.where(north, side > 0, -1.0 * (side < 0)), len(places))
    goes_round: NDArray[np.bool_] = turns != 0
    return goes_round


def _passes(ring: Ring, places: Places) -> Iterator[tuple[Indices, Indices]]:
    """Return the pairs of an edge and a place at the latitude of which it passes."""
    order = places[:, 1].argsort()
    first, last = _passed(ring, places)
    for start in range(0, len(first), _AT_ONCE):
        begin, counts = first[start : start + _AT_ONCE], (last - first)[start : start + _AT_ONCE]
        edge = np.repeat(np.arange(len(counts)), counts)
        along = np.arange(len(edge)) - np.repeat(counts.cumsum() - counts, counts)
        yield edge + start, order[begin[edge] + along]


def _passed(ring: Ring, places: Places) -> tuple[Indices, Indices]:
    """Return which places, in the order of their latitudes, the edges pass: from which to which."""
    latitudes = np.sort(places[:, 1])
    south, north = np.sort((ring[:-1, 1], ring[1:, 1]), axis=0)
    return latitudes.searchsorted(south), latitudes.searchsorted(north)
