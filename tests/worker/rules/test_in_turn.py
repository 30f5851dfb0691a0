"""The order of a person's punches where clocks record minutes, or differ."""

from typing import Any

import pytest

from models.policy import DEFAULT_POLICY, Policy
from tests.worker.windows import ANNA, DEPOT, NEXT_DOOR, OFFICE, build, check_in, check_out, tap
from worker.rules.order import in_turn
from worker.rules.spells import spells_of
from worker.rules.window import Punch, Window, in_order

BEFORE = check_in(ANNA, OFFICE, "01:00", "before")
LEFT = check_out(ANNA, OFFICE, "01:00", "before")


def order(window: Window) -> list[str]:
    return [punch.punch_id for stretch in window.stretches for punch in stretch.punches]


def at_nine(*, depot: bool = False) -> list[Any]:
    """Return a check-in and a check-out of one instant at the office, and a check-in elsewhere."""
    both = [check_in(ANNA, OFFICE, "09:00", "in"), check_out(ANNA, OFFICE, "09:00", "out")]
    return [*both, check_in(ANNA, DEPOT, "09:00", "elsewhere")] if depot else both


INSTANTS = {
    "nothing before: in and out within the minute": (at_nine(), ["in", "out"]),
    "who is there leaves first": ([BEFORE, *at_nine()], ["before", "out", "in"]),
    "who has left comes first": ([LEFT, *at_nine()], ["before", "in", "out"]),
    "elsewhere is after": (at_nine(depot=True), ["in", "out", "elsewhere"]),
    "elsewhere is after, of who is there": (
        [BEFORE, *at_nine(depot=True)],
        ["before", "out", "elsewhere", "in"],
    ),
    "a check-in as long ago as work may be": (
        [check_in(ANNA, OFFICE, "-1 17:00", "before"), *at_nine()],
        ["before", "out", "in"],
    ),
    "a second longer ago": (
        [check_in(ANNA, OFFICE, "-1 16:59:59", "before"), *at_nine()],
        ["before", "in", "out"],
    ),
    "taps come last": (
        [tap(ANNA, OFFICE, "09:00", "a tap"), *at_nine()],
        ["in", "out", "a tap"],
    ),
    "of one kind by punch_id": (
        [check_in(ANNA, OFFICE, "09:00", name) for name in ("b", "ä", "a", "B")],
        ["B", "a", "b", "ä"],
    ),
    "one instant after the other": (
        [
            *(punch._replace(punch_id=f"first {punch.punch_id}") for punch in at_nine()),
            check_in(ANNA, OFFICE, "09:01", "second in"),
            check_out(ANNA, OFFICE, "09:01", "second out"),
        ],
        ["first in", "first out", "second in", "second out"],
    ),
}


@pytest.mark.parametrize(("punches", "expected"), INSTANTS.values(), ids=INSTANTS.keys())
def test_order_at_one_instant(punches: list[Any], expected: list[str]) -> None:
    assert order(build(punches)) == expected
    assert order(build(reversed(punches))) == expected


def handed_over(came: str, **fields: Any) -> list[Any]:
    """Return a spell at the office until 16:00, and a check-in at the depot about when it ended."""
    return [
        check_in(ANNA, OFFICE, "08:00", "in"),
        check_in(ANNA, DEPOT, came, "elsewhere", **fields),
        check_out(ANNA, OFFICE, "16:00", "out", **fields),
        check_out(ANNA, DEPOT, "18:00", "out there"),
    ]


AFTER = ["in", "out", "elsewhere", "out there"]
AS_THEY_SAY = ["in", "elsewhere", "out", "out there"]
SLACK = {
    "as far as two clocks may differ": (handed_over("15:58"), AFTER),
    "a second more": (handed_over("15:57:59"), AS_THEY_SAY),
    "by one device the times are exact": (handed_over("15:58", device_id="phone"), AS_THEY_SAY),
    "at the same site": (
        [punch._replace(site_id=OFFICE) for punch in handed_over("15:58")],
        AS_THEY_SAY,
    ),
    "the check-out would end no spell": (handed_over("15:58")[1:], AS_THEY_SAY[1:]),
    "nor one so long ago": (
        [check_in(ANNA, OFFICE, "-2 03:59:59", "in"), *handed_over("15:58")[1:]],
        AS_THEY_SAY,
    ),
    "several of them": (
        [*handed_over("15:59"), check_in(ANNA, NEXT_DOOR, "15:59:30", "third")],
        ["in", "out", "elsewhere", "third", "out there"],
    ),
    "the spell is at a third site": (
        [*handed_over("15:59:30"), check_in(ANNA, NEXT_DOOR, "15:00", "third")],
        ["in", "third", "elsewhere", "out", "out there"],
    ),
    "back at the spell's own site": (
        [
            check_in(ANNA, OFFICE, "08:00", "in"),
            check_in(ANNA, OFFICE, "15:59:30", "again"),
            check_out(ANNA, DEPOT, "16:00", "out"),
        ],
        ["in", "again", "out"],
    ),
    "before the last of several check-outs": (
        [
            check_in(ANNA, OFFICE, "08:00", "in"),
            check_out(ANNA, OFFICE, "15:50", "out"),
            check_in(ANNA, DEPOT, "15:59", "elsewhere"),
            check_out(ANNA, OFFICE, "16:00", "again"),
        ],
        ["in", "out", "again", "elsewhere"],
    ),
}


@pytest.mark.parametrize(("punches", "expected"), SLACK.values(), ids=SLACK.keys())
def test_a_check_in_elsewhere_just_before_the_check_out_is_after_it(
    punches: list[Any], expected: list[str]
) -> None:
    assert order(build(punches)) == expected


def test_times_stay_as_they_are() -> None:
    first, second = spells_of(build(handed_over("15:59")), ANNA)
    assert (first.check_out and first.check_out.punch_id, second.check_in.punch_id) == (
        "out",
        "elsewhere",
    )
    assert first.until > second.check_in.occurred_at


def test_a_pile_of_one_instant_costs_what_as_many_apart_do() -> None:
    """Counted in what is asked of policies, as times differ from run to run."""

    def asked(count: int) -> int:
        pile = [check_in(ANNA, DEPOT, "09:00", f"in {n}") for n in range(count)]
        pile += [check_out(ANNA, OFFICE, "09:01", f"out {n}") for n in range(count)]
        pile += [check_in(ANNA, OFFICE, "08:00", "first")]
        calls = [0]

        def counted(_punch: Punch) -> Policy:
            calls[0] += 1
            return DEFAULT_POLICY

        assert len(in_turn(sorted(pile, key=in_order), counted)) == 2 * count + 1
        return calls[0]

    assert asked(400) < 4.5 * asked(100)
