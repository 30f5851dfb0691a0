"""Circles anywhere on earth, measured against another library."""

import random

import pytest

from models.policy import DEFAULT_POLICY
from tests.models.boundaries.earth import EARTH, PLACES, direct
from tests.worker.windows import OFFICE, build
from worker.rules.fences import outside_m
from worker.rules.geometry import Place, at_most_m, distance_m
from worker.rules.window import Site


def test_geodesics_agree_with_another_library_to_a_millionth() -> None:
    chance = random.Random(7)
    for _ in range(2_000):
        a, b = [(chance.uniform(-90, 90), chance.uniform(-180, 180)) for _ in range(2)]
        assert distance_m(*a, *b) == pytest.approx(EARTH.Inverse(*a, *b)["s12"], rel=1e-6)


@pytest.mark.parametrize(("latitude", "longitude"), PLACES)
def test_99_m_is_within_a_circle_of_100_m_and_101_m_is_not(
    latitude: float, longitude: float
) -> None:
    site = Site(OFFICE, "Somewhere", "UTC", latitude, longitude, 100.0)
    for azimuth in range(0, 360, 45):
        for metres, expected in ((99.0, 0.0), (101.0, 1.0)):
            place = Place(*direct(latitude, longitude, azimuth, metres), 0.0)
            assert outside_m(build([]), place, site, DEFAULT_POLICY) == pytest.approx(
                expected, abs=1e-6
            )


@pytest.mark.parametrize("seed", range(20))
def test_the_cheap_look_never_takes_places_for_nearer_than_they_are(seed: int) -> None:
    chance = random.Random(seed)
    for spread in (1e-6, 1e-3, 0.1, 10, 1_000):
        latitude, longitude = chance.uniform(-90, 90), chance.uniform(-180, 180)
        other = (
            max(-90.0, min(90.0, latitude + chance.uniform(-spread, spread))),
            chance.uniform(-spread, spread) + longitude,
        )
        assert at_most_m(latitude, longitude, *other) >= distance_m(latitude, longitude, *other)
