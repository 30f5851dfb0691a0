"""Shifts and who attends them: reach, which shift a punch belongs to, and since when somebody
entitled was there.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from models.policy import Policy
from worker.rules.spells import Spell, spell_of, spells_of
from worker.rules.window import Punch, Shift, Window


class Attendee(NamedTuple):
    person_id: int
    since: datetime  # the first moment at which their punches show it


def within_reach(shift: Shift, at: datetime, policy: Policy) -> bool:
    return shift.starts_at - timedelta(minutes=policy.early_window_minutes) <= at <= shift.ends_at


def own_shifts_within_reach(window: Window, punch: Punch, policy: Policy) -> list[Shift]:
    """Shifts anywhere that the person is entitled to and that are within reach of this punch."""
    key = ("within reach", punch.punch_id, id(policy))
    if key not in window.memo:
        window.memo[key] = [
            shift
            for shift in window.shifts_of.get(punch.person_id, ())
            if within_reach(shift, punch.occurred_at, policy)
        ]
    return window.memo[key]


def shift_of_check_in(window: Window, punch: Punch, policy: Policy) -> Shift | None:
    """The shift that a check-in belongs to: the person's own there within reach that starts
    nearest.
    """
    near = [
        shift
        for shift in own_shifts_within_reach(window, punch, policy)
        if shift.site_id == punch.site_id
    ]
    if not near:
        return None
    nearest = min(
        near, key=lambda shift: (abs(shift.starts_at - punch.occurred_at), shift.shift_id)
    )
    together = [shift for shift in near if shift.starts_at == nearest.starts_at]
    return nearest if len(together) == 1 else _choice(window, punch.person_id, together, policy)


def shift_of_spell(window: Window, spell: Spell, by: datetime, policy: Policy) -> Shift | None:
    """The shift of the spell's check-in or, where the spell runs on into further own shifts there,
    the last that started before `by`.

    A shift in which the person is only a substitute counts among the further ones unless somebody
    else attends it.
    """
    further = [
        shift
        for shift in window.shifts_of.get(spell.person_id, ())
        if shift.site_id == spell.site_id
        and spell.check_in.occurred_at < shift.starts_at < by
        and not covered_by_another(window, shift, spell.person_id, policy)
    ]
    if not further:
        return shift_of_check_in(window, spell.check_in, policy)
    together = [shift for shift in further if shift.starts_at == further[-1].starts_at]
    return together[0] if len(together) == 1 else _choice(window, spell.person_id, together, policy)


def shift_of_check_out(window: Window, punch: Punch, policy: Policy) -> Shift | None:
    spell = spell_of(window, punch, policy)
    return shift_of_spell(window, spell, punch.occurred_at, policy) if spell else None


def covered_by_another(window: Window, shift: Shift, person_id: int, policy: Policy) -> bool:
    """Whether the person is only a substitute in this shift and somebody else attends it."""
    return shift.person_id != person_id and any(
        a.person_id != person_id for a in attendees(window, shift, policy)
    )


def is_attended(window: Window, shift: Shift, policy: Policy, by: datetime | None = None) -> bool:
    """Whether somebody entitled attends the shift; with `by`, whether that shows by then."""
    return any(by is None or attendee.since <= by for attendee in attendees(window, shift, policy))


def attendees(window: Window, shift: Shift, policy: Policy) -> list[Attendee]:
    """Who of those entitled attends the shift, in the order of `entitled`."""
    key = ("attendees", shift.shift_id, id(policy))
    if key not in window.memo:
        arrived = [
            (person_id, _arrival(window, person_id, shift, policy))
            for person_id in dict.fromkeys(shift.entitled)
        ]
        window.memo[key] = [
            Attendee(person_id, since)
            for person_id, since in arrived
            if since and _chooses(window, person_id, shift, policy)
        ]
    return window.memo[key]


def _arrival(window: Window, person_id: int, shift: Shift, policy: Policy) -> datetime | None:
    """The first moment at which this person's punches show them at the shift, leaving aside others
    that start with it.
    """
    moments = []
    for spell in spells_of(window, person_id, policy):
        if spell.site_id != shift.site_id:
            continue
        since = max(spell.check_in.occurred_at, shift.starts_at)
        if since < min(spell.until, shift.ends_at):
            moments.append(since)
        if within_reach(shift, spell.check_in.occurred_at, policy) or within_reach(
            shift, spell.last_check_in.occurred_at, policy
        ):
            moments += _check_ins_for(window, spell, shift, policy)
    return min(moments, default=None)


def _check_ins_for(window: Window, spell: Spell, shift: Shift, policy: Policy) -> list[datetime]:
    """The check-ins of a spell that are nearest to this shift's start, of all starts of the
    person's shifts there within reach.
    """
    found = []
    for punch in dict.fromkeys((spell.check_in, spell.last_check_in)):
        near = [
            s for s in own_shifts_within_reach(window, punch, policy) if s.site_id == punch.site_id
        ]
        nearest = min(
            near, key=lambda s: (abs(s.starts_at - punch.occurred_at), s.shift_id), default=None
        )
        if nearest and nearest.starts_at == shift.starts_at and shift in near:
            found.append(punch.occurred_at)
    return found


def _chooses(window: Window, person_id: int, shift: Shift, policy: Policy) -> bool:
    """Whether this is the shift the person attends, of those there that start together and that
    they are entitled to.
    """
    own = window.shifts_of[person_id]
    together = [s for s in own if s.starts_at == shift.starts_at and s.site_id == shift.site_id]
    return len(together) == 1 or _choice(window, person_id, together, policy) == shift


def _choice(window: Window, person_id: int, together: list[Shift], policy: Policy) -> Shift:
    chosen = _choices(window, together[0], policy).get(person_id)
    return chosen if chosen in together else together[0]


def _choices(window: Window, shift: Shift, policy: Policy) -> dict[int, Shift]:
    """Who attends which of the shifts at a site that start together.

    One that nobody else attends, then the lower shift_id. Those with the fewest to choose from
    choose first, then those
    who came first: so the outcome is one of the set of punches, whoever's came first to us.
    """
    key = ("choices", shift.site_id, shift.starts_at, id(policy))
    if key not in window.memo:
        together = _starting_together(window, shift)
        people = dict.fromkeys(person_id for s in together for person_id in s.entitled)
        choosing = [_options(window, person_id, together, policy) for person_id in people]
        chosen: dict[int, Shift] = {}
        for _, _, person_id, options in sorted(option for option in choosing if option):
            free = [s for s in options if s not in chosen.values()]
            chosen[person_id] = (free or options)[0]
        window.memo[key] = chosen
    return window.memo[key]


def _options(
    window: Window, person_id: int, together: list[Shift], policy: Policy
) -> tuple[int, datetime, int, list[Shift]] | None:
    """How many shifts a person could attend, when they came, who they are, and the shifts by
    shift_id.
    """
    arrivals = [
        (s, _arrival(window, person_id, s, policy)) for s in together if person_id in s.entitled
    ]
    possible = [(s, since) for s, since in arrivals if since]
    if not possible:
        return None
    return (len(possible), min(since for _, since in possible), person_id, [s for s, _ in possible])


def _starting_together(window: Window, shift: Shift) -> list[Shift]:
    return [s for s in window.shifts_at[shift.site_id] if s.starts_at == shift.starts_at]
