"""IMPOSSIBLE_SHIFTS as the definitions have it. The depot is 253.0 km from the office, next door
679 m.
"""

from datetime import timedelta
from typing import Any

import pytest
from geographiclib.geodesic import Geodesic

from tests.worker.windows import (
    ANNA,
    BEN,
    DEPOT,
    NEXT_DOOR,
    OFFICE,
    build,
    check_in,
    check_out,
    findings,
    reasons,
)
from worker.detectors import impossible_shifts
from worker.rules.window import Site

KM = Geodesic.WGS84.Inverse(52.5, 13.4, 53.5, 10.0)["s12"] / 1_000
NEEDED = KM / 150 * 3600  # seconds


def seconds(count: float) -> str:
    return f"{int(count // 3600):02d}:{int(count % 3600 // 60):02d}:{count % 60:09.6f}"


FAR = {
    "within the time it takes": (
        [check_out(ANNA, OFFICE, "00:00"), check_in(ANNA, DEPOT, seconds(NEEDED + 0.01), "b")],
        set(),
    ),
    "faster than that": (
        [check_out(ANNA, OFFICE, "00:00"), check_in(ANNA, DEPOT, seconds(NEEDED - 0.01), "b")],
        {"b"},
    ),
    "in no time at all": (
        [check_out(ANNA, OFFICE, "00:00"), check_in(ANNA, DEPOT, "00:00", "b")],
        {"b"},
    ),
    "the later is a check-out": (
        [check_in(ANNA, OFFICE, "00:00"), check_out(ANNA, DEPOT, "00:10", "b")],
        set(),
    ),
    "both are check-ins": (
        [check_in(ANNA, OFFICE, "00:00"), check_in(ANNA, DEPOT, "00:10", "b")],
        {"b"},
    ),
    "at one moment, out before in": (
        [check_in(ANNA, DEPOT, "00:00", "a"), check_out(ANNA, OFFICE, "00:00", "z")],
        {"a"},
    ),
    "at one moment, by punch_id bytewise": (
        [
            check_in(ANNA, OFFICE, "00:00", "é"),
            check_in(ANNA, DEPOT, "00:00", "z"),
            check_in(ANNA, DEPOT, "00:00", "Z"),
        ],
        {"é"},
    ),
    "another person": (
        [check_out(ANNA, OFFICE, "00:00"), check_in(BEN, DEPOT, "00:10", "b")],
        set(),
    ),
    "less than min_travel_km": (
        [check_out(ANNA, OFFICE, "00:00"), check_in(ANNA, NEXT_DOOR, "00:00:01", "b")],
        set(),
    ),
    "not consecutive": (
        [
            check_out(ANNA, OFFICE, "00:00"),
            check_out(ANNA, DEPOT, "00:10", "x"),
            check_in(ANNA, DEPOT, "00:20", "b"),
        ],
        set(),
    ),
    "the fixes are where the sites are not": (
        [
            check_out(ANNA, OFFICE, "00:00", latitude=52.5, longitude=13.4, accuracy_m=5),
            check_in(ANNA, DEPOT, "00:10", "b", latitude=52.5, longitude=13.401, accuracy_m=5),
        ],
        set(),
    ),
    "a coarse fix counts for nothing": (
        [
            check_out(ANNA, OFFICE, "00:00"),
            check_in(ANNA, DEPOT, "00:10", "b", latitude=52.5, longitude=13.4, accuracy_m=1000.1),
        ],
        {"b"},
    ),
    "an impossible fix counts for nothing": (
        [
            check_out(ANNA, OFFICE, "00:00"),
            check_in(ANNA, DEPOT, "00:10", "b", latitude=91.0, longitude=13.4),
        ],
        {"b"},
    ),
}


@pytest.mark.parametrize(("punches", "expected"), FAR.values(), ids=FAR.keys())
def test_too_far_too_soon(punches: list[Any], expected: set[str]) -> None:
    one_clock = [punch._replace(device_id="phone") for punch in punches]
    assert reasons(impossible_shifts, build(one_clock)) == {
        (punch_id, "too_far_too_soon") for punch_id in expected
    }


@pytest.mark.parametrize(
    ("longitude", "accuracy", "expected"),
    [
        (13.4150, 8, True),
        (13.4150, 10, False),
        (13.4150, 10_000, False),
        (13.4180, 500, True),
        (13.4180, None, True),
    ],
    ids=[
        "1,019 m less 16",
        "1,019 m less 20",
        "less the coarse: the site's place",
        "1,222 m less 2 caps",
        "none counts as the cap",
    ],
)
def test_the_slack_is_the_sum_of_the_accuracies_each_at_most_the_cap(
    longitude: float, accuracy: float | None, expected: bool
) -> None:
    sites = [Site(OFFICE, "Office", "UTC", 52.5, 13.4), Site(NEXT_DOOR, "Next", "UTC", 52.5, 13.41)]
    fix: dict[str, Any] = {"latitude": 52.5, "accuracy_m": accuracy, "device_id": "phone"}
    start = check_out(ANNA, OFFICE, "00:00", longitude=13.4, **fix)
    end = check_in(ANNA, NEXT_DOOR, "00:00:10", "b", longitude=longitude, **fix)
    assert bool(findings(impossible_shifts, build([start, end], sites=sites))) is expected


@pytest.mark.parametrize(
    ("devices", "after", "expected"),
    [
        (("x", "x"), "00:05:55", True),
        (("x", "x"), "00:06:00", False),
        (("x", "y"), "00:03:55", True),
        (("x", "y"), "00:04:00", False),
        ((None, None), "00:04:00", False),
        (("x", None), "00:03:55", True),
    ],
)
def test_two_clocks_may_differ_by_the_clock_slack(
    devices: tuple[str | None, str | None], after: str, expected: bool
) -> None:
    """The way is just under 15 km: 6 min at 150 km/h, of which the clocks may make up 2."""
    sites = [Site(OFFICE, "Office", "UTC", 52.5, 13.4), Site(DEPOT, "Depot", "UTC", 52.5, 13.6205)]
    gone = check_out(ANNA, OFFICE, "00:00")._replace(device_id=devices[0])
    came = check_in(ANNA, DEPOT, after, "b")._replace(device_id=devices[1])
    assert bool(findings(impossible_shifts, build([gone, came], sites=sites))) is expected


@pytest.mark.parametrize(
    ("clocks", "shared_s", "expected"),
    [("xxxx", 60, True), ("xxyy", 60, False), ("xxyy", 120, False), ("xxyy", 121, True)],
)
def test_stays_overlap_if_no_difference_of_clocks_undoes_it(
    clocks: str, shared_s: int, expected: bool
) -> None:
    sites = [Site(OFFICE, "Office", "UTC", 52.5, 13.4), Site(NEXT_DOOR, "Next", "UTC", 52.5, 13.4)]
    punches = [
        check_in(ANNA, OFFICE, "08:00"),
        check_out(ANNA, OFFICE, "12:00"),
        check_in(ANNA, NEXT_DOOR, "12:00", "b"),
        check_out(ANNA, NEXT_DOOR, "16:00"),
    ]
    moved = punches[2].occurred_at - timedelta(seconds=shared_s)
    punches[2] = punches[2]._replace(occurred_at=moved)
    told = [punch._replace(device_id=clock) for punch, clock in zip(punches, clocks, strict=True)]
    assert bool(findings(impossible_shifts, build(told, sites=sites))) is expected


def test_a_site_without_a_place_cannot_tell() -> None:
    sites = [Site(OFFICE, "Office", "UTC", 52.5, 13.4), Site(DEPOT, "Depot", "UTC")]
    assert not findings(
        impossible_shifts,
        build([check_out(ANNA, OFFICE, "00:00"), check_in(ANNA, DEPOT, "00:10")], sites=sites),
    )


STAYS = {
    "they overlap": (
        [
            check_in(ANNA, OFFICE, "00:00"),
            check_in(ANNA, NEXT_DOOR, "04:00", "b"),
            check_out(ANNA, OFFICE, "05:00"),
            check_out(ANNA, NEXT_DOOR, "08:00", "y"),
        ],
        {"b"},
    ),
    "they touch": (
        [
            check_in(ANNA, OFFICE, "00:00"),
            check_out(ANNA, OFFICE, "04:00"),
            check_in(ANNA, NEXT_DOOR, "04:00", "b"),
            check_out(ANNA, NEXT_DOOR, "08:00", "y"),
        ],
        set(),
    ),
    "one within the other": (
        [
            check_in(ANNA, OFFICE, "00:00"),
            check_in(ANNA, NEXT_DOOR, "04:00", "b"),
            check_out(ANNA, NEXT_DOOR, "04:30", "y"),
            check_out(ANNA, OFFICE, "05:00"),
        ],
        {"b"},
    ),
    "no check-out, no stay": (
        [
            check_in(ANNA, OFFICE, "00:00"),
            check_in(ANNA, NEXT_DOOR, "04:00", "b"),
            check_out(ANNA, NEXT_DOOR, "04:30", "y"),
        ],
        set(),
    ),
    "as long as a stay may be": (
        [
            check_in(ANNA, OFFICE, "00:00"),
            check_in(ANNA, NEXT_DOOR, "+1 04:00", "b"),
            check_out(ANNA, NEXT_DOOR, "+1 04:30", "y"),
            check_out(ANNA, OFFICE, "+1 12:00"),
        ],
        {"b"},
    ),
    "longer than that": (
        [
            check_in(ANNA, OFFICE, "00:00"),
            check_in(ANNA, NEXT_DOOR, "+1 04:00", "b"),
            check_out(ANNA, NEXT_DOOR, "+1 04:30", "y"),
            check_out(ANNA, OFFICE, "+1 12:00:01"),
        ],
        set(),
    ),
}


@pytest.mark.parametrize(("punches", "expected"), STAYS.values(), ids=STAYS.keys())
def test_overlapping(punches: list[Any], expected: set[str]) -> None:
    assert reasons(impossible_shifts, build(punches)) == {
        (punch_id, "overlapping") for punch_id in expected
    }


def test_viewers_of_this_site_learn_nothing_of_the_other() -> None:
    (finding,) = findings(
        impossible_shifts,
        build([check_out(ANNA, OFFICE, "00:00"), check_in(ANNA, DEPOT, "00:10", "b")]),
    )
    evidence_text = f"{finding.explanation} {finding.evidence}"
    assert "another site" in evidence_text and not any(
        secret in evidence_text for secret in ("Main Office", "out 00:00", "site_id", "52.5")
    )
    assert finding.private and finding.private["punches"][0]["site_id"] == OFFICE
    assert finding.other_sites == {OFFICE} and (finding.severity, finding.confidence) == (
        "CRITICAL",
        0.85,
    )
