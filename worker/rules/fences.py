"""How far a place is outside a site's fence: its boundary, else a circle around its place."""

from models.boundaries.fence import Fence
from models.policy import Policy
from models.policy.geofence_violation import GeofenceViolation
from worker.rules.geometry import Place, at_most_m, distance_m
from worker.rules.window import Site, Window


def outside_m(window: Window, place: Place, site: Site, policy: Policy) -> float | None:
    """Return how many metres a place is outside the fence: 0 within it or on its edge, None where
    the site has neither a boundary nor a place.
    """
    if site.boundary is not None:
        key = ("fence", id(site))  # each version of a site has one
        if key not in window.memo:
            window.memo[key] = Fence(site.boundary)
        fence: Fence = window.memo[key]
        return fence.outside_m(place.latitude, place.longitude)
    if site.latitude is None or site.longitude is None:
        return None
    radius = radius_m(site, policy)
    if at_most_m(site.latitude, site.longitude, place.latitude, place.longitude) <= radius:
        return 0.0
    return max(
        0.0, distance_m(site.latitude, site.longitude, place.latitude, place.longitude) - radius
    )


def radius_m(site: Site, policy: Policy) -> float:
    return policy.of(GeofenceViolation).default_radius_m if site.radius_m is None else site.radius_m
