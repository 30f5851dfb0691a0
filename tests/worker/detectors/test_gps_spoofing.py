"""GPS_SPOOFING as the definitions have it."""

from typing import Any

import pytest

from tests.worker.detectors.test_impossible_shifts import KM, seconds
from tests.worker.windows import (
    ANNA,
    BEN,
    DEPOT,
    OFFICE,
    build,
    check_in,
    check_out,
    findings,
    reasons,
)
from worker.detectors import gps_spoofing

HERE: dict[str, Any] = {"latitude": 52.5, "longitude": 13.4, "accuracy_m": 0.0}
THERE: dict[str, Any] = {"latitude": 53.5, "longitude": 10.0, "accuracy_m": 0.0}
NEEDED = KM / 1_000 * 3600  # seconds at 1,000 km/h


@pytest.mark.parametrize(("reported", "expected"), [(True, True), (False, False), (None, False)])
def test_mock_location(reported: bool | None, expected: bool) -> None:
    found = findings(
        gps_spoofing, build([check_in(ANNA, OFFICE, "09:00", is_mock_location=reported)])
    )
    assert [(f.reason, f.severity, f.confidence) for f in found] == (
        [("mock_location", "CRITICAL", 0.99)] if expected else []
    )


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        (90.0, 180.0, False),
        (90.0001, 0.0, True),
        (-90.0001, 0.0, True),
        (10.0, 180.0001, True),
        (10.0, -180.0001, True),
        (0.0, 0.0, True),
        (0.001, -0.001, True),
        (0.00101, 0.0, False),
        (0.0, 6.0, False),
        (None, None, False),
    ],
)
def test_impossible_coordinates(
    latitude: float | None, longitude: float | None, expected: bool
) -> None:
    found = findings(
        gps_spoofing,
        build([check_in(ANNA, OFFICE, "09:00", latitude=latitude, longitude=longitude)]),
    )
    assert [(f.reason, f.severity, f.confidence) for f in found] == (
        [("impossible_coordinates", "CRITICAL", 0.95)] if expected else []
    )


TELEPORTS = {
    "faster than 1,000 km/h": (
        [
            check_in(ANNA, OFFICE, "00:00", **HERE),
            check_out(ANNA, OFFICE, seconds(NEEDED - 0.01), "b", **THERE),
        ],
        {"b"},
    ),
    "not faster": (
        [
            check_in(ANNA, OFFICE, "00:00", **HERE),
            check_out(ANNA, OFFICE, seconds(NEEDED + 0.01), "b", **THERE),
        ],
        set(),
    ),
    "whatever the sites": (
        [check_out(ANNA, OFFICE, "00:00", **HERE), check_in(ANNA, DEPOT, "00:05", "b", **THERE)],
        {"b"},
    ),
    "another person's": (
        [check_out(ANNA, OFFICE, "00:00", **HERE), check_in(BEN, DEPOT, "00:05", "b", **THERE)],
        set(),
    ),
    "less than 5 km": (
        [
            check_in(ANNA, OFFICE, "00:00", **HERE),
            check_out(
                ANNA, OFFICE, "00:00:01", "b", latitude=52.5, longitude=13.47, accuracy_m=0.0
            ),
        ],
        set(),
    ),
    "over 5 km": (
        [
            check_in(ANNA, OFFICE, "00:00", **HERE),
            check_out(
                ANNA, OFFICE, "00:00:01", "b", latitude=52.5, longitude=13.48, accuracy_m=0.0
            ),
        ],
        {"b"},
    ),
    "over 5 km, but not less the slack": (
        [
            check_in(ANNA, OFFICE, "00:00", latitude=52.5, longitude=13.4),
            check_out(
                ANNA, OFFICE, "00:00:01", "b", latitude=52.5, longitude=13.476, accuracy_m=900.0
            ),
        ],
        set(),
    ),
    "a punch without a fix between": (
        [
            check_in(ANNA, OFFICE, "00:00", **HERE),
            check_out(ANNA, OFFICE, "00:02"),
            check_in(ANNA, OFFICE, "00:05", "b", **THERE),
        ],
        {"b"},
    ),
    "a coarse fix is no fix": (
        [
            check_in(ANNA, OFFICE, "00:00", **HERE),
            check_out(ANNA, OFFICE, "00:05", "b", latitude=53.5, longitude=10.0, accuracy_m=1000.1),
        ],
        set(),
    ),
    "a fix at that limit is one": (
        [
            check_in(ANNA, OFFICE, "00:00", **HERE),
            check_out(ANNA, OFFICE, "00:05", "b", latitude=53.5, longitude=10.0, accuracy_m=1000.0),
        ],
        {"b"},
    ),
    "an impossible one neither": (
        [
            check_in(ANNA, OFFICE, "00:00", latitude=0.0, longitude=0.0),
            check_out(ANNA, OFFICE, "00:05", "b", **HERE),
        ],
        set(),
    ),
    "the same place again and again": (
        [check_in(ANNA, OFFICE, f"0{hour}:00", **HERE) for hour in range(5)],
        set(),
    ),
}


@pytest.mark.parametrize(("punches", "expected"), TELEPORTS.values(), ids=TELEPORTS.keys())
def test_teleport(punches: list[Any], expected: set[str]) -> None:
    one_clock = [punch._replace(device_id="phone") for punch in punches]
    found = reasons(gps_spoofing, build(one_clock))
    assert {pair for pair in found if pair[1] == "teleport"} == {
        (punch_id, "teleport") for punch_id in expected
    }


AGAIN = {
    "the first fix was an old one": (
        [
            check_out(ANNA, OFFICE, "00:00", **HERE),
            check_in(ANNA, OFFICE, "08:00", "stale", **THERE),
            check_in(ANNA, OFFICE, "08:00:20", "good", **HERE),
        ],
        set(),
    ),
    "the last is elsewhere": (
        [
            check_out(ANNA, OFFICE, "07:55", **HERE),
            check_in(ANNA, OFFICE, "08:00", "first", **HERE),
            check_in(ANNA, OFFICE, "08:00:20", "last", **THERE),
        ],
        {"last"},
    ),
    "as far apart as one tap's are": (
        [
            check_out(ANNA, OFFICE, "00:00", **HERE),
            check_in(ANNA, OFFICE, "08:00", "stale", **THERE),
            check_in(ANNA, OFFICE, "08:10", "good", **HERE),
        ],
        set(),
    ),
    "a second more": (
        [
            check_out(ANNA, OFFICE, "00:00", **HERE),
            check_in(ANNA, OFFICE, "08:00", "first", **THERE),
            check_in(ANNA, OFFICE, "08:10:01", "then", **HERE),
        ],
        {"then"},
    ),
    "in and out are two taps": (
        [
            check_out(ANNA, OFFICE, "00:00", **HERE),
            check_in(ANNA, OFFICE, "08:00", "in", **THERE),
            check_out(ANNA, OFFICE, "08:00:20", "out", **HERE),
        ],
        {"out"},
    ),
    "a last one without a fix changes nothing": (
        [
            check_out(ANNA, OFFICE, "07:55", **HERE),
            check_in(ANNA, OFFICE, "08:00", "first", **THERE),
            check_in(ANNA, OFFICE, "08:00:20", "last"),
        ],
        {"first"},
    ),
}


@pytest.mark.parametrize(("punches", "expected"), AGAIN.values(), ids=AGAIN.keys())
def test_of_a_tap_of_several_the_last_good_fix_counts(
    punches: list[Any], expected: set[str]
) -> None:
    one_clock = [punch._replace(device_id="phone") for punch in punches]
    found = reasons(gps_spoofing, build(one_clock))
    assert {punch_id for punch_id, reason in found if reason == "teleport"} == expected
