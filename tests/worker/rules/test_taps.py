"""Taps, which tell no direction: which of them are read as check-ins and check-outs."""

from itertools import pairwise
from typing import Any

import pytest

from tests.worker.windows import (
    ANNA,
    BEN,
    DEPOT,
    OFFICE,
    build,
    check_in,
    check_out,
    findings,
    shift,
    tap,
)
from worker.detectors import schedule_mismatch
from worker.registry import DETECTORS
from worker.rules.spells import spells_of


def t(when: str, site: int = OFFICE) -> Any:
    return tap(ANNA, site, when, when)


DAY = shift(ANNA, OFFICE, "08:00", "16:00")
READ = {
    "in and out": ([t("08:00"), t("16:00")], [], {"08:00": "in", "16:00": "out"}),
    "those between count for nothing": (
        [t("08:00"), t("12:00"), t("12:30"), t("16:00")],
        [],
        {"08:00": "in", "12:00": None, "12:30": None, "16:00": "out"},
    ),
    "as far apart as taps of one stay may be": (
        [t("08:00"), t("18:00")],
        [],
        {"08:00": "in", "18:00": "out"},
    ),
    "a second further": ([t("08:00"), t("18:00:01")], [], {"08:00": "in", "18:00:01": "in"}),
    "one own shift holds them together": (
        [t("07:00"), t("18:00")],
        [DAY],
        {"07:00": "in", "18:00": "out"},
    ),
    "not where one is out of its reach": (
        [t("06:59:59"), t("18:00")],
        [DAY],
        {"06:59:59": "in", "18:00": "in"},
    ),
    "nor somebody else's shift": (
        [t("07:00"), t("18:00")],
        [shift(BEN, OFFICE, "08:00", "16:00")],
        {"07:00": "in", "18:00": "in"},
    ),
    "a shift one may substitute in does": (
        [t("07:00"), t("18:00")],
        [shift(BEN, OFFICE, "08:00", "16:00", substitutes=(ANNA,))],
        {"07:00": "in", "18:00": "out"},
    ),
    "within minutes it is one tap": (
        [t("08:00"), t("08:10")],
        [],
        {"08:00": "in", "08:10": None},
    ),
    "and a second more an end": (
        [t("08:00"), t("08:10:01")],
        [],
        {"08:00": "in", "08:10:01": "out"},
    ),
    "another own shift begins another stay": (
        [t("08:00"), t("16:00"), t("19:50"), t("22:00")],
        [DAY, shift(ANNA, OFFICE, "20:00", "22:00", "s2")],
        {"08:00": "in", "16:00": "out", "19:50": "in", "22:00": "out"},
    ),
    "not where the first is in its reach as well": (
        [t("08:00"), t("17:00")],
        [DAY, shift(ANNA, OFFICE, "09:00", "17:00", "s2")],
        {"08:00": "in", "17:00": "out"},
    ),
    "one site after the other": (
        [t("08:00"), t("10:00", DEPOT), t("12:00")],
        [],
        {"08:00": "in", "10:00": "in", "12:00": "in"},
    ),
    "a check-in begins a stay": (
        [check_in(ANNA, OFFICE, "08:00", "in"), t("12:00"), t("16:00")],
        [],
        {"in": "in", "12:00": None, "16:00": "out"},
    ),
    "a check-in between begins the next": (
        [t("08:00"), t("12:00"), check_in(ANNA, OFFICE, "13:00", "in"), t("16:00")],
        [],
        {"08:00": "in", "12:00": "out", "in": "in", "16:00": "out"},
    ),
    "a check-out ends a stay": (
        [t("08:00"), t("12:00"), check_out(ANNA, OFFICE, "16:00", "out"), t("17:00")],
        [],
        {"08:00": "in", "12:00": None, "out": "out", "17:00": "in"},
    ),
    "one too late does not": (
        [t("08:00"), t("12:00"), check_out(ANNA, OFFICE, "22:00:01", "out")],
        [],
        {"08:00": "in", "12:00": "out", "out": "out"},
    ),
}


@pytest.mark.parametrize(("punches", "shifts", "expected"), READ.values(), ids=READ.keys())
def test_what_taps_are_read_as(
    punches: list[Any], shifts: list[Any], expected: dict[str, str | None]
) -> None:
    window = build(punches, shifts)
    read = {
        punch.punch_id: None
        if punch.punch_id in window.between
        else "in"
        if punch.is_check_in
        else "out"
        for stretch in window.stretches
        for punch in stretch.punches
    }
    assert read == expected


def test_days_of_taps_without_an_end_are_cut() -> None:
    """Nobody stays for ever, and what a tap is read as rests on none that is weeks away."""
    taps = [t(f"+{day} {hour}:00") for day in range(40) for hour in (0, 8, 16)]
    spells = spells_of(build(taps, as_of="+50 00:00"), ANNA)
    cuts = [spell.check_in.occurred_at for spell in spells]
    assert len(spells) > 5
    assert all((later - at).days == 4 for at, later in pairwise(cuts[1:]))
    assert not any(spell.check_outs for spell in spells[1:-1])


def test_a_lone_tap_leaves_nobody_at_work() -> None:
    window = build([t("08:00")], [], as_of="+1 01:00")
    (spell,) = spells_of(window, ANNA)
    assert not spell.is_open
    assert [finding for detector in DETECTORS for finding in findings(detector, window)] == []


@pytest.mark.parametrize(
    ("when", "attends"), [("16:00", True), ("18:00", True), ("18:00:01", False)]
)
def test_a_lone_tap_attends_the_shift_in_which_or_shortly_after_which_it_lies(
    when: str, attends: bool
) -> None:
    window = build([t(when)], [DAY])
    missed = [f for f in findings(schedule_mismatch, window) if f.reason == "no_show"]
    assert bool(missed) is not attends


def test_sentences_claim_no_direction_that_no_clock_told() -> None:
    window = build([t("06:00")], [shift(ANNA, DEPOT, "06:00", "10:00")])
    told = [f.explanation for f in findings(schedule_mismatch, window) if f.subject.punch_id]
    assert told
    assert all("Checked" not in explanation for explanation in told)
