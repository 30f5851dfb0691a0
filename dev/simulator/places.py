"""Places on earth: cities with their zones, points moved by metres, and the ground of a site."""

import math
import random
from typing import NamedTuple


class City(NamedTuple):
    name: str
    zone: str
    latitude: float
    longitude: float


CITIES = (
    City("Lisbon", "Europe/Lisbon", 38.7223, -9.1393),
    City("New York", "America/New_York", 40.7128, -74.0060),
    City("Singapore", "Asia/Singapore", 1.3521, 103.8198),
    City("Mumbai", "Asia/Kolkata", 19.0760, 72.8777),
    City("Denver", "America/Denver", 39.7392, -104.9903),
    City("Sydney", "Australia/Sydney", -33.8688, 151.2093),
    City("Berlin", "Europe/Berlin", 52.5200, 13.4050),
    City("London", "Europe/London", 51.5072, -0.1276),
    City("Sao Paulo", "America/Sao_Paulo", -23.5558, -46.6396),
    City("Auckland", "Pacific/Auckland", -36.8509, 174.7645),
)


class Block(NamedTuple):
    """A rectangle of ground: its centre east and north of the site's place, half its width and
    height, all in metres.
    """

    east: float
    north: float
    half_width: float
    half_height: float


def moved(latitude: float, longitude: float, east: float, north: float) -> tuple[float, float]:
    """The point so many metres east and north; within 1 % of the geodesic over the kilometres used
    here.
    """
    radians = math.radians(latitude)
    per_degree_north = 111_132.95 - 559.85 * math.cos(2 * radians) + 1.17 * math.cos(4 * radians)
    per_degree_east = 111_412.88 * math.cos(radians) - 93.5 * math.cos(3 * radians)
    return round(latitude + north / per_degree_north, 7), round(
        longitude + east / per_degree_east, 7
    )


def kilometres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance on a sphere: good to half a percent, enough to plan a journey by."""
    (lat_a, lon_a), (lat_b, lon_b) = ([math.radians(x) for x in point] for point in (a, b))
    chord = (
        math.sin((lat_b - lat_a) / 2) ** 2
        + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    )
    return 2 * 6_371.0 * math.asin(math.sqrt(chord))


def spot_in_circle(rng: random.Random, radius: float) -> tuple[float, float]:
    """Metres east and north of the centre, evenly spread."""
    distance, bearing = radius * math.sqrt(rng.random()), rng.uniform(0, 2 * math.pi)
    return distance * math.sin(bearing), distance * math.cos(bearing)


def spot_in_block(rng: random.Random, block: Block, share: float) -> tuple[float, float]:
    """Metres east and north of the site's place, evenly spread over the inner `share` of a
    rectangle.
    """
    return (
        block.east + rng.uniform(-share, share) * block.half_width,
        block.north + rng.uniform(-share, share) * block.half_height,
    )
