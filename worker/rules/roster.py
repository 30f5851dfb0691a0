"""What the roster says of a punch: its excuses, whose place it takes, and who may be there."""

from datetime import timedelta
from typing import NamedTuple

from models.policy import Policy
from worker.rules.attendance import is_attended, own_shifts_within_reach, within_reach
from worker.rules.spells import spell_of
from worker.rules.window import Punch, Shift, Window, in_order


class Answer(NamedTuple):
    """Whether a reason holds, and of which shifts; or, in one clause, why it does not."""

    holds: bool
    because: str = ""
    shifts: tuple[Shift, ...] = ()


def further_check_in(window: Window, punch: Punch, policy: Policy) -> bool:
    """Whether this check-in only repeats the person's last punch, a check-in here at most
    max_work_hours ago.
    """
    before = window.previous(punch)
    return (
        punch.is_check_in
        and before is not None
        and before.is_check_in
        and before.site_id == punch.site_id
        and punch.occurred_at - before.occurred_at <= timedelta(hours=policy.max_work_hours)
    )


def held_over(window: Window, punch: Punch, policy: Policy) -> bool:
    """Whether an own shift at this site ended at most holdover_minutes ago."""
    holdover = timedelta(minutes=policy.holdover_minutes)
    return any(
        shift.site_id == punch.site_id
        and shift.ends_at <= punch.occurred_at <= shift.ends_at + holdover
        for shift in window.shifts_of.get(punch.person_id, ())
    )


def early_for(window: Window, punch: Punch, policy: Policy) -> Shift | None:
    """Return the person's next shift here, if it starts within early_limit_hours and no shift of
    theirs is within reach.
    """
    if own_shifts_within_reach(window, punch, policy):
        return None
    latest = punch.occurred_at + timedelta(hours=policy.early_limit_hours)
    coming = (
        shift
        for shift in window.shifts_of.get(punch.person_id, ())
        if shift.site_id == punch.site_id and punch.occurred_at < shift.starts_at <= latest
    )
    return next(coming, None)


def excuse(window: Window, punch: Punch, policy: Policy) -> str:
    """Return why a punch raises none of in_place_of, not_assigned, unscheduled and wrong_site; ''
    where nothing excuses it.
    """
    if further_check_in(window, punch, policy):
        return f"the person's last punch is a check-in here at most {policy.max_work_hours:g} h ago"
    if held_over(window, punch, policy):
        return f"an own shift here ended at most {policy.holdover_minutes:g} min ago"
    return ""


def in_place_of(window: Window, punch: Punch, policy: Policy) -> Answer:
    """Whether this check-in stands in the place of unattended shifts, each named at the person's
    first check-in for it only.
    """
    unattended, because = _unattended(window, punch, policy)
    if because:
        return Answer(False, because)
    new = tuple(shift for shift in unattended if not _came_before(window, punch, shift, policy))
    if not new:
        return Answer(False, "an earlier check-in of theirs already stands for the shift")
    return Answer(True, shifts=new)


def came_in_place_before(window: Window, punch: Punch, policy: Policy) -> bool:
    """Whether an earlier check-in of the person already stands for a shift here within reach."""
    return any(
        _came_before(window, punch, shift, policy)
        for shift in _within_reach_here(window, punch, policy)
    )


def unknown_person(window: Window, punch: Punch) -> Answer:
    """Whether the person is not in the roster."""
    if window.person(punch.person_id, punch.occurred_at) is not None:
        return Answer(False, "the person is in the roster")
    untold = _roster_tells_nothing(
        window, window.any_person(punch.occurred_at), "no person is synced in the tenant"
    )
    return untold or Answer(True)


def not_assigned(window: Window, punch: Punch, policy: Policy) -> Answer:
    """Whether the person has no business at this site then."""
    untold = _roster_tells_nothing(
        window, window.any_assignment(punch.occurred_at), "no assignment is synced in the tenant"
    )
    if untold:
        return untold
    if is_assigned(window, punch):
        return Answer(False, "an assignment to this site is valid then")
    if any(
        shift.site_id == punch.site_id for shift in own_shifts_within_reach(window, punch, policy)
    ):
        return Answer(False, "a shift of theirs here is within reach")
    if early_for(window, punch, policy):
        return Answer(False, "their next shift here starts soon: that is `early`")
    because = excuse(window, punch, policy)
    return Answer(not because, because)


def is_assigned(window: Window, punch: Punch) -> bool:
    """Whether an assignment of the person to this site is valid at the punch."""
    return any(
        (row.valid_from is None or row.valid_from <= punch.occurred_at)
        and (row.valid_to is None or punch.occurred_at <= row.valid_to)
        for row in window.assignments.get((punch.person_id, punch.site_id), ())
    )


def judged_with_check_in(window: Window, punch: Punch, policy: Policy) -> bool:
    """Whether this is a check-out that closes a spell at its own site."""
    spell = None if punch.is_check_in else spell_of(window, punch, policy)
    return spell is not None and spell.site_id == punch.site_id


def site_is_rostered(window: Window, punch: Punch) -> bool:
    """Whether any uncancelled shift at the site is within 24 h of the punch."""
    day = timedelta(hours=24)
    return any(
        shift.starts_at - day <= punch.occurred_at <= shift.ends_at + day
        for shift in window.shifts_at.get(punch.site_id, ())
    )


def _unattended(window: Window, punch: Punch, policy: Policy) -> tuple[tuple[Shift, ...], str]:
    """Return the shifts here within reach that nobody entitled attends so far, if this check-in may
    stand for them; or why not.

    So far is by the punch's own time or, where that is later, by the end of the shift's grace.
    """
    key = ("unattended", punch.punch_id, id(policy))
    if key not in window.memo:
        window.memo[key] = _find_unattended(window, punch, policy)
    unattended: tuple[tuple[Shift, ...], str] = window.memo[key]
    return unattended


def _find_unattended(window: Window, punch: Punch, policy: Policy) -> tuple[tuple[Shift, ...], str]:
    if not punch.is_check_in:
        return (), "it is no check-in"
    if not window.roster_complete:
        return (), "the roster is declared incomplete"
    if any(
        shift.site_id == punch.site_id for shift in own_shifts_within_reach(window, punch, policy)
    ):
        return (), "the person is entitled to a shift here within reach"
    shifts = _within_reach_here(window, punch, policy)
    if not shifts:
        return (), "no shift here is within reach"
    because = excuse(window, punch, policy)
    if because:
        return (), because
    if early_for(window, punch, policy):
        return (), "their next shift here starts soon: that is `early`"
    grace = timedelta(minutes=policy.grace_minutes)
    unattended = tuple(
        shift
        for shift in shifts
        if not is_attended(
            window, shift, policy, by=max(punch.occurred_at, shift.starts_at + grace)
        )
    )
    return unattended, "" if unattended else "every shift here within reach is attended"


def _came_before(window: Window, punch: Punch, shift: Shift, policy: Policy) -> bool:
    key = ("in place", punch.person_id, shift.shift_id, id(policy))
    if key not in window.memo:
        window.memo[key] = _first_in_place(window, punch.person_id, shift, policy)
    first: Punch | None = window.memo[key]
    return first is not None and in_order(first) < in_order(punch)


def _first_in_place(window: Window, person_id: int, shift: Shift, policy: Policy) -> Punch | None:
    """Return the person's first check-in that takes somebody's place in the shift."""
    for stretch in window.stretches_of(person_id):
        for punch in window.check_ins_at(stretch.punches[0], shift.site_id):
            if (
                within_reach(shift, punch.occurred_at, policy)
                and shift in _unattended(window, punch, policy)[0]
            ):
                return punch
    return None


def _within_reach_here(window: Window, punch: Punch, policy: Policy) -> list[Shift]:
    return [
        shift
        for shift in window.shifts_at.get(punch.site_id, ())
        if within_reach(shift, punch.occurred_at, policy)
    ]


def _roster_tells_nothing(window: Window, any_row: bool, because: str) -> Answer | None:
    """Return that the roster cannot tell: `because`, where it has no row. None where it can."""
    if not window.roster_complete:
        return Answer(False, "the roster is declared incomplete")
    return None if any_row else Answer(False, because)
