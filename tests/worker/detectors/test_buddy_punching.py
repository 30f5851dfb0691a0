"""BUDDY_PUNCHING as the definitions have it."""

from typing import Any

import pytest

from tests.worker.windows import (
    ANNA,
    BEN,
    CARL,
    DEPOT,
    DORA,
    NEXT_DOOR,
    OFFICE,
    at,
    build,
    check_in,
    check_out,
    findings,
    reasons,
)
from worker.detectors import buddy_punching
from worker.rules.kiosks import undeclared_kiosks
from worker.rules.window import Device, Punch, Site

PERSONAL, KIOSK, ANNAS = Device("phone", False), Device("kiosk", True), Device("annas", False, ANNA)
LIVE = {"biometric_method": "face", "biometric_score": 0.7, "biometric_liveness": 0.5}


def pair(
    apart: str = "09:05",
    device: str = "phone",
    first: dict[str, Any] | None = None,
    second: dict[str, Any] | None = None,
) -> list[Punch]:
    return [
        check_in(ANNA, OFFICE, "09:00", "a", device_id=device, **(first or {})),
        check_in(BEN, OFFICE, apart, "b", device_id=device, **(second or {})),
    ]


DEVICES = {
    "at the end of the window": (pair(), "same_device"),
    "a second later": (pair("09:05:01"), None),
    "both shown live": (pair(first=LIVE, second=LIVE), None),
    "one of them only": (pair(first=LIVE), "same_device"),
    "one scored too low": (
        pair(first=LIVE, second={**LIVE, "biometric_score": 0.69}),
        "same_device",
    ),
    "one not live": (pair(first=LIVE, second={**LIVE, "biometric_liveness": 0.49}), "same_device"),
    "one without liveness": (
        pair(first=LIVE, second={**LIVE, "biometric_liveness": None}),
        "same_device",
    ),
    "one by card": (pair(first=LIVE, second={**LIVE, "biometric_method": "card"}), "same_device"),
    "one matched somebody else": (
        pair(first=LIVE, second={**LIVE, "biometric_person_id": CARL}),
        "same_device",
    ),
    "one matched the person": (pair(first=LIVE, second={**LIVE, "biometric_person_id": BEN}), None),
    "a shared kiosk": (pair("09:00:10", "kiosk"), None),
    "a device nobody declared": (pair(device="found"), "same_undeclared_device"),
    "no device": (
        [check_in(ANNA, OFFICE, "09:00", "a"), check_in(BEN, OFFICE, "09:00", "b")],
        None,
    ),
}


@pytest.mark.parametrize(("punches", "reason"), DEVICES.values(), ids=DEVICES.keys())
def test_one_device_two_people(punches: list[Punch], reason: str | None) -> None:
    window = build(punches, devices=[PERSONAL, KIOSK])
    assert reasons(buddy_punching, window) == ({("a", reason), ("b", reason)} if reason else set())
    expected = {"same_device": ("CRITICAL", 0.95), "same_undeclared_device": ("LOW", 0.40)}
    assert all(
        (f.severity, f.confidence) == expected[f.reason] for f in findings(buddy_punching, window)
    )


def test_the_same_person_twice_on_a_device_is_nobodys_buddy() -> None:
    punches = [
        check_in(ANNA, OFFICE, "09:00", device_id="phone"),
        check_out(ANNA, OFFICE, "09:01", device_id="phone"),
    ]
    assert reasons(buddy_punching, build(punches, devices=[PERSONAL])) == set()


@pytest.mark.parametrize(
    ("last", "is_kiosk"),
    [("+7 09:00", True), ("+7 09:00:01", False)],
    ids=["within 7 days", "a second later"],
)
def test_an_undeclared_device_of_five_people_is_taken_as_shared_and_told(
    last: str, is_kiosk: bool
) -> None:
    earlier = [
        check_in(person, OFFICE, "+1 09:00", f"o{person}", device_id="found")
        for person in (CARL, DORA)
    ]
    fifth = check_in(9, OFFICE, last, "fifth", device_id="found")
    window = build([*pair("09:00", device="found"), *earlier, fifth])
    on_first = {reason for subject, reason in reasons(buddy_punching, window) if subject == "a"}
    assert on_first == (set() if is_kiosk else {"same_undeclared_device"})
    if is_kiosk:
        assert [
            (kiosk.device_id, kiosk.people, kiosk.seen_at) for kiosk in undeclared_kiosks(window)
        ] == [("found", 5, at("09:00"))]


@pytest.mark.parametrize(
    "device",
    [None, Device("annas", False), Device("annas", True, ANNA)],
    ids=["undeclared", "nobody's", "shared"],
)
def test_whose_a_device_is_cannot_be_told_where_the_roster_does_not_say(
    device: Device | None,
) -> None:
    punches = [
        check_in(BEN, OFFICE, "12:00", "b", device_id="annas"),
        check_in(BEN, OFFICE, "15:00", "c"),
    ]
    assert reasons(buddy_punching, build(punches, devices=[device] if device else [])) == set()


def test_anothers_device() -> None:
    punches = [
        check_in(ANNA, OFFICE, "09:00", "a", device_id="annas"),
        check_in(BEN, OFFICE, "12:00", "b", device_id="annas"),
    ]
    (finding,) = findings(buddy_punching, build(punches, devices=[ANNAS]))
    assert (finding.subject.punch_id, finding.reason, finding.severity, finding.confidence) == (
        "b",
        "anothers_device",
        "HIGH",
        0.80,
    )


FACE = {"biometric_method": "face"}
PLACES = {
    "one person at two sites": (
        [check_in(ANNA, OFFICE, "09:00", "a", **FACE), check_in(ANNA, DEPOT, "09:05", "b", **FACE)],
        True,
    ),
    "a second past the window": (
        [
            check_in(ANNA, OFFICE, "09:00", "a", **FACE),
            check_in(ANNA, DEPOT, "09:05:01", "b", **FACE),
        ],
        False,
    ),
    "at one site": (
        [
            check_in(ANNA, OFFICE, "09:00", "a", **FACE),
            check_out(ANNA, OFFICE, "09:01", "b", **FACE),
        ],
        False,
    ),
    "by card": (
        [
            check_in(ANNA, OFFICE, "09:00", "a", **FACE),
            check_in(ANNA, DEPOT, "09:01", "b", biometric_method="card"),
        ],
        False,
    ),
    "matched as the same person": (
        [
            check_in(ANNA, OFFICE, "09:00", "a", **FACE),
            check_in(BEN, DEPOT, "09:01", "b", biometric_person_id=ANNA, **FACE),
        ],
        True,
    ),
    "out here, in next door": (
        [
            check_out(ANNA, OFFICE, "09:00", "a", **FACE),
            check_in(ANNA, NEXT_DOOR, "09:01", "b", **FACE),
        ],
        False,
    ),
    "in here, in next door": (
        [
            check_in(ANNA, OFFICE, "09:00", "a", **FACE),
            check_in(ANNA, NEXT_DOOR, "09:01", "b", **FACE),
        ],
        True,
    ),
    "out here, in far away": (
        [
            check_out(ANNA, OFFICE, "09:00", "a", **FACE),
            check_in(ANNA, DEPOT, "09:05", "b", **FACE),
        ],
        True,
    ),
}


def test_whether_there_was_time_for_the_way_cannot_be_told_without_a_place() -> None:
    punches = [
        check_out(ANNA, OFFICE, "09:00", "a", **FACE),
        check_in(ANNA, DEPOT, "09:05", "b", **FACE),
    ]
    assert (
        findings(
            buddy_punching,
            build(
                punches,
                sites=[Site(OFFICE, "Office", "UTC", 52.5, 13.4), Site(DEPOT, "Depot", "UTC")],
            ),
        )
        == []
    )


@pytest.mark.parametrize(("punches", "expected"), PLACES.values(), ids=PLACES.keys())
def test_two_places_at_once(punches: list[Punch], expected: bool) -> None:
    found = findings(buddy_punching, build(punches))
    assert {(f.subject.punch_id, f.reason) for f in found} == (
        {("a", "two_places_at_once"), ("b", "two_places_at_once")} if expected else set()
    )
    assert all(
        (f.severity, f.confidence) == ("CRITICAL", 0.95) and "another site" in f.explanation
        for f in found
    )
