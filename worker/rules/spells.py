"""Spells and stays: what a person's punches say about when they were where.

Each is a fact, measured by the policy of its own site at its own moment, whoever asks: that a
check-in only repeats another by that of this check-in, how long a spell or a stay may be and for
how long an open one counts by that of its first check-in.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from worker.rules.window import Punch, Stretch, Window, in_order


class Spell(NamedTuple):
    """From a check-in to the check-out that follows it, at whichever site. Its site is the
    check-in's.
    """

    check_in: Punch  # the first, where others only repeat it
    last_check_in: Punch  # the last that repeats it, else the same
    check_out: Punch | None  # None: open, or its end is unknown
    is_open: bool
    # the check-out; without one max_work_hours after the check-in, at most the person's next punch
    until: datetime

    @property
    def person_id(self) -> int:
        return self.check_in.person_id

    @property
    def site_id(self) -> int:
        return self.check_in.site_id


class Stay(NamedTuple):
    """A check-in and the person's next punch at that site, which is a check-out."""

    check_in: Punch
    check_out: Punch


def spells_of(window: Window, person_id: int) -> list[Spell]:
    """Return all spells of a person that the window holds, in order."""
    key = ("spells", person_id)
    if key not in window.memo:
        window.memo[key] = [
            spell for stretch in window.stretches_of(person_id) for spell in spells(window, stretch)
        ]
    person_spells: list[Spell] = window.memo[key]
    return person_spells


def spell_of(window: Window, punch: Punch) -> Spell | None:
    """Return the spell that this check-in begins or repeats, or that this check-out closes."""
    key = ("spell", punch.person_id)
    if key not in window.memo:
        window.memo[key] = _by_punch(spells_of(window, punch.person_id))
    spell: Spell | None = window.memo[key].get(punch.punch_id)
    if spell is None and punch.is_check_in:  # one repeat among several
        person_spells = spells_of(window, punch.person_id)
        spell = person_spells[bisect_right(person_spells, in_order(punch), key=_begins) - 1]
    return spell


def spells(window: Window, stretch: Stretch) -> list[Spell]:
    """Return the spells of punches that follow each other. Source: DETECTION, "Words"."""
    stretch_spells: list[Spell] = []
    first: Punch | None = None
    last: Punch | None = None
    for punch in stretch.punches:
        if first and last and _repeats(window, punch, last):
            last = punch
            continue
        if first and last:
            closed = _closes(window, punch, first)
            until = (
                punch.occurred_at
                if closed
                else min(_presumed_end(window, first), punch.occurred_at)
            )
            stretch_spells.append(Spell(first, last, punch if closed else None, False, until))
        first = last = punch if punch.is_check_in else None
    if first and last:
        stretch_spells.append(
            Spell(first, last, None, stretch.is_latest, _presumed_end(window, first))
        )
    return stretch_spells


def stays(window: Window, punches: Sequence[Punch]) -> list[Stay]:
    """Return a person's stays: punches elsewhere in between do not part them."""
    last_at: dict[int, Punch] = {}  # by site_id
    paired = []
    for punch in punches:
        before = last_at.get(punch.site_id)
        last_at[punch.site_id] = punch
        if before and before.is_check_in and _closes(window, punch, before):
            paired.append(Stay(before, punch))
    return paired


def _repeats(window: Window, punch: Punch, last: Punch) -> bool:
    """Whether a punch only repeats the check-in before it."""
    return (
        punch.is_check_in
        and punch.site_id == last.site_id
        and punch.occurred_at - last.occurred_at
        <= timedelta(minutes=window.policy_of(punch).repeat_minutes)
    )


def _closes(window: Window, punch: Punch, check_in: Punch) -> bool:
    """Whether a punch is a check-out, and soon enough after the check-in to belong to it."""
    return not punch.is_check_in and punch.occurred_at - check_in.occurred_at <= timedelta(
        hours=window.policy_of(check_in).max_spell_hours
    )


def _presumed_end(window: Window, check_in: Punch) -> datetime:
    return check_in.occurred_at + timedelta(hours=window.policy_of(check_in).max_work_hours)


def _by_punch(person_spells: list[Spell]) -> dict[str, Spell]:
    return {
        punch.punch_id: spell
        for spell in person_spells
        for punch in (spell.check_in, spell.last_check_in, spell.check_out)
        if punch is not None
    }


def _begins(spell: Spell) -> tuple[datetime, bool, str]:
    return in_order(spell.check_in)
