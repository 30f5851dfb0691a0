"""Spells: bounces, ends that a further check-out moves, and check-outs that close nothing."""

from typing import Any

import pytest

from tests.worker.windows import ANNA, DEPOT, OFFICE, at, build, check_in, check_out
from worker.rules.acts import counts_for_nothing
from worker.rules.spells import lone_punches, spell_of, spells_of

IN = check_in(ANNA, OFFICE, "08:00", "in")


def out(when: str, site: int = OFFICE) -> Any:
    return check_out(ANNA, site, when, when)


SPELLS = {
    "closed": ([IN, out("16:00")], ("in", "16:00", "16:00"), []),
    "a bounce": ([IN, out("08:10"), out("16:00")], ("in", "16:00", "16:00"), []),
    "a second later it is none": (
        [IN, out("08:10:01"), out("16:00")],
        ("in", "08:10:01", "08:10:01"),
        ["16:00"],
    ),
    "nothing follows": ([IN, out("08:10")], ("in", "08:10", "08:10"), []),
    "what follows is elsewhere": (
        [IN, out("08:10"), out("16:00", DEPOT)],
        ("in", "08:10", "08:10"),
        ["16:00"],
    ),
    "what follows is another check-in": (
        [IN, out("08:10"), check_in(ANNA, OFFICE, "09:00", "again"), out("16:00")],
        ("in", "08:10", "08:10"),
        [],
    ),
    "several bounces": (
        [IN, out("08:01"), out("08:02"), out("16:00")],
        ("in", "16:00", "16:00"),
        [],
    ),
    "a further one too late to belong to it": (
        [IN, out("08:10"), out("+1 20:00:01")],
        ("in", "08:10", "08:10"),
        ["+1 20:00:01"],
    ),
    "counted from the first of repeats": (
        [IN, check_in(ANNA, OFFICE, "08:09", "again"), out("08:11"), out("16:00")],
        ("in", "08:11", "08:11"),
        ["16:00"],
    ),
    "a further check-out moves the end": (
        [IN, out("16:00"), out("16:30")],
        ("in", "16:30", "16:30"),
        [],
    ),
    "one after the other": (
        [IN, out("16:00"), out("16:30"), out("17:00")],
        ("in", "17:00", "17:00"),
        [],
    ),
    "a second too late": (
        [IN, out("16:00"), out("16:30:01")],
        ("in", "16:00", "16:00"),
        ["16:30:01"],
    ),
    "one elsewhere between closes nothing": (
        [IN, out("16:00"), out("16:10", DEPOT), out("16:20")],
        ("in", "16:20", "16:20"),
        ["16:10"],
    ),
    "the site of the first counts": (
        [IN, out("16:00", DEPOT), out("16:10"), out("16:20", DEPOT)],
        ("in", "16:20", "16:20"),
        ["16:10"],
    ),
    "moved beyond what a spell may be": (
        [IN, out("+1 19:50"), out("+1 20:10")],
        ("in", None, "+1 00:00"),
        ["+1 19:50", "+1 20:10"],
    ),
}


@pytest.mark.parametrize(("punches", "spell", "lone"), SPELLS.values(), ids=SPELLS.keys())
def test_spells(punches: list[Any], spell: tuple[str, str | None, str], lone: list[str]) -> None:
    window = build(punches)
    first = spells_of(window, ANNA)[0]
    check_in_id, check_out_id, until = spell
    assert first.check_in.punch_id == check_in_id
    assert (first.check_out and first.check_out.punch_id) == check_out_id
    assert first.until == at(until)
    assert [punch.punch_id for punch in lone_punches(window, ANNA)] == lone


def test_whose_spell_each_check_out_is() -> None:
    window = build([IN, out("08:05"), out("16:00"), out("16:20"), out("18:00")])
    (spell,) = spells_of(window, ANNA)
    of = {
        punch.punch_id: spell_of(window, punch)
        for stretch in window.stretches
        for punch in stretch.punches
    }
    assert of == {"in": spell, "08:05": None, "16:00": spell, "16:20": spell, "18:00": None}
    bounced = [name for name in of if counts_for_nothing(window, window.punch(name) or IN)]
    assert bounced == ["08:05"]


def test_by_whose_policy() -> None:
    """A bounce and an end that moves go by the policy of the check-out's site."""
    punches = [
        IN,
        out("08:20"),
        out("15:00"),
        out("15:50"),
        check_in(ANNA, DEPOT, "+1 08:00", "there"),
        out("+1 08:20", DEPOT),
        out("+1 15:00", DEPOT),
    ]
    window = build(punches, site_policies={OFFICE: {"repeat_minutes": 20, "handover_minutes": 50}})
    first, second = spells_of(window, ANNA)
    assert (first.until, second.until) == (at("15:50"), at("+1 08:20"))
