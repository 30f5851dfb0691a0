"""Spells and stays: what a person's punches say about when they were where."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from models.policy import Policy
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


def spells_of(window: Window, person_id: int, policy: Policy) -> list[Spell]:
    """Return all spells of a person that the window holds, in order."""
    key = (
        "spells",
        person_id,
        policy.repeat_minutes,
        policy.max_spell_hours,
        policy.max_work_hours,
    )
    if key not in window.memo:
        window.memo[key] = [
            spell for stretch in window.stretches_of(person_id) for spell in spells(stretch, policy)
        ]
    person_spells: list[Spell] = window.memo[key]
    return person_spells


def spell_of(window: Window, punch: Punch, policy: Policy) -> Spell | None:
    """Return the spell that this check-in begins or repeats, or that this check-out closes."""
    key = (
        "spell",
        punch.person_id,
        policy.repeat_minutes,
        policy.max_spell_hours,
        policy.max_work_hours,
    )
    if key not in window.memo:
        window.memo[key] = _by_punch(spells_of(window, punch.person_id, policy))
    spell: Spell | None = window.memo[key].get(punch.punch_id)
    if spell is None and punch.is_check_in:  # one repeat among several
        person_spells = spells_of(window, punch.person_id, policy)
        spell = person_spells[bisect_right(person_spells, in_order(punch), key=_begins) - 1]
    return spell


def spells(stretch: Stretch, policy: Policy) -> list[Spell]:
    """Return the spells of punches that follow each other. Source: DETECTION, "Words"."""
    repeat = timedelta(minutes=policy.repeat_minutes)
    longest = timedelta(hours=policy.max_spell_hours)
    stretch_spells: list[Spell] = []
    first: Punch | None = None
    last: Punch | None = None
    for punch in stretch.punches:
        if (
            first
            and last
            and punch.is_check_in
            and punch.site_id == last.site_id
            and punch.occurred_at - last.occurred_at <= repeat
        ):
            last = punch
            continue
        if first and last:
            closed = not punch.is_check_in and punch.occurred_at - first.occurred_at <= longest
            until = (
                punch.occurred_at
                if closed
                else min(_presumed_end(first, policy), punch.occurred_at)
            )
            stretch_spells.append(Spell(first, last, punch if closed else None, False, until))
        first = last = punch if punch.is_check_in else None
    if first and last:
        stretch_spells.append(
            Spell(first, last, None, stretch.is_latest, _presumed_end(first, policy))
        )
    return stretch_spells


def stays(punches: Sequence[Punch], policy: Policy) -> list[Stay]:
    """Return a person's stays: punches elsewhere in between do not part them."""
    longest = timedelta(hours=policy.max_spell_hours)
    last_at: dict[int, Punch] = {}  # by site_id
    paired = []
    for punch in punches:
        before = last_at.get(punch.site_id)
        last_at[punch.site_id] = punch
        if (
            before
            and before.is_check_in
            and not punch.is_check_in
            and punch.occurred_at - before.occurred_at <= longest
        ):
            paired.append(Stay(before, punch))
    return paired


def _presumed_end(check_in: Punch, policy: Policy) -> datetime:
    return check_in.occurred_at + timedelta(hours=policy.max_work_hours)


def _by_punch(person_spells: list[Spell]) -> dict[str, Spell]:
    return {
        punch.punch_id: spell
        for spell in person_spells
        for punch in (spell.check_in, spell.last_check_in, spell.check_out)
        if punch is not None
    }


def _begins(spell: Spell) -> tuple[datetime, bool, str]:
    return in_order(spell.check_in)
