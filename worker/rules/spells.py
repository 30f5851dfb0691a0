"""Spells and stays: what a person's punches say about when they were where.

Each is a fact, measured by the policy of its own site at its own moment, whoever asks: that a
check-in only repeats another by that of this check-in, how long a spell or a stay may be and for
how long an open one counts by that of its first check-in, whether a further check-out moves the end
by that of this check-out.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from models.ids import Id
from worker.rules.acts import acts, closes, repeats
from worker.rules.window import Punch, Stretch, Window


class Spell(NamedTuple):
    """From a check-in to the check-out that follows it, at whichever site. Its site is the
    check-in's.
    """

    check_in: Punch  # the first, where others only repeat it
    last_check_in: Punch  # the last that repeats it, else the same
    # The last ends the spell, after others that seemed to; none: it is open, or its end is unknown.
    check_outs: tuple[Punch, ...]
    is_open: bool
    # the check-out; without one max_work_hours after the check-in, at most the person's next punch
    until: datetime

    @property
    def check_out(self) -> Punch | None:
        return self.check_outs[-1] if self.check_outs else None

    @property
    def person_id(self) -> Id:
        return self.check_in.person_id

    @property
    def site_id(self) -> Id:
        return self.check_in.site_id


class Stay(NamedTuple):
    """A check-in and the person's next punch at that site, which is a check-out."""

    check_in: Punch
    check_out: Punch


def spells_of(window: Window, person_id: Id) -> list[Spell]:
    """Return all spells of a person that the window holds, in order."""
    key = ("spells", person_id)
    if key not in window.memo:
        window.memo[key] = [
            spell for stretch in window.stretches_of(person_id) for spell in spells(window, stretch)
        ]
    person_spells: list[Spell] = window.memo[key]
    return person_spells


def spell_of(window: Window, punch: Punch) -> Spell | None:
    """Return the spell that this check-in begins or repeats, or that this check-out closes, or
    closed before a further one did.
    """
    key = ("spell", punch.person_id)
    if key not in window.memo:
        window.memo[key] = _by_punch(spells_of(window, punch.person_id))
    spell: Spell | None = window.memo[key].get(punch.punch_id)
    if spell is None and punch.is_check_in:  # one repeat among several
        stretch, place = window.place_in_time(punch)
        stretch_spells = _spells_by_place(window, stretch)
        spell = stretch_spells[bisect_right(stretch_spells, place, key=_place) - 1][1]
    return spell


def spell_before(window: Window, punch: Punch, *, anywhere: bool = False) -> Spell | None:
    """Return the person's last spell that began before a punch: at its site, or anywhere."""
    stretch, place = window.place_in_time(punch)
    if anywhere:
        all_spells = _spells_by_place(window, stretch)
        before = bisect_left(all_spells, place, key=_place)
        return all_spells[before - 1][1] if before else None
    key = ("spells at", id(stretch))
    if key not in window.memo:
        at_sites: dict[Id, list[tuple[int, Spell]]] = {}
        for placed in _spells_by_place(window, stretch):
            at_sites.setdefault(placed[1].site_id, []).append(placed)
        window.memo[key] = at_sites
    site_spells = window.memo[key].get(punch.site_id, ())
    before = bisect_left(site_spells, place, key=_place)
    return site_spells[before - 1][1] if before else None


def lone_punches(window: Window, person_id: Id) -> list[Punch]:
    """Return a person's check-outs that close no spell, and lone taps, in order."""
    key = ("lone", person_id)
    if key not in window.memo:
        person_spells = spells_of(window, person_id)
        closing = {punch.punch_id for spell in person_spells for punch in spell.check_outs}
        taps = {spell.check_in.punch_id for spell in person_spells if is_lone_tap(spell)}
        window.memo[key] = [
            punch
            for stretch in window.stretches_of(person_id)
            for punch in acts(window, stretch)
            if (punch.punch_id in taps if punch.is_check_in else punch.punch_id not in closing)
        ]
    lone: list[Punch] = window.memo[key]
    return lone


def is_lone_tap(spell: Spell) -> bool:
    """Whether all that is known of a spell is a tap, which may have been its end as well."""
    return spell.check_in.is_tap and not spell.check_outs


def spells(window: Window, stretch: Stretch) -> Iterator[Spell]:
    """Yield the spells of punches that follow each other. Source: DETECTION, "Words"."""
    first: Punch | None = None
    last: Punch | None = None
    check_outs: list[Punch] = []  # that ended it, so far
    for punch in acts(window, stretch):
        if first and last and not check_outs and repeats(window, punch, last):
            last = punch
            continue
        if first and last:
            if not punch.is_check_in and check_outs:
                if _moves(window, punch, check_outs):
                    check_outs.append(punch)
                continue
            if not check_outs and closes(window, punch, first):
                check_outs.append(punch)
                continue
            yield _ended(window, first, last, check_outs or [punch])
        first = last = punch if punch.is_check_in else None
        check_outs = []
    if first and last and check_outs:
        yield _ended(window, first, last, check_outs)
    elif first and last:
        is_open = stretch.is_latest and not first.is_tap  # a lone tap may have been either
        yield Spell(first, last, (), is_open, _presumed_end(window, first))


def stays(window: Window, stretch: Stretch) -> list[Stay]:
    """Return a person's stays: punches elsewhere in between do not part them."""
    last_at: dict[Id, Punch] = {}  # by site_id
    paired = []
    for punch in acts(window, stretch):
        before = last_at.get(punch.site_id)
        last_at[punch.site_id] = punch
        if before and before.is_check_in and closes(window, punch, before):
            paired.append(Stay(before, punch))
    return paired


def _moves(window: Window, punch: Punch, check_outs: Sequence[Punch]) -> bool:
    """Whether a further check-out moves the end of the spell that these ended, with no check-in
    between.
    """
    handover = timedelta(minutes=window.policy_of(punch).handover_minutes)
    return (
        punch.site_id == check_outs[0].site_id
        and punch.occurred_at - check_outs[-1].occurred_at <= handover
    )


def _ended(window: Window, first: Punch, last: Punch, by: Sequence[Punch]) -> Spell:
    """Return a spell that is over: closed by check-outs or, where they came too late or another
    punch came in their place, with an unknown end.
    """
    if closes(window, by[-1], first):
        return Spell(first, last, tuple(by), False, by[-1].occurred_at)
    until = min(_presumed_end(window, first), by[0].occurred_at)
    return Spell(first, last, (), False, until)


def _presumed_end(window: Window, check_in: Punch) -> datetime:
    return check_in.occurred_at + timedelta(hours=window.policy_of(check_in).max_work_hours)


def _by_punch(person_spells: list[Spell]) -> dict[str, Spell]:
    return {
        punch.punch_id: spell
        for spell in person_spells
        for punch in (spell.check_in, spell.last_check_in, *spell.check_outs)
    }


def _spells_by_place(window: Window, stretch: Stretch) -> list[tuple[int, Spell]]:
    """Return the spells of a stretch, each with the place of its check-in there."""
    key = ("spells by place", id(stretch))
    if key not in window.memo:
        window.memo[key] = [
            (window.place_of(spell.check_in), spell) for spell in spells(window, stretch)
        ]
    by_place: list[tuple[int, Spell]] = window.memo[key]
    return by_place


def _place(placed: tuple[int, Spell]) -> int:
    return placed[0]
