"""A boundary is stored in its normal form, and refused far from its site's coordinates."""

from typing import Any

import pytest
from sqlalchemy import Engine

from tests.models.intake.roster.test_sync import one, sync
from tests.models.intake.stored import Content, changes, forget, rejected

BERLIN = {"latitude": 52.5, "longitude": 13.4}
SITE = {"site_id": 15}


def square(longitude: float, latitude: float) -> Content:
    """Return a boundary of 0.01 degrees with its south-western corner there."""
    x, y = longitude, latitude
    return {
        "type": "Polygon",
        "coordinates": [[[x, y], [x + 0.01, y], [x + 0.01, y + 0.01], [x, y + 0.01], [x, y]]],
    }


HERE = square(13.4, 52.5)
EXCHANGED = square(52.5, 13.4)


def reasons(engine: Engine) -> list[tuple[str, str, str]]:
    return [
        (why["code"], why["field"], why["message"])
        for row in rejected(engine)
        for why in row["reasons"]
    ]


def test_the_normal_form_is_stored_and_another_form_of_it_is_no_change(engine: Engine) -> None:
    [ring] = HERE["coordinates"]
    sync(engine, sites=[SITE | {"boundary": HERE}])
    assert one(engine, "site", site_id=15)["boundary"] == HERE
    forget(engine)
    for other in (
        {"type": "Feature", "properties": {"name": "Yard"}, "geometry": HERE},
        {"type": "Polygon", "coordinates": [ring[:-1][::-1]]},
        {"type": "MultiPolygon", "coordinates": [[[*ring[2:], *ring[1:3]]]]},
    ):
        sync(engine, sites=[SITE | {"boundary": other}])
    assert one(engine, "site", site_id=15)["boundary"] == HERE
    assert not changes(engine) and not rejected(engine)


@pytest.mark.parametrize(
    "rows",
    [
        [BERLIN | {"boundary": EXCHANGED}],
        [BERLIN, {"boundary": EXCHANGED}],
        [{"boundary": EXCHANGED, "latitude": None, "longitude": None}, BERLIN],
    ],
    ids=["in one row", "the coordinates first", "the boundary first"],
)
def test_a_boundary_far_from_the_coordinates_is_refused(engine: Engine, rows: list[Any]) -> None:
    for row in rows:
        sync(engine, sites=[SITE | row])
    [(code, field, message)] = reasons(engine)
    assert (code, field) == ("far_from_site", "boundary")
    assert message == (
        "lies 5,550 km from the latitude and longitude of the site, more than 100 km;"
        " are latitude and longitude exchanged in one of them?"
    )
    stored = one(engine, "site", site_id=15)
    assert stored["boundary"] is None or stored["latitude"] is None


@pytest.mark.parametrize(("north", "taken"), [(0.898, True), (0.8999, False)])
def test_its_nearest_point_may_be_100_km_away(engine: Engine, north: float, taken: bool) -> None:
    """A degree of latitude has 111.27 km there."""
    sync(engine, sites=[SITE | BERLIN | {"boundary": square(13.395, 52.5 + north)}])
    assert [code for code, _, _ in reasons(engine)] == ([] if taken else ["far_from_site"])


def test_a_site_in_a_country_without_a_corner_nearby_is_not_far(engine: Engine) -> None:
    country = {"type": "Polygon", "coordinates": [[[5, 47], [20, 47], [20, 58], [5, 58]]]}
    beyond_the_date_line = {"type": "Polygon", "coordinates": [[[170, 0], [-170, 0], [180, 9]]]}
    sync(
        engine,
        sites=[
            SITE | BERLIN | {"boundary": country},
            {
                "site_id": 99,
                "name": "Atoll",
                "timezone": "UTC",
                "latitude": 1.0,
                "longitude": -171.5,
                "boundary": beyond_the_date_line,
            },
        ],
    )
    assert reasons(engine) == []


def test_a_site_that_is_far_since_an_earlier_release_can_still_be_renamed(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE site SET latitude = 52.5, longitude = 13.4, boundary = %s::jsonb"
            " WHERE tenant_id = 1 AND site_id = 15",
            ('{"type": "Polygon", "coordinates": [[[52, 13], [53, 13], [53, 14], [52, 13]]]}',),
        )
    sync(engine, sites=[SITE | {"name": "Yard"}])
    assert one(engine, "site", site_id=15)["name"] == "Yard" and reasons(engine) == []
