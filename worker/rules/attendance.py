"""Shifts and who attends them: which shifts are within reach of a punch, to which it belongs, and
since when somebody entitled was there.

All of it is fact: reach is measured by the policy of the shift's site at its start, presence by the
spells.
"""

from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from itertools import accumulate, islice
from typing import NamedTuple

from models.ids import Id
from models.schemas.roster import LONGEST_SHIFT
from worker.rules.acts import counts_for_nothing
from worker.rules.matching import matching
from worker.rules.spells import Spell, is_lone_tap, lone_punches, spell_of, spells_of
from worker.rules.window import Punch, Shift, Window

# The longest that a policy may have it.
LONGEST_HOLDOVER = timedelta(hours=24)


class Attendee(NamedTuple):
    person_id: Id
    since: datetime  # the first moment at which their punches show it


class _Arrival(NamedTuple):
    came: datetime  # to the site
    since: datetime  # as an attendee's
    works: bool  # whether a spell there shares more than an instant of the shift


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


def _shift_of_lone_tap(window: Window, punch: Punch) -> Shift | None:
    spell = spell_of(window, punch) if punch.is_tap else None
    return shift_of_lone(window, punch) if spell and is_lone_tap(spell) else None


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


def shifts_during(window: Window, spell: Spell) -> list[Shift]:
    """Return the own shifts of a spell, by start: those at its site that share more than an instant
    with it, and the one that its check-in belongs to.
    """
    own_shifts = window.shifts_of.get(spell.person_id, ())
    first = bisect_left(own_shifts, spell.check_in.occurred_at - LONGEST_SHIFT, key=_starts)
    last = bisect_left(own_shifts, spell.until, first, key=_starts)
    shared = [
        shift
        for shift in own_shifts[first:last]
        if shift.site_id == spell.site_id
        and min(shift.ends_at, spell.until) > max(shift.starts_at, spell.check_in.occurred_at)
    ]
    own = shift_of_check_in(window, spell.check_in)
    return sorted([*shared, own], key=_starts) if own and own not in shared else shared


def shift_of_check_out(window: Window, punch: Punch) -> Shift | None:
    """Return the shift that a check-out belongs to, wherever it was taken: that of the spell it
    closes or, where it closes none, the own shift there in which it lies, or shortly after which.
    """
    spell = spell_of(window, punch)
    if spell:
        return shift_of_spell(window, spell, punch.occurred_at)
    return None if counts_for_nothing(window, punch) else shift_of_lone(window, punch)


def shift_of_lone(window: Window, punch: Punch) -> Shift | None:
    """Return the own shift there in which a punch lies that makes no spell, or at most
    holdover_minutes after which: of several the last to start, then the lower shift_id.
    """
    key = ("lone", punch.punch_id)
    if key not in window.memo:
        window.memo[key] = _find_shift_of_lone(window, punch)
    shift: Shift | None = window.memo[key]
    return shift


def _find_shift_of_lone(window: Window, punch: Punch) -> Shift | None:
    holdover = timedelta(minutes=window.policy_of(punch).holdover_minutes)
    around = [
        shift
        for shift in window.shifts_of.get(punch.person_id, ())
        if shift.site_id == punch.site_id
        and shift.starts_at <= punch.occurred_at <= shift.ends_at + holdover
    ]
    on = [shift for shift in around if punch.occurred_at <= shift.ends_at]
    latest = max((shift.starts_at for shift in on or around), default=None)
    return next((shift for shift in on or around if shift.starts_at == latest), None)


def covered_by_another(window: Window, shift: Shift, person_id: Id) -> bool:
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
            Attendee(person_id, arrival.since)
            for person_id, arrival in arrived
            if arrival and _attends(window, person_id, shift, arrival)
        ]
    attending: list[Attendee] = window.memo[key]
    return attending


def first_check_in(window: Window, shift: Shift) -> datetime | None:
    """Return when the first of the check-ins came that belong to the shift."""
    moments = []
    for person_id in dict.fromkeys(shift.entitled):
        person_spells = spells_of(window, person_id)
        first = bisect_left(_over(window, person_id), reach_begins(window, shift))
        last = bisect_right(person_spells, shift.ends_at, first, key=_begins)
        moments += [
            punch.occurred_at
            for spell in person_spells[first:last]
            for punch in (spell.check_in, spell.last_check_in)
            if punch.site_id == shift.site_id and shift_of_check_in(window, punch) == shift
        ]
    return min(moments, default=None)


def _arrival(window: Window, person_id: Id, shift: Shift) -> _Arrival | None:
    """Return how this person's punches show them at the shift, as if no other started with it."""
    key = ("arrival", person_id, shift.shift_id)
    if key not in window.memo:
        window.memo[key] = _find_arrival(window, person_id, shift)
    arrival: _Arrival | None = window.memo[key]
    return arrival


def _find_arrival(window: Window, person_id: Id, shift: Shift) -> _Arrival | None:
    came: list[datetime] = []
    moments: list[datetime] = []
    works = False
    person_spells = spells_of(window, person_id)
    first = bisect_left(_over(window, person_id), reach_begins(window, shift))
    last = bisect_right(person_spells, shift.ends_at, first, key=_begins)
    for spell in person_spells[first:last]:
        if spell.site_id != shift.site_id:
            continue
        since = max(spell.check_in.occurred_at, shift.starts_at)
        if since < min(spell.until, shift.ends_at):
            came.append(spell.check_in.occurred_at)
            moments.append(since)
            works = True
        if within_reach(window, shift, spell.check_in.occurred_at) or within_reach(
            window, shift, spell.last_check_in.occurred_at
        ):
            moments += _check_ins_for(window, spell, shift)
    moments += _lone_at(window, person_id, shift)
    return _Arrival(min([*came, *moments]), min(moments), works) if moments else None


def _lone_at(window: Window, person_id: Id, shift: Shift) -> list[datetime]:
    """Return when the first punch came that makes no spell, and belongs to this shift after its
    start.
    """
    lone = lone_punches(window, person_id)
    first = bisect_right(lone, shift.starts_at, key=_when)
    moments = []
    for punch in islice(lone, first, None):
        if punch.occurred_at > shift.ends_at + LONGEST_HOLDOVER:
            break
        if shift_of_lone(window, punch) == shift:
            moments.append(punch.occurred_at)
            break  # those that follow are later
    return moments


def _begins(spell: Spell) -> datetime:
    return spell.check_in.occurred_at


def _starts(shift: Shift) -> datetime:
    return shift.starts_at


def _when(punch: Punch) -> datetime:
    return punch.occurred_at


def _over(window: Window, person_id: Id) -> list[datetime]:
    """Return of each spell of a person from when on nothing of it, or of those before, shows them
    anywhere.
    """
    key = ("over", person_id)
    if key not in window.memo:
        window.memo[key] = list(
            accumulate(
                (
                    max(spell.until, spell.last_check_in.occurred_at)
                    for spell in spells_of(window, person_id)
                ),
                max,
            )
        )
    over: list[datetime] = window.memo[key]
    return over


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


def _attends(window: Window, person_id: Id, shift: Shift, arrival: _Arrival) -> bool:
    """Whether a person who came attends this one of the shifts there that start together and that
    they are entitled to: all that they are rostered to and work in, else the one they choose.
    """
    if arrival.works and _is_rostered(person_id, shift):
        return True
    together = [
        own_shift
        for own_shift in window.shifts_of[person_id]
        if own_shift.starts_at == shift.starts_at and own_shift.site_id == shift.site_id
    ]
    return len(together) == 1 or _choice(window, person_id, together) == shift


def _is_rostered(person_id: Id, shift: Shift) -> bool:
    return shift.person_id == person_id and not shift.person_left


def _choice(window: Window, person_id: Id, together: list[Shift]) -> Shift:
    chosen = _choices(window, together[0]).get(person_id)
    return chosen if chosen in together else together[0]


def _choices(window: Window, shift: Shift) -> dict[Id, Shift]:
    """Return, by person_id, to which of the shifts at a site that start together everybody belongs
    who came.

    Whoever works in shifts they are rostered to belongs to the first of these. Of the others as
    many are attended as can be, lower shift_id first; who came first chooses first. Who is left
    over belongs to the first they are entitled to. So the outcome depends on the set of punches,
    and not on the order in which they were submitted.
    """
    key = ("choices", shift.site_id, shift.starts_at)
    if key not in window.memo:
        window.memo[key] = _find_choices(window, _starting_together(window, shift))
    choices: dict[Id, Shift] = window.memo[key]
    return choices


def _find_choices(window: Window, together: list[Shift]) -> dict[Id, Shift]:
    chosen: dict[Id, Shift] = {}
    attended: set[str] = set()
    coming: dict[Id, tuple[datetime, list[Shift]]] = {}  # by person_id: when, to which of them
    for shift in together:
        for person_id in dict.fromkeys(shift.entitled):
            arrival = _arrival(window, person_id, shift)
            if arrival and arrival.works and _is_rostered(person_id, shift):
                chosen.setdefault(person_id, shift)
                attended.add(shift.shift_id)
            elif arrival:
                came, options = coming.setdefault(person_id, (arrival.came, []))
                coming[person_id] = (min(came, arrival.came), [*options, shift])
    free = {person_id: one for person_id, one in coming.items() if person_id not in chosen}
    in_turn = sorted(free, key=lambda person_id: (free[person_id][0], person_id))
    wanted = {shift.shift_id: shift for shift in together if shift.shift_id not in attended}
    candidates: dict[str, list[Id]] = {shift_id: [] for shift_id in wanted}
    for person_id in in_turn:
        for shift in free[person_id][1]:
            if shift.shift_id in candidates:
                candidates[shift.shift_id].append(person_id)
    for person_id, shift_id in matching(candidates).items():
        chosen[person_id] = wanted[shift_id]
    return {**{person_id: free[person_id][1][0] for person_id in in_turn}, **chosen}


def _starting_together(window: Window, shift: Shift) -> list[Shift]:
    return [s for s in window.shifts_at[shift.site_id] if s.starts_at == shift.starts_at]
