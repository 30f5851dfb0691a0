"""Who checks out at a site, by their own spells there or those of all people."""

from collections.abc import Iterable
from typing import Any

import pytest

from tests.worker.windows import (
    ANNA,
    BEN,
    CARL,
    DEPOT,
    OFFICE,
    build,
    check_in,
    check_out,
    findings,
    nothings,
    shift,
)
from worker.detectors import schedule_mismatch
from worker.rules.checking_out import checks_out, in_question
from worker.rules.window import Device, Punch

NOW = check_in(ANNA, OFFICE, "08:00", "now")


def spells(
    person: int, days: Iterable[int], closed: int = 0, *, hours: int = 9, site: int = OFFICE
) -> list[Punch]:
    """Return a spell at the office on each of so many days ago: the first `closed` of them have
    check-outs, after so many hours, at this site.
    """
    punches = []
    for place, day in enumerate(days):
        punches.append(check_in(person, OFFICE, f"-{day} 08:00", f"in {person} {day}"))
        if place < closed:
            out = check_out(person, site, f"-{day} {8 + hours}:00", f"out {person} {day}")
            punches.append(out)
    return punches


OTHERS = [*spells(BEN, range(1, 7)), *spells(CARL, range(1, 5))]  # ten, none of them closed

ANSWERS: dict[str, tuple[list[Punch], str]] = {
    "nothing is known": ([], "cannot tell"),
    "all of the own": (spells(ANNA, range(1, 4), 3), "yes"),
    "exactly half of the own": (spells(ANNA, range(1, 5), 2), "yes"),
    "less than half of the own": (spells(ANNA, range(1, 6), 2), "no"),
    "the own, whatever others do": ([*spells(ANNA, (1, 2, 3), 3), *OTHERS], "yes"),
    "as long ago as counts": (spells(ANNA, (1, 2, 14)), "no"),
    "longer ago": (spells(ANNA, (1, 2, 15)), "cannot tell"),
    "fewer than three own, and the site's people do not": (
        [*spells(ANNA, (1, 2), 2), *OTHERS[2:]],
        "no",
    ),
    "fewer than three own, and the site's people do": (
        [*spells(ANNA, (1, 2)), *spells(BEN, range(1, 9), 5)],
        "yes",
    ),
    "fewer than ten of all": ([*spells(ANNA, (1, 2)), *spells(BEN, range(1, 8))], "cannot tell"),
    "ten of all, none of the own": (OTHERS, "no"),
    "closed at the limit": (spells(ANNA, range(1, 4), 3, hours=16), "yes"),
    "closed too late": (spells(ANNA, range(1, 4), 3, hours=17), "no"),
    "closed elsewhere": (spells(ANNA, range(1, 4), 3, site=DEPOT), "no"),
}


@pytest.mark.parametrize(("before", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_who_checks_out(before: list[Punch], expected: str) -> None:
    assert checks_out(build([*before, NOW]), NOW) == expected


@pytest.mark.parametrize(
    ("devices", "expected"),
    [([Device("d", False)], "yes"), ([Device("d", True)], "no"), ([], "no")],
    ids=["declared not shared", "declared shared", "not declared"],
)
def test_by_a_device_that_is_not_shared_everybody_checks_out(
    devices: list[Device], expected: str
) -> None:
    punch = NOW._replace(device_id="d")
    window = build([*spells(ANNA, range(1, 5)), punch], devices=devices)
    assert checks_out(window, punch) == expected
    assert (punch in in_question(window)) == (expected == "no")


def test_what_comes_later_counts_for_nothing() -> None:
    later = [check_in(ANNA, OFFICE, f"+{day} 08:00") for day in range(1, 5)]
    assert checks_out(build([NOW, *later]), NOW) == "cannot tell"


def test_spells_of_one_instant_count_for_each_other_and_not_for_themselves() -> None:
    others = [check_in(person, OFFICE, "08:00", f"in {person}") for person in range(11, 21)]
    assert checks_out(build([NOW, *others[:9]]), NOW) == "cannot tell"
    assert checks_out(build([NOW, *others]), NOW) == "no"


def test_no_check_out_is_missing_where_the_person_does_not_check_out() -> None:
    own: list[Any] = [shift(ANNA, OFFICE, "08:00", "16:00")]
    told = {f.reason for f in findings(schedule_mismatch, build([NOW], own))}
    assert "missing_check_out" in told
    kiosk = [*spells(ANNA, range(1, 5)), NOW]
    told = {f.reason for f in findings(schedule_mismatch, build(kiosk, own))}
    assert "missing_check_out" not in told
    because = {
        nothing.because
        for nothing in nothings(schedule_mismatch, build(kiosk, own, explaining=True))
        if nothing.reason == "missing_check_out" and nothing.subject.punch_id == "now"
    }
    (clause,) = because
    assert clause.startswith("the person does not check out here: 0 of 4")
