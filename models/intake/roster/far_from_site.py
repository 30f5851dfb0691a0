"""A boundary far from the coordinates of its site, as where latitude and longitude are exchanged.

Whoever punched there would be outside.
"""

from collections.abc import Set
from typing import Any

import numpy as np
import shapely
import shapely.geometry

from models.boundaries.fence import WGS84, Fence
from models.intake.refused.reasons import Reason, reason

FARTHEST_M = 100_000
PLACE = ("boundary", "latitude", "longitude")


def far_from_site(columns: dict[str, Any], sent: Set[str]) -> list[Reason]:
    """Return what is wrong between boundary and coordinates, if the row has both and sent one."""
    boundary, latitude, longitude = (columns[name] for name in PLACE)
    if None in (boundary, latitude, longitude) or not sent & set(PLACE):
        return []
    outside_m = _outside_m(boundary, latitude, longitude)
    if outside_m <= FARTHEST_M:
        return []
    return [
        reason(
            "far_from_site",
            "boundary",
            f"lies {outside_m / 1000:,.0f} km from the latitude and longitude of the site, more"
            " than 100 km; are latitude and longitude exchanged in one of them?",
        )
    ]


def _outside_m(boundary: dict[str, Any], latitude: float, longitude: float) -> float:
    """Return how far the coordinates are outside, or at most: a corner nearby saves the rest."""
    corners = shapely.get_coordinates(shapely.geometry.shape(boundary))
    places = np.broadcast_to((longitude, latitude), corners.shape)
    to_corner_m = float(WGS84.inv(*places.T, *corners.T)[2].min())
    if to_corner_m <= FARTHEST_M:
        return to_corner_m
    return Fence(boundary).outside_m(latitude, longitude)
