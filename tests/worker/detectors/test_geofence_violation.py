"""GEOFENCE_VIOLATION as the definitions have it."""

from typing import Any

import pytest
from geographiclib.geodesic import Geodesic

from tests.worker.windows import ANNA, DEPOT, OFFICE, SITES, build, check_in, findings
from worker.detectors import geofence_violation
from worker.rules.window import Site


def away(
    metres: float, latitude: float = 52.5, longitude: float = 13.4, azimuth: float = 40.0
) -> dict[str, Any]:
    """Return coordinates so many metres from a place, by a library other than ours."""
    point = Geodesic.WGS84.Direct(latitude, longitude, azimuth, metres)
    return {"latitude": point["lat2"], "longitude": point["lon2"]}


def found(**fields: Any) -> list[tuple[str, str, float]]:
    window = build([check_in(ANNA, OFFICE, "09:00", **fields)])
    return [(f.reason, f.severity, f.confidence) for f in findings(geofence_violation, window)]


OUTSIDE = [("outside_fence", "HIGH", 0.90)]
COARSE = [("coarse_fix_outside", "LOW", 0.40)]


@pytest.mark.parametrize(
    ("metres", "accuracy", "expected"),
    [
        (199.9, 0.0, []),
        (200.1, 0.0, OUTSIDE),
        (219.9, 10.0, []),
        (220.1, 10.0, OUTSIDE),
        (399.9, 100.0, []),
        (400.1, 100.0, OUTSIDE),
        (399.9, None, []),
        (400.1, None, OUTSIDE),
        (400.1, 150.0, COARSE),
        (499.9, 150.0, COARSE),
        (500.1, 150.0, OUTSIDE),
        (2199.9, 5000.0, COARSE),
        (2200.1, 5000.0, OUTSIDE),
    ],
)
def test_outside_by_more_than_twice_the_accuracy(
    metres: float, accuracy: float | None, expected: list[Any]
) -> None:
    assert found(**away(metres), accuracy_m=accuracy) == expected


def test_a_fix_cached_at_another_site_is_an_excuse_for_half_an_hour() -> None:
    fix: dict[str, Any] = {"latitude": 53.5, "longitude": 10.0, "accuracy_m": 8.0}
    for minutes, site, accuracy, expected in (
        ("30:00", DEPOT, 8.0, "cached_fix_outside"),
        ("30:01", DEPOT, 8.0, "outside_fence"),
        ("10:00", OFFICE, 8.0, "outside_fence"),
        ("10:00", DEPOT, 9.0, "outside_fence"),
    ):
        before = check_in(ANNA, site, "09:00", "before", **{**fix, "accuracy_m": accuracy})
        window = build([before, check_in(ANNA, OFFICE, f"09:{minutes}", "after", **fix)])
        assert [
            f.reason for f in findings(geofence_violation, window) if f.subject.punch_id == "after"
        ] == [expected]


@pytest.mark.parametrize(
    "fields",
    [{}, {"latitude": 0.0, "longitude": 0.0}, {"latitude": 95.0, "longitude": 13.4}],
    ids=["no coordinates", "where phones without a fix believe to be", "out of range"],
)
def test_without_a_possible_fix_it_cannot_tell(fields: dict[str, float]) -> None:
    assert found(**fields) == []


def test_a_site_with_neither_boundary_nor_place_cannot_tell() -> None:
    window = build(
        [check_in(ANNA, OFFICE, "09:00", latitude=1.0, longitude=1.0)],
        sites=[Site(OFFICE, "Office", "UTC")],
    )
    assert not findings(geofence_violation, window)


def test_the_explanation_has_the_numbers() -> None:
    window = build([check_in(ANNA, OFFICE, "09:00", **away(612), accuracy_m=12.0)], sites=SITES)
    (finding,) = findings(geofence_violation, window)
    assert (
        finding.explanation
        == "Checked in 412 m outside the 200 m fence of Main Office (GPS accuracy 12 m)."
    )
    assert (finding.evidence["observed"], finding.evidence["limit"]) == (
        pytest.approx(412, abs=1e-3),
        24.0,
    )


def test_the_default_radius_is_policy() -> None:
    window = build(
        [check_in(ANNA, OFFICE, "09:00", **away(150), accuracy_m=0.0)],
        sites=[Site(OFFICE, "Office", "UTC", 52.5, 13.4)],
        policy={"default_radius_m": 100},
    )
    assert [f.reason for f in findings(geofence_violation, window)] == ["outside_fence"]


STALE = {
    "a later fix of the tap is within": ((612, 0), {"0": "stale_fix"}),
    "an earlier one is": ((0, 612), {"1": "outside_fence"}),
    "both are outside": ((612, 612), {"0": "outside_fence", "1": "outside_fence"}),
    "the last one counts": ((612, 0, 612), {"0": "outside_fence", "2": "outside_fence"}),
    "a coarse one does not": ((612, None), {"0": "outside_fence"}),
}


@pytest.mark.parametrize(("places", "expected"), STALE.values(), ids=STALE.keys())
def test_an_old_fix_before_a_good_one_of_the_same_tap(
    places: tuple[float | None, ...], expected: dict[str, str]
) -> None:
    """None is a fix within the fence that is too coarse to count."""
    punches = [
        check_in(
            ANNA,
            OFFICE,
            f"09:0{number}",
            str(number),
            **away(metres or 0),
            accuracy_m=5_000.0 if metres is None else 12.0,
        )
        for number, metres in enumerate(places)
    ]
    found = findings(geofence_violation, build(punches, sites=SITES))
    assert {f.subject.punch_id: f.reason for f in found} == expected
    for finding in found:
        grave = finding.reason == "outside_fence"
        assert (finding.severity, finding.confidence) == (
            ("HIGH", 0.90) if grave else ("LOW", 0.40)
        )


def test_beyond_the_gap_it_is_another_tap() -> None:
    punches = [
        check_in(ANNA, OFFICE, when, when, **away(metres), accuracy_m=12.0)
        for when, metres in (("09:00", 612), ("09:10:01", 0))
    ]
    (finding,) = findings(geofence_violation, build(punches, sites=SITES))
    assert finding.reason == "outside_fence"
