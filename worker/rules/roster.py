"""What the roster says of a punch: its excuses, whose place it takes, and who may be there.

Whose windows: reach is measured as `worker.rules.attendance` does; the excuses and the grace are
limits of the rule, and go by the policy of the punch's site at its time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from models.ids import Id
from models.policy.measures import Mode
from models.policy.part import TypePolicy
from models.policy.unauthorized_site import UnauthorizedSite
from models.policy.wrong_person import WrongPerson
from worker.rules.acts import counts_for_nothing
from worker.rules.attendance import is_attended, own_shifts_within_reach, within_reach
from worker.rules.spells import spell_before, spell_of
from worker.rules.window import Assignment, Punch, Shift, Window

# An anomaly that is off stands nowhere, and one in shadow is stored only.
_LOUDNESS: tuple[Mode, ...] = ("off", "shadow", "on")


class Answer(NamedTuple):
    """Whether a reason holds, and of which shifts; or, in one clause, why it does not."""

    holds: bool
    because: str = ""
    shifts: tuple[Shift, ...] = ()


def further_check_in(window: Window, punch: Punch) -> bool:
    """Whether this check-in only repeats the person's last punch, a check-in here at most
    max_work_hours ago.
    """
    before, policy = window.previous(punch), window.policy_of(punch)
    return (
        punch.is_check_in
        and before is not None
        and before.is_check_in
        and before.site_id == punch.site_id
        and punch.occurred_at - before.occurred_at <= timedelta(hours=policy.max_work_hours)
    )


def held_over(window: Window, punch: Punch) -> bool:
    """Whether an own shift at this site ended at most holdover_minutes ago."""
    holdover = timedelta(minutes=window.policy_of(punch).holdover_minutes)
    return any(
        shift.site_id == punch.site_id
        and shift.ends_at <= punch.occurred_at <= shift.ends_at + holdover
        for shift in window.shifts_of.get(punch.person_id, ())
    )


def early_for(window: Window, punch: Punch) -> Shift | None:
    """Return the person's next shift here, if it starts within early_limit_hours and no shift of
    theirs is within reach.
    """
    if own_shifts_within_reach(window, punch):
        return None
    latest = punch.occurred_at + timedelta(hours=window.policy_of(punch).early_limit_hours)
    coming = (
        shift
        for shift in window.shifts_of.get(punch.person_id, ())
        if shift.site_id == punch.site_id and punch.occurred_at < shift.starts_at <= latest
    )
    return next(coming, None)


def roves(window: Window, person_id: Id, site_id: Id, at: datetime) -> bool:
    """Whether an assignment of the person to the site that is valid at a moment is a roving one."""
    return any(row.roving for row in _assignments(window, person_id, site_id, at))


def roving_sites(window: Window, person_id: Id) -> Sequence[Id]:
    """Return the sites where the person roves at some time."""
    key = "roving"
    by_person: dict[Id, list[Id]]
    if key not in window.memo:
        by_person = {}
        for (person, site_id), rows in window.assignments.items():
            if any(row.roving for row in rows):
                by_person.setdefault(person, []).append(site_id)
        window.memo[key] = by_person
    by_person = window.memo[key]
    return [site_id for one in window.ever_of(person_id) for site_id in by_person.get(one, ())]


def excuse(window: Window, punch: Punch) -> str:
    """Return why a punch raises none of in_place_of, not_assigned, unscheduled and wrong_site; ''
    where nothing excuses it.
    """
    policy = window.policy_of(punch)
    if further_check_in(window, punch):
        return f"the person's last punch is a check-in here at most {policy.max_work_hours:g} h ago"
    if held_over(window, punch):
        return f"an own shift here ended at most {policy.holdover_minutes:g} min ago"
    is_roving = roves(window, punch.person_id, punch.site_id, punch.occurred_at)
    if is_roving and not _has_own_shift_here(window, punch):
        return "the person roves here, and no shift of theirs here is within reach"
    return ""


def in_place_of(window: Window, punch: Punch) -> Answer:
    """Whether this check-in stands in the place of unattended shifts, each named at the person's
    first check-in for it only.
    """
    unattended, because = _unattended(window, punch)
    if because:
        return Answer(False, because)
    mode = _mode(window, punch, WrongPerson)
    new = tuple(shift for shift in unattended if not _came_before(window, punch, shift, mode))
    if not new:
        return Answer(False, "an earlier check-in of theirs already stands for the shift")
    return Answer(True, shifts=new)


def stood_in(window: Window, shift: Shift) -> Punch | None:
    """Return the first check-in that takes somebody's place in the shift, outside shadow: of the
    `in_place_of` that name it, the first.
    """
    key = ("stood in", shift.shift_id)
    if key not in window.memo:
        standing = (
            punch
            for punch in window.stand_ins.get(shift.shift_id, ())
            if within_reach(window, shift, punch.occurred_at)
            and _mode(window, punch, WrongPerson) == "on"
            and shift in _unattended(window, punch)[0]
        )
        window.memo[key] = next(standing, None)
    first: Punch | None = window.memo[key]
    return first


def came_in_place_before(window: Window, punch: Punch) -> bool:
    """Whether an earlier check-in of the person already stands for a shift here within reach,
    outside shadow.
    """
    return any(
        _came_before(window, punch, shift, "on") for shift in _within_reach_here(window, punch)
    )


def is_wrong_person(window: Window, punch: Punch) -> bool:
    """Whether WRONG_PERSON stands on the punch, outside shadow."""
    return _mode(window, punch, WrongPerson) == "on" and (
        punch.biometric_person_id not in (None, punch.person_id) or in_place_of(window, punch).holds
    )


def is_unauthorized(window: Window, punch: Punch) -> bool:
    """Whether UNAUTHORIZED_SITE stands on the check-in, outside shadow."""
    return _mode(window, punch, UnauthorizedSite) == "on" and (
        unknown_person(window, punch).holds or not_assigned(window, punch).holds
    )


def unknown_person(window: Window, punch: Punch) -> Answer:
    """Whether the person is not in the roster, at the first check-in of a work period."""
    if window.person(punch.person_id, punch.occurred_at) is not None:
        return Answer(False, "the person is in the roster")
    untold = _roster_tells_nothing(
        window, window.any_person(punch.occurred_at), "no person is synced in the tenant"
    )
    if untold:
        return untold
    because = goes_on_working(window, punch)
    return Answer(not because, because)


def not_assigned(window: Window, punch: Punch) -> Answer:
    """Whether the person has no business at this site then, at the first check-in of a work period
    there.
    """
    untold = _roster_tells_nothing(
        window, window.any_assignment(punch.occurred_at), "no assignment is synced in the tenant"
    )
    if untold:
        return untold
    if is_assigned(window, punch):
        return Answer(False, "an assignment to this site is valid then")
    if _has_own_shift_here(window, punch):
        return Answer(False, "a shift of theirs here is within reach")
    if early_for(window, punch):
        return Answer(False, "their next shift here starts soon: that is `early`")
    because = goes_on_working(window, punch) or excuse(window, punch)
    return Answer(not because, because)


def is_assigned(window: Window, punch: Punch) -> bool:
    """Whether an assignment of the person to this site is valid at the punch."""
    return bool(_assignments(window, punch.person_id, punch.site_id, punch.occurred_at))


def judged_with_check_in(window: Window, punch: Punch) -> bool:
    """Whether this is a check-out that closes a spell at its own site, or seemed to before a
    further one did.
    """
    if punch.is_check_in:
        return False
    spell = spell_of(window, punch)
    return counts_for_nothing(window, punch) if spell is None else spell.site_id == punch.site_id


def goes_on_working(window: Window, punch: Punch) -> str:
    """Return why a punch is not the first of a work period: spells of a person at one site with
    gaps of at most max_break_minutes; '' where it is.
    """
    spell = spell_of(window, punch)
    if spell and punch.is_check_in and spell.check_in is not punch:
        return "it repeats a check-in here"
    before = spell_before(window, punch)
    if before is None:
        return ""
    minutes = window.policy_of(punch).max_break_minutes
    longest = timedelta(minutes=minutes) if before.check_out else timedelta(0)
    if punch.occurred_at - before.until > longest:
        return ""
    return f"the person's spell here ended at most {minutes:g} min ago: work goes on"


def site_is_rostered(window: Window, punch: Punch) -> bool:
    """Whether any uncancelled shift at the site is within 24 h of the punch."""
    day = timedelta(hours=24)
    return any(
        shift.starts_at - day <= punch.occurred_at <= shift.ends_at + day
        for shift in window.shifts_at.get(punch.site_id, ())
    )


def _unattended(window: Window, punch: Punch) -> tuple[tuple[Shift, ...], str]:
    """Return the shifts here within reach that nobody entitled attends so far, if this check-in may
    stand for them; or why not.

    So far is by the punch's own time or, where that is later, by the end of the shift's grace.
    """
    key = ("unattended", punch.punch_id)
    if key not in window.memo:
        window.memo[key] = _find_unattended(window, punch)
    unattended: tuple[tuple[Shift, ...], str] = window.memo[key]
    return unattended


def _find_unattended(window: Window, punch: Punch) -> tuple[tuple[Shift, ...], str]:
    if not punch.is_check_in:
        return (), "it is no check-in"
    if not window.roster_complete:
        return (), "the roster is declared incomplete"
    if _has_own_shift_here(window, punch):
        return (), "the person is entitled to a shift here within reach"
    shifts = _within_reach_here(window, punch)
    if not shifts:
        return (), "no shift here is within reach"
    because = excuse(window, punch)
    if because:
        return (), because
    if early_for(window, punch):
        return (), "their next shift here starts soon: that is `early`"
    grace = timedelta(minutes=window.policy_of(punch).grace_minutes)
    unattended = tuple(
        shift
        for shift in shifts
        if not is_attended(window, shift, by=max(punch.occurred_at, shift.starts_at + grace))
    )
    return unattended, "" if unattended else "every shift here within reach is attended"


def _came_before(window: Window, punch: Punch, shift: Shift, mode: Mode) -> bool:
    """Whether an earlier check-in of the person takes somebody's place in the shift, where that was
    told at least as loud as in this mode.
    """
    key = ("in place", punch.person_id, shift.shift_id, mode)
    if key not in window.memo:
        window.memo[key] = _first_in_place(window, punch.person_id, shift, mode)
    first: Punch | None = window.memo[key]
    return first is not None and window.comes_before(first, punch)


def _first_in_place(window: Window, person_id: Id, shift: Shift, mode: Mode) -> Punch | None:
    """Return the person's first check-in that takes somebody's place in the shift, of those told at
    least as loud as in this mode.
    """
    for stretch in window.stretches_of(person_id):
        for punch in window.check_ins_at(stretch.punches[0], shift.site_id):
            if (
                within_reach(window, shift, punch.occurred_at)
                and _LOUDNESS.index(_mode(window, punch, WrongPerson)) >= _LOUDNESS.index(mode)
                and shift in _unattended(window, punch)[0]
            ):
                return punch
    return None


def _assignments(window: Window, person_id: Id, site_id: Id, at: datetime) -> list[Assignment]:
    """Return the assignments of a person to a site that are valid at a moment."""
    return [
        row
        for one in window.all_of(person_id, at)
        for row in window.assignments.get((one, site_id), ())
        if row.is_valid(at)
    ]


def _has_own_shift_here(window: Window, punch: Punch) -> bool:
    own_shifts = own_shifts_within_reach(window, punch)
    return any(shift.site_id == punch.site_id for shift in own_shifts)


def _mode(window: Window, punch: Punch, part: type[TypePolicy]) -> Mode:
    return window.policy_of(punch).of(part).mode


def _within_reach_here(window: Window, punch: Punch) -> list[Shift]:
    return [
        shift
        for shift in window.shifts_at.get(punch.site_id, ())
        if within_reach(window, shift, punch.occurred_at)
    ]


def _roster_tells_nothing(window: Window, any_row: bool, because: str) -> Answer | None:
    """Return that the roster cannot tell: `because`, where it has no row. None where it can."""
    if not window.roster_complete:
        return Answer(False, "the roster is declared incomplete")
    return None if any_row else Answer(False, because)
