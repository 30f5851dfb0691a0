"""Schedule Mismatch: what happened is not what was planned.

Looks at: the person's own shifts (as its person or as a substitute) and what punches belong to
them. A check-in belongs to the own shift at its site within reach that starts nearest; a check-out,
wherever it was taken, to the shift of its spell's check-in or, where the spell runs on into further
own shifts there, to the last that has started. A check-out that closes no spell, and a lone tap,
belongs to the own shift there in which, or at most `holdover_minutes` after which, it lies, and
attends it where it comes after its start. Reach is from `early_window_minutes` before a shift's
start to its end, as the policy of the shift's site at its start has it.

- `late` (LOW 0.95): the first check-in for the own shift here comes after its start plus the grace,
  unless the person was in a spell here at the start.
- `left_early` (LOW 0.95): the last check-out for it comes before its end less the grace, and no
  check-in of theirs there follows up to the end; judged once the shift is over. A spell where the
  person roves counts as one at the shift's site.
- `early` (LOW 0.95): at a check-in no own shift is within reach, but the next one here starts
  within `early_limit_hours`.
- `wrong_site` (HIGH 0.85): at a check-in the own shift within reach is at another site, where the
  policy of the punch's site measures reach.
- `unscheduled` (MEDIUM 0.70): at the first check-in of a work period (spells here with gaps of at
  most `max_break_minutes`) no own shift is within reach anywhere, and neither WRONG_PERSON nor
  UNAUTHORIZED_SITE stands outside shadow.
- `no_show` (HIGH 0.95), on the shift: it began more than `no_show_after_minutes` ago and nobody
  entitled attends it. It falls away when somebody entitled arrives, whose check-in then is late.
- `stood_in_for` (LOW 0.60), in its place where an `in_place_of` names the shift that stands outside
  shadow: the swap is told there.
- `no_show_unheard` (LOW 0.40), in its place where the shift began in a silence of its source: of
  the site, or of the one device that brought nine in ten of the person's punches there in the 14
  days before. Such is the time between two punches of the source, or since its last, in which
  shifts of at least `silent_people` different people began and passed `no_show_after_minutes`, and
  at most one in ten of them was checked in for before it ended: the source is likelier silent than
  the people absent. Shifts that are attended only by a spell running through tell nothing. Of a
  device they are those at the site of people who usually punch by it. The tenant is told once, as a
  finding `SOURCE_SILENT`. What is handed in late splits the silence, and decides.
- `post_empty` (HIGH 0.85), on the shift: it is on and was attended, and for more than
  `post_empty_minutes` nobody has been in a spell here who is entitled to a shift that is on here.
  It no longer holds when somebody entitled checks in or the shift ends, when the other reasons tell
  what it was.
- `missing_check_out` (LOW 0.80), on the last check-in for the shift: it has no check-out, none for
  the shift follows, the person did not go on into a further own shift (nor check in next for one
  that adjoins, at most `handover_minutes` before or after its start), and the shift has been over
  for more than `missing_check_out_after_hours`. Nothing where the person does not check out, as
  OVERTIME_VIOLATION has it.
- `missing_check_in` (LOW 0.80): a check-out that closes no spell belongs to an own shift for which
  no check-in came before it.
- `on_leave` (MEDIUM 0.70): a check-in lies within an absence of its person. Asked of, and told at,
  the first check-in of a work period, and not where that is for a shift that begins after the
  absence.

`no_show`, `late` and `left_early` leave out a shift that an absence covers, of its site or of the
person: of the one who punched, for `no_show` the one it is planned for. A shift is covered if its
start is; dates are whole days at its site.

`wrong_site`, `late`, `left_early` and `missing_check_out` leave out a shift in which the person
only substitutes once somebody else attends it. A further check-in while already checked in is none
of `late`, `wrong_site` and `unscheduled`; a punch just after an own shift here, and one of somebody
who roves here and has no own shift here within reach, neither of the latter.

Policy: a severity for each reason, `early_window_minutes` (60), `grace_minutes` (15),
`early_limit_hours` (4), `no_show_after_minutes` (30), `silent_people` (3),
`post_empty_minutes` (90), `missing_check_out_after_hours` (6), `holdover_minutes` (120),
`handover_minutes` (30), `max_break_minutes` (90), `max_work_hours` (16), `max_spell_hours` (36),
`repeat_minutes` (10), `tap_gap_hours` (10).

Cannot tell: no uncancelled shift at the site within 24 hours, no `unscheduled`; no punch ever at
the site before the shift's start, no `no_show`, for it has not begun to report; none of these and
no `post_empty` while the roster is declared incomplete. While a spell is open nobody can tell that
its person has gone before the shift is over.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from models.policy import Policy
from models.policy.schedule_mismatch import ScheduleMismatch
from worker.rules.absences import COVERED, in_words, is_covered, leave_of, told_of, why_not_on_leave
from worker.rules.acts import counts_for_nothing
from worker.rules.attendance import (
    covered_by_another,
    is_attended,
    own_shifts_elsewhere,
    own_shifts_within_reach,
    reach_begins,
    shift_of_check_in,
    shift_of_check_out,
    shift_of_lone,
    shift_of_spell,
    shifts_during,
)
from worker.rules.checking_out import checks_out, share_closed
from worker.rules.evidence import (
    clock,
    done,
    duration,
    expected_people,
    found,
    instant,
    names_of,
    nothing,
)
from worker.rules.finding import Finding, Findings
from worker.rules.posts import empty_since, why_not_empty
from worker.rules.roster import (
    came_in_place_before,
    early_for,
    excuse,
    further_check_in,
    goes_on_working,
    is_unauthorized,
    is_wrong_person,
    roves,
    roving_sites,
    site_is_rostered,
    stood_in,
)
from worker.rules.sources import Silence, silence_of
from worker.rules.spells import Spell, lone_punches, spell_before, spell_of, spells_of
from worker.rules.window import Punch, Shift, Window

TYPE = "SCHEDULE_MISMATCH"


def detect(window: Window) -> Findings:
    for punch in window.punches_to_judge:
        policy = window.policy_of(punch)
        if punch.is_check_in:
            if window.explaining or not _as_planned(window, punch, policy):
                yield from _late(window, punch, policy)
                yield from _early(window, punch, policy)
                yield from _wrong_site(window, punch, policy)
                yield from _unscheduled(window, punch, policy)
            yield from _on_leave(window, punch, policy)
            yield from _missing_check_out(window, punch, policy)
        else:
            yield from _left_early(window, punch, policy)
            yield from _missing_check_in(window, punch, policy)
    for shift in window.shifts_to_judge:
        yield from _no_show(window, shift, window.policy_of(shift))
        yield from _post_empty(window, shift, window.policy_of(shift))


def _as_planned(window: Window, punch: Punch, policy: Policy) -> bool:
    """Whether own shifts are within reach, all here and begun no longer ago than the grace."""
    own_shifts = own_shifts_within_reach(window, punch)
    since = punch.occurred_at - timedelta(minutes=policy.grace_minutes)
    return bool(own_shifts) and all(
        shift.site_id == punch.site_id and shift.starts_at >= since for shift in own_shifts
    )


def _late(window: Window, punch: Punch, policy: Policy) -> Findings:
    shift = shift_of_check_in(window, punch)
    because = _why_not_late(window, punch, shift, policy)
    if shift and not because:
        late = (punch.occurred_at - shift.starts_at).total_seconds()
        yield found(
            window,
            punch,
            TYPE,
            "late",
            policy.of(ScheduleMismatch).late_severity,
            0.95,
            f"{done(punch)} {duration(late)} after the shift's start at "
            f"{clock(window, shift.site_id, shift.starts_at)}; "
            f"{policy.grace_minutes:g} min are allowed.",
            observed=late / 60,
            limit=policy.grace_minutes,
            unit="min",
            shifts=[shift],
        )
    elif window.explaining:
        yield nothing(punch, TYPE, "late", because)


def _why_not_late(window: Window, punch: Punch, shift: Shift | None, policy: Policy) -> str:
    if shift is None:
        return "it belongs to no shift"
    if punch.occurred_at <= shift.starts_at + timedelta(minutes=policy.grace_minutes):
        return f"it comes by the shift's start plus {policy.grace_minutes:g} min"
    if punch.occurred_at > shift.ends_at:
        return "a lone tap after the shift's end is likelier a check-out"
    if is_covered(window, shift, punch.person_id):
        return COVERED
    if further_check_in(window, punch):
        return "it repeats a check-in here"
    first = _first_check_in(window, punch, shift)
    if first and window.comes_before(first, punch):
        return "it is not the first check-in for the shift"
    if _was_here(window, punch, shift):
        return "the person was in a spell here at the shift's start"
    return (
        "somebody else attends the shift"
        if covered_by_another(window, shift, punch.person_id)
        else ""
    )


def _first_check_in(window: Window, punch: Punch, shift: Shift) -> Punch | None:
    """Return the first of the person's check-ins that belong to the shift."""
    key = ("first", punch.person_id, shift.shift_id)
    if key not in window.memo:
        check_ins = window.check_ins_at(punch, shift.site_id)
        times = slice(
            bisect_left(check_ins, reach_begins(window, shift), key=_when),
            bisect_right(check_ins, shift.ends_at, key=_when),
        )
        own = (p for p in check_ins[times] if shift_of_check_in(window, p) == shift)
        window.memo[key] = next(own, None)
    first: Punch | None = window.memo[key]
    return first


def _checks_in_again(window: Window, punch: Punch, shift: Shift) -> bool:
    """Whether the person checks in at the shift's site, or where they rove, after this punch, up to
    the shift's end.
    """
    for site_id in (shift.site_id, *roving_sites(window, punch.person_id)):
        check_ins = window.check_ins_at(punch, site_id)
        place = bisect_right(check_ins, window.place_of(punch), key=window.place_of)
        for check_in in check_ins[place:]:
            if check_in.occurred_at > shift.ends_at:
                break
            if site_id == shift.site_id or roves(
                window, punch.person_id, site_id, check_in.occurred_at
            ):
                return True
    return False


def _checked_in_before(window: Window, punch: Punch, shift: Shift) -> bool:
    """Whether the person checked in at the shift's site within its reach, before this punch."""
    check_ins = window.check_ins_at(punch, shift.site_id)
    place = bisect_left(check_ins, window.place_of(punch), key=window.place_of)
    return place > 0 and check_ins[place - 1].occurred_at >= reach_begins(window, shift)


def _checks_out_later(window: Window, punch: Punch, shift: Shift) -> bool:
    """Whether a check-out of the person that closes no spell follows this punch and belongs to the
    shift.
    """
    key = ("last lone", punch.person_id)
    if key not in window.memo:
        last_of: dict[str, Punch] = {}  # by shift_id
        for other in lone_punches(window, punch.person_id):
            belongs_to = None if other.is_check_in else shift_of_lone(window, other)
            if belongs_to:
                last_of[belongs_to.shift_id] = other
        window.memo[key] = last_of
    last: Punch | None = window.memo[key].get(shift.shift_id)
    return last is not None and window.comes_before(punch, last)


def _when(punch: Punch) -> datetime:
    return punch.occurred_at


def _was_here(window: Window, punch: Punch, shift: Shift) -> bool:
    key = ("was here", punch.person_id, shift.shift_id)
    if key not in window.memo:
        window.memo[key] = any(
            spell.site_id == shift.site_id
            and spell.check_in.occurred_at <= shift.starts_at <= spell.until
            for spell in spells_of(window, punch.person_id)
        )
    was_here: bool = window.memo[key]
    return was_here


def _shift_left(window: Window, punch: Punch) -> Shift | None:
    """Return the shift that a check-out belongs to: that of a spell where the person roves may be
    elsewhere.
    """
    spell = spell_of(window, punch)
    shift = shift_of_check_out(window, punch)
    if shift or spell is None:
        return shift
    began = spell.check_in
    if not roves(window, began.person_id, began.site_id, began.occurred_at):
        return None
    on = own_shifts_within_reach(window, began)
    nearest = min(
        on, key=lambda own: (abs(own.starts_at - began.occurred_at), own.shift_id), default=None
    )
    further = [
        own
        for own in window.shifts_of.get(began.person_id, ())
        if began.occurred_at < own.starts_at < spell.until
    ]
    reached = [*([nearest] if nearest else []), *further]
    return max(reached, key=lambda own: own.starts_at, default=None)


def _left_early(window: Window, punch: Punch, policy: Policy) -> Findings:
    shift = _shift_left(window, punch)
    because = _why_not_left_early(window, punch, shift, policy)
    if shift and not because:
        early = (shift.ends_at - punch.occurred_at).total_seconds()
        elsewhere = "" if shift.site_id == punch.site_id else " of the shift at another site"
        yield found(
            window,
            punch,
            TYPE,
            "left_early",
            policy.of(ScheduleMismatch).left_early_severity,
            0.95,
            f"{done(punch)} {duration(early)} before the end{elsewhere} at "
            f"{clock(window, punch.site_id, shift.ends_at)} and did not come back; "
            f"{policy.grace_minutes:g} min are allowed.",
            observed=early / 60,
            limit=policy.grace_minutes,
            unit="min",
            shifts=[shift],
        )
    elif window.explaining:
        yield nothing(punch, TYPE, "left_early", because)


def _why_not_left_early(window: Window, punch: Punch, shift: Shift | None, policy: Policy) -> str:
    if shift is None:
        return "it belongs to no shift"
    if window.as_of <= shift.ends_at:
        return "the shift is not over"
    if punch.occurred_at >= shift.ends_at - timedelta(minutes=policy.grace_minutes):
        return f"it comes at most {policy.grace_minutes:g} min before the shift's end"
    if is_covered(window, shift, punch.person_id):
        return COVERED
    spell = spell_of(window, punch)
    if (
        (spell and spell.check_out is not punch)
        or _checks_out_later(window, punch, shift)
        or _spell_ends_later(window, punch, shift)
    ):
        return "a later check-out is for the shift"
    if _checks_in_again(window, punch, shift):
        return "the person checked in there again"
    if covered_by_another(window, shift, punch.person_id):
        return "somebody else attends the shift"
    return ""


def _spell_ends_later(window: Window, punch: Punch, shift: Shift) -> bool:
    """Whether a spell that seemed over ends with a check-out elsewhere after this one, which closes
    none, and belongs to the shift.
    """
    before = spell_before(window, punch, anywhere=True)
    end = before.check_out if before else None
    return (
        before is not None
        and end is not None
        and window.comes_before(punch, end)
        and shift_of_spell(window, before, end.occurred_at) == shift
    )


def _missing_check_in(window: Window, punch: Punch, policy: Policy) -> Findings:
    lone = spell_of(window, punch) is None and not counts_for_nothing(window, punch)
    shift = shift_of_lone(window, punch) if lone else None
    if shift and not _checked_in_before(window, punch, shift):
        yield found(
            window,
            punch,
            TYPE,
            "missing_check_in",
            policy.of(ScheduleMismatch).missing_check_in_severity,
            0.80,
            f"{done(punch)} without a check-in for the shift from "
            f"{clock(window, shift.site_id, shift.starts_at)} to "
            f"{clock(window, shift.site_id, shift.ends_at)}.",
            observed=0,
            limit=1,
            unit="check-ins for the shift",
            shifts=[shift],
        )
    elif window.explaining:
        because = "the person checked in for the shift" if shift else "it belongs to no shift here"
        yield nothing(punch, TYPE, "missing_check_in", because if lone else "it closes a spell")


def _early(window: Window, punch: Punch, policy: Policy) -> Findings:
    shift = early_for(window, punch)
    if shift:
        early = (shift.starts_at - punch.occurred_at).total_seconds()
        usual = window.policy_of(shift).early_window_minutes
        yield found(
            window,
            punch,
            TYPE,
            "early",
            policy.of(ScheduleMismatch).early_severity,
            0.95,
            f"{done(punch)} {duration(early)} before the next shift here, at "
            f"{clock(window, shift.site_id, shift.starts_at)}; "
            f"{usual:g} min are usual.",
            observed=early / 60,
            limit=usual,
            unit="min",
            shifts=[shift],
        )
    elif window.explaining:
        because = (
            "a shift of theirs is within reach, or none here starts within "
            f"{policy.early_limit_hours:g} h"
        )
        yield nothing(punch, TYPE, "early", because)


def _wrong_site(window: Window, punch: Punch, policy: Policy) -> Findings:
    elsewhere = [
        shift
        for shift in own_shifts_elsewhere(window, punch)
        if not covered_by_another(window, shift, punch.person_id)
    ]
    because = excuse(window, punch)
    if any(shift.site_id == punch.site_id for shift in own_shifts_within_reach(window, punch)):
        because = "a shift of theirs here is within reach"
    if elsewhere and not because:
        first = elsewhere[0]
        starts_at = clock(window, punch.site_id, first.starts_at)
        ends_at = clock(window, punch.site_id, first.ends_at)
        yield found(
            window,
            punch,
            TYPE,
            "wrong_site",
            policy.of(ScheduleMismatch).wrong_site_severity,
            0.85,
            f"{done(punch)} here while the person's shift from {starts_at} to {ends_at} is at "
            "another site.",
            observed="here",
            limit="another site",
            shifts=elsewhere,
            starts_at=instant(first.starts_at),
            ends_at=instant(first.ends_at),
        )
    elif window.explaining:
        yield nothing(
            punch,
            TYPE,
            "wrong_site",
            because or "no shift of theirs elsewhere is within reach and theirs to attend",
        )


def _unscheduled(window: Window, punch: Punch, policy: Policy) -> Findings:
    because = _why_not_unscheduled(window, punch)
    if not because:
        yield found(
            window,
            punch,
            TYPE,
            "unscheduled",
            policy.of(ScheduleMismatch).unscheduled_severity,
            0.70,
            f"{done(punch)} at {clock(window, punch.site_id, punch.occurred_at)} "
            "without a shift anywhere, while the site is rostered.",
            observed=0,
            limit=1,
            unit="own shifts within reach",
        )
    elif window.explaining:
        yield nothing(punch, TYPE, "unscheduled", because)


def _why_not_unscheduled(window: Window, punch: Punch) -> str:
    if not window.roster_complete:
        return "the roster is declared incomplete"
    if own_shifts_within_reach(window, punch) or own_shifts_elsewhere(window, punch):
        return "a shift of theirs is within reach"
    if early_for(window, punch):
        return "their next shift here starts soon: that is `early`"
    if not site_is_rostered(window, punch):
        return "no shift at the site is within 24 h: no roster"
    if is_wrong_person(window, punch):
        return "it is a wrong person"
    if is_unauthorized(window, punch):
        return "it is an unauthorized site"
    if came_in_place_before(window, punch):
        return "an earlier check-in of theirs already stands for a shift here"
    return goes_on_working(window, punch) or excuse(window, punch)


def _on_leave(window: Window, punch: Punch, policy: Policy) -> Findings:
    leave = leave_of(window, punch)
    because = why_not_on_leave(window, punch) if leave else "no absence of theirs holds then"
    if leave and not because:
        yield found(
            window,
            punch,
            TYPE,
            "on_leave",
            policy.of(ScheduleMismatch).on_leave_severity,
            0.70,
            f"{done(punch)} at {clock(window, punch.site_id, punch.occurred_at)} while on leave "
            f"from {in_words(window, punch, leave.since)} to "
            f"{in_words(window, punch, leave.until)}.",
            observed=1,
            limit=0,
            unit="check-ins within an own absence",
            **told_of(leave),
        )
    elif window.explaining:
        yield nothing(punch, TYPE, "on_leave", because)


def _missing_check_out(window: Window, punch: Punch, policy: Policy) -> Findings:
    limit = timedelta(hours=policy.missing_check_out_after_hours)
    spell = spell_of(window, punch)
    if (
        spell
        and not window.explaining
        and (spell.check_out or window.as_of - spell.check_in.occurred_at <= limit)
    ):
        return  # its shift, which ends no sooner than it begins, cannot have been over for so long
    shift = shift_of_spell(window, spell, spell.until) if spell else None
    because = _why_not_missing(window, punch, spell, shift, policy)
    if shift and not because:
        yield found(
            window,
            punch,
            TYPE,
            "missing_check_out",
            policy.of(ScheduleMismatch).missing_check_out_severity,
            0.80,
            "No check-out for the shift that ended at "
            f"{clock(window, shift.site_id, shift.ends_at)}, more than "
            f"{policy.missing_check_out_after_hours:g} h after its end.",
            observed=f"more than {policy.missing_check_out_after_hours:g}",
            limit=policy.missing_check_out_after_hours,
            unit="h",
            shifts=[shift],
        )
    elif window.explaining:
        yield nothing(punch, TYPE, "missing_check_out", because)


def _why_not_missing(
    window: Window, punch: Punch, spell: Spell | None, shift: Shift | None, policy: Policy
) -> str:
    hours = policy.missing_check_out_after_hours
    if spell is None or spell.last_check_in is not punch or spell.check_out or shift is None:
        return (
            "it has a check-out, is not the last of repeated check-ins, or its spell has no shift"
        )
    if window.as_of - shift.ends_at <= timedelta(hours=hours):
        return f"the shift has not been over for more than {hours:g} h"
    if _comes_again(window, punch, shift):
        return "a later check-in is for the shift"
    if _checks_out_later(window, punch, shift):
        return "a later check-out is for the shift"
    if _goes_on(window, punch, spell):
        return "the person went on into a further shift here"
    if covered_by_another(window, shift, punch.person_id):
        return "somebody else attends the shift"
    if checks_out(window, spell.check_in) == "no":
        return f"the person does not check out here: {share_closed(window, spell.check_in)}"
    return ""


def _comes_again(window: Window, punch: Punch, shift: Shift) -> bool:
    """Whether a later check-in of the person here reaches the shift."""
    check_ins = window.check_ins_at(punch, shift.site_id)
    place = bisect_right(check_ins, window.place_of(punch), key=window.place_of)
    following = takewhile(lambda later: later.occurred_at <= shift.ends_at, check_ins[place:])
    return any(
        shift_of_check_in(window, later) == shift
        or ((spell := spell_of(window, later)) and shift in shifts_during(window, spell))
        for later in following
    )


def _goes_on(window: Window, punch: Punch, spell: Spell) -> bool:
    """Whether the person's next punch after this one, of a spell here, is a check-in here about
    when a further own shift starts that adjoins one of the spell's: so they went on into it.
    """
    following = window.next(punch)
    if following is None or not following.is_check_in or following.site_id != spell.site_id:
        return False
    handover = timedelta(minutes=window.policy_of(following).handover_minutes)
    reached = shifts_during(window, spell)
    return any(
        other.site_id == spell.site_id
        and abs(following.occurred_at - other.starts_at) <= handover
        and any(shift.starts_at < other.starts_at <= shift.ends_at + handover for shift in reached)
        and not covered_by_another(window, other, punch.person_id)
        for other in window.shifts_of.get(punch.person_id, ())
    )


def _no_show(window: Window, shift: Shift, policy: Policy) -> Findings:
    because = _why_not_no_show(window, shift, policy)
    stand_in = None if because else stood_in(window, shift)
    silence = None if because or stand_in else silence_of(window, shift)
    if stand_in:
        yield _missed(
            window,
            shift,
            policy,
            "stood_in_for",
            policy.of(ScheduleMismatch).stood_in_for_severity,
            0.60,
            "; but somebody else checked in in their place at "
            f"{clock(window, shift.site_id, stand_in.occurred_at)}.",
            [stand_in],
        )
    elif silence:
        yield _missed(
            window,
            shift,
            policy,
            "no_show_unheard",
            policy.of(ScheduleMismatch).no_show_unheard_severity,
            0.40,
            f"; but nothing came of {_source(window, shift, silence)} at that time, while others "
            "were due as well.",
            device_id=silence.device_id,
        )
    elif not because:
        yield _missed(
            window,
            shift,
            policy,
            "no_show",
            policy.of(ScheduleMismatch).no_show_severity,
            0.95,
            ".",
        )
    elif window.explaining:
        yield nothing(shift, TYPE, "no_show", because)


def _missed(
    window: Window,
    shift: Shift,
    policy: Policy,
    reason: str,
    severity: str,
    confidence: float,
    circumstances: str,
    punches: Sequence[Punch] = (),
    **more: Any,
) -> Finding:
    """Return that nobody entitled came for the shift, and under which circumstances."""
    minutes = policy.of(ScheduleMismatch).no_show_after_minutes
    expected = list(dict.fromkeys(shift.entitled))
    names = names_of(window, expected if shift.person_left else [shift.person_id], shift.starts_at)
    return found(
        window,
        shift,
        TYPE,
        reason,
        severity,
        confidence,
        f"Nobody entitled came for the shift of {names} from "
        f"{clock(window, shift.site_id, shift.starts_at)} to "
        f"{clock(window, shift.site_id, shift.ends_at)}; "
        f"{minutes:g} min after its start were allowed{circumstances}",
        observed=f"more than {minutes:g}",
        limit=minutes,
        unit="min",
        punches=punches,
        **expected_people(window, expected, shift.starts_at),
        **more,
    )


def _source(window: Window, shift: Shift, silence: Silence) -> str:
    """Return in words what was silent."""
    if silence.device_id:
        return f"the device {silence.device_id}, by which the person usually punches here,"
    return window.site_name(shift.site_id, shift.starts_at)


def _why_not_no_show(window: Window, shift: Shift, policy: Policy) -> str:
    if not window.roster_complete:
        return "the roster is declared incomplete"
    minutes = policy.of(ScheduleMismatch).no_show_after_minutes
    if window.as_of <= shift.starts_at + timedelta(minutes=minutes):
        return f"the shift did not begin more than {minutes:g} min ago"
    if is_covered(window, shift, shift.person_id):
        return COVERED
    began = window.first_punch_at.get(shift.site_id)
    if began is None or began >= shift.starts_at:
        return "the site had not begun to report"
    return "somebody entitled attends it" if is_attended(window, shift) else ""


def _post_empty(window: Window, shift: Shift, policy: Policy) -> Findings:
    own = policy.of(ScheduleMismatch)
    because = why_not_empty(window, shift)
    if not because:
        last = empty_since(window, shift)
        yield found(
            window,
            shift,
            TYPE,
            "post_empty",
            own.post_empty_severity,
            0.85,
            "Nobody entitled has been here since "
            f"{clock(window, shift.site_id, last.until)}, while the shift goes on to "
            f"{clock(window, shift.site_id, shift.ends_at)}; "
            f"{own.post_empty_minutes:g} min are allowed.",
            observed=f"more than {own.post_empty_minutes:g}",
            limit=own.post_empty_minutes,
            unit="min",
            punches=[last.check_out] if last.check_out else [],
            empty_since=instant(last.until),
            **expected_people(window, shift.entitled, shift.starts_at),
        )
    elif window.explaining:
        yield nothing(shift, TYPE, "post_empty", because)
