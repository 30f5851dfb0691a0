"""Shifts and who attends them: which shifts are within reach of a punch, to which it belongs, and
since when somebody entitled was there.

All of it is fact: reach is measured by the policy of the shift's site at its start, presence by the
spells.
"""

from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from typing import NamedTuple

from worker.rules.spells import Spell, spell_of, spells_of
from worker.rules.window import Punch, Shift, Window


class Attendee(NamedTuple):
    person_id: int
    since: datetime  # the first moment at which their punches show it


def reach_begins(window: Window, shift: Shift) -> datetime:
    """Return from when on a check-in may be for the shift."""
    return shift.starts_at - timedelta(minutes=window.policy_of(shift).early_window_minutes)


def within_reach(window: Window, shift: Shift, at: datetime) -> bool:
    """Whether a check-in at that moment may be for the shift."""
    return at <= shift.ends_at and reach_begins(window, shift) <= at


def own_shifts_within_reach(window: Window, punch: Punch) -> list[Shift]:
    """Return the shifts within reach of this punch, anywhere, that the person is entitled to."""
    key = ("within reach", punch.punch_id)
    if key not in window.memo:
        window.memo[key] = [
            shift
            for shift in window.shifts_of.get(punch.person_id, ())
            if within_reach(window, shift, punch.occurred_at)
        ]
    own_shifts: list[Shift] = window.memo[key]
    return own_shifts


def own_shifts_elsewhere(window: Window, punch: Punch) -> list[Shift]:
    """Return the shifts at other sites that the person is entitled to and that are within reach as
    the policy of the punch's site measures it, not their own site's.
    """
    early = timedelta(minutes=window.policy_of(punch).early_window_minutes)
    return [
        shift
        for shift in window.shifts_of.get(punch.person_id, ())
        if shift.site_id != punch.site_id
        and shift.starts_at - early <= punch.occurred_at <= shift.ends_at
    ]


def shift_of_check_in(window: Window, punch: Punch) -> Shift | None:
    """Return the shift that a check-in belongs to: of the person's own there within reach, the one
    that starts nearest.
    """
    own_shifts = _own_shifts_here(window, punch)
    nearest = _nearest(own_shifts, punch)
    if nearest is None:
        return None
    together = [shift for shift in own_shifts if shift.starts_at == nearest.starts_at]
    return nearest if len(together) == 1 else _choice(window, punch.person_id, together)


def shift_of_spell(window: Window, spell: Spell, by: datetime) -> Shift | None:
    """Return the shift of the spell's check-in or, where the spell runs on into further own shifts
    there, the last that started before `by`.

    A shift in which the person is only a substitute counts among the further ones unless somebody
    else attends it.
    """
    further = [
        shift
        for shift in window.shifts_of.get(spell.person_id, ())
        if shift.site_id == spell.site_id
        and spell.check_in.occurred_at < shift.starts_at < by
        and not covered_by_another(window, shift, spell.person_id)
    ]
    if not further:
        return shift_of_check_in(window, spell.check_in)
    together = [shift for shift in further if shift.starts_at == further[-1].starts_at]
    return together[0] if len(together) == 1 else _choice(window, spell.person_id, together)


def shift_of_check_out(window: Window, punch: Punch) -> Shift | None:
    spell = spell_of(window, punch)
    return shift_of_spell(window, spell, punch.occurred_at) if spell else None


def covered_by_another(window: Window, shift: Shift, person_id: int) -> bool:
    """Whether the person is only a substitute in this shift and somebody else attends it."""
    return shift.person_id != person_id and any(
        attendee.person_id != person_id for attendee in attendees(window, shift)
    )


def is_attended(window: Window, shift: Shift, by: datetime | None = None) -> bool:
    """Whether somebody entitled attends the shift; with `by`, whether that shows by then."""
    return any(by is None or attendee.since <= by for attendee in attendees(window, shift))


def attendees(window: Window, shift: Shift) -> list[Attendee]:
    """Return who of those entitled attends the shift, in the order of `entitled`."""
    key = ("attendees", shift.shift_id)
    if key not in window.memo:
        arrived = [
            (person_id, _arrival(window, person_id, shift))
            for person_id in dict.fromkeys(shift.entitled)
        ]
        window.memo[key] = [
            Attendee(person_id, since)
            for person_id, since in arrived
            if since and _chooses(window, person_id, shift)
        ]
    attending: list[Attendee] = window.memo[key]
    return attending


def _arrival(window: Window, person_id: int, shift: Shift) -> datetime | None:
    """Return the first moment at which this person's punches show them at the shift, as if no other
    started with it.
    """
    moments = []
    person_spells = spells_of(window, person_id)
    first = bisect_left(person_spells, reach_begins(window, shift), key=_is_over)
    last = bisect_right(person_spells, shift.ends_at, first, key=_begins)
    for spell in person_spells[first:last]:
        if spell.site_id != shift.site_id:
            continue
        since = max(spell.check_in.occurred_at, shift.starts_at)
        if since < min(spell.until, shift.ends_at):
            moments.append(since)
        if within_reach(window, shift, spell.check_in.occurred_at) or within_reach(
            window, shift, spell.last_check_in.occurred_at
        ):
            moments += _check_ins_for(window, spell, shift)
    return min(moments, default=None)


def _begins(spell: Spell) -> datetime:
    return spell.check_in.occurred_at


def _is_over(spell: Spell) -> datetime:
    """Return from when on nothing of the spell shows its person anywhere."""
    return max(spell.until, spell.last_check_in.occurred_at)


def _check_ins_for(window: Window, spell: Spell, shift: Shift) -> list[datetime]:
    """Return when a spell's check-ins came that are for this shift: it starts nearest to them, of
    the person's shifts there within reach.
    """
    moments = []
    for punch in dict.fromkeys((spell.check_in, spell.last_check_in)):
        own_shifts = _own_shifts_here(window, punch)
        nearest = _nearest(own_shifts, punch)
        if nearest and nearest.starts_at == shift.starts_at and shift in own_shifts:
            moments.append(punch.occurred_at)
    return moments


def _own_shifts_here(window: Window, punch: Punch) -> list[Shift]:
    return [
        shift for shift in own_shifts_within_reach(window, punch) if shift.site_id == punch.site_id
    ]


def _nearest(shifts: list[Shift], punch: Punch) -> Shift | None:
    """Return the shift whose start is nearest to the punch, and of several the lowest shift_id."""
    return min(
        shifts,
        key=lambda shift: (abs(shift.starts_at - punch.occurred_at), shift.shift_id),
        default=None,
    )


def _chooses(window: Window, person_id: int, shift: Shift) -> bool:
    """Whether the person attends this one of the shifts there that start together and that they are
    entitled to.
    """
    together = [
        own_shift
        for own_shift in window.shifts_of[person_id]
        if own_shift.starts_at == shift.starts_at and own_shift.site_id == shift.site_id
    ]
    return len(together) == 1 or _choice(window, person_id, together) == shift


def _choice(window: Window, person_id: int, together: list[Shift]) -> Shift:
    chosen = _choices(window, together[0]).get(person_id)
    return chosen if chosen in together else together[0]


def _choices(window: Window, shift: Shift) -> dict[int, Shift]:
    """Return, by person_id, who attends which of the shifts at a site that start together.

    Each chooses one that nobody else attends, then the lower shift_id. Those with the fewest to
    choose from choose first, then those who came first. So the outcome depends on the set of
    punches, and not on the order in which they were submitted.
    """
    key = ("choices", shift.site_id, shift.starts_at)
    if key not in window.memo:
        together = _starting_together(window, shift)
        people = dict.fromkeys(person_id for own in together for person_id in own.entitled)
        choosing = [_options(window, person_id, together) for person_id in people]
        chosen: dict[int, Shift] = {}
        for _, _, person_id, options in sorted(option for option in choosing if option):
            free = [option for option in options if option not in chosen.values()]
            chosen[person_id] = (free or options)[0]
        window.memo[key] = chosen
    choices: dict[int, Shift] = window.memo[key]
    return choices


def _options(
    window: Window, person_id: int, together: list[Shift]
) -> tuple[int, datetime, int, list[Shift]] | None:
    """Return how many shifts a person could attend, when they came, who they are, and the shifts by
    shift_id: None where they came to none.
    """
    arrivals = [
        (shift, _arrival(window, person_id, shift))
        for shift in together
        if person_id in shift.entitled
    ]
    possible = [(shift, since) for shift, since in arrivals if since]
    if not possible:
        return None
    came_at = min(since for _, since in possible)
    return len(possible), came_at, person_id, [shift for shift, _ in possible]


def _starting_together(window: Window, shift: Shift) -> list[Shift]:
    return [s for s in window.shifts_at[shift.site_id] if s.starts_at == shift.starts_at]
