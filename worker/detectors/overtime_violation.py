"""Overtime Violation: more work within 24 hours than allowed, or a spell still running past that.

Looks at: the person's spells. A spell runs from a check-in to the person's next punch, if that is a
check-out, at whichever site; a double tap only repeats its check-in, a check-out soon after it that
a further one there follows is a bounce, and further check-outs there, each at most
`handover_minutes` after the one before, move the end. An earlier check-in without a check-out, a
lone tap, and a spell longer than `max_spell_hours`, has an unknown end and counts as no work. What
is a spell is for the policy of its own site to say, the limit for that of the subject. All
arithmetic is on instants, so nights of a clock change have the hours they really have.

- `worked_too_long` (HIGH 0.98): work in closed spells within the 24 h ending at a check-out,
  counting only what lies inside them, exceeds `max_work_hours`. LOW 0.50 where the last own shift
  of the spell ended more than `missing_check_out_after_hours` before the check-out, where the spell
  has a stretch of more than that outside its own shifts, and where it holds no own shift and either
  is longer than `max_work_hours` and `missing_check_out_after_hours` together or its person does
  not check out there: a punch was forgotten, and the pair is no work to other sums. Nothing where
  the spell's own shifts are planned as long, and it exceeds them by no more than `grace_minutes`.
- `still_working` (HIGH 0.98): a spell open at this moment has passed the limit by at most
  `missing_check_out_after_hours`. LOW 0.50 once the last own shift of that spell that has started
  is over, and where the check-in lies within `holdover_minutes` after an own shift there, the wrong
  button: a forgotten check-out is likelier. LOW 0.50 also where too few spells tell whether the
  person checks out there; nothing where the person does not.

Who checks out: everybody by a device that is declared not shared. Elsewhere whoever closed at least
half of their spells that began at the site in the 14 days before there, within `max_work_hours`;
with fewer than 3 such spells, whoever is at a site where that holds of all people's spells
together, at least 10.

The subject is the spell's check-in. The own shifts of a spell are that of its check-in and all
there of which it shares more than an instant, also as a substitute. The last that has started is
that of its check-in or, where it runs on into further ones, the last of these, without those only
substituted in that somebody else attends: so both halves of a double shift count.

Policy: `worked_too_long_severity`, `still_working_severity`, `forgotten_check_out_severity` (LOW),
`max_work_hours` (16), `missing_check_out_after_hours` (6), `max_spell_hours` (36), `repeat_minutes`
(10), `handover_minutes` (30), `holdover_minutes` (120), `grace_minutes` (15).

Cannot tell: work without punches, and how much of a spell was a break.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from models.policy import Policy
from models.policy.overtime_violation import OvertimeViolation
from worker.rules.attendance import shift_of_spell, shifts_during
from worker.rules.checking_out import checks_out, share_closed
from worker.rules.evidence import done, duration, found, instant, nothing
from worker.rules.finding import Finding, Findings
from worker.rules.roster import held_over
from worker.rules.spells import Spell, spell_of
from worker.rules.uses import MOST_NAMED
from worker.rules.window import Punch, Shift, Window
from worker.rules.work import DAY, closed_spells, length, work_until

TYPE = "OVERTIME_VIOLATION"


def detect(window: Window) -> Findings:
    for punch in window.punches_to_judge:
        policy = window.policy_of(punch)
        spell = spell_of(window, punch) if punch.is_check_in else None
        if spell is None or spell.check_in is not punch:
            if window.explaining:
                yield nothing(punch, TYPE, "worked_too_long", "it begins no spell")
        elif spell.check_out:
            yield from _worked_too_long(window, spell, spell.check_out, policy)
        elif spell.is_open:
            yield from _still_working(window, spell, policy)
        elif window.explaining:
            yield nothing(punch, TYPE, "worked_too_long", "the spell's end is unknown")


def _worked_too_long(window: Window, spell: Spell, check_out: Punch, policy: Policy) -> Findings:
    limit = timedelta(hours=policy.max_work_hours)
    if not window.explaining and not _may_be_too_long(window, spell, limit):
        return
    worked, counted, spells = _work(window, spell)
    because = _why_not_too_long(window, spell, worked, policy)
    if because:
        if window.explaining:
            yield nothing(spell.check_in, TYPE, "worked_too_long", because)
        return
    shift = shift_of_spell(window, spell, check_out.occurred_at)
    own = policy.of(OvertimeViolation)
    forgotten = _why_forgotten(window, spell)
    yield found(
        window,
        spell.check_in,
        TYPE,
        "worked_too_long",
        own.forgotten_check_out_severity if forgotten else own.worked_too_long_severity,
        0.50 if forgotten else 0.98,
        f"Worked {duration(worked.total_seconds())} within 24 hours; "
        f"the limit is {policy.max_work_hours:g} h{'. ' if forgotten else ''}{forgotten}.",
        observed=_hours(worked),
        limit=policy.max_work_hours,
        unit="h",
        punches=[
            p for s in counted for p in (s.check_in, s.check_out) if p and p is not spell.check_in
        ],
        others=2 * spells - 1,
        shifts=[shift] if shift else [],
        until=instant(check_out.occurred_at),
        spells=spells,
    )


def _why_not_too_long(window: Window, spell: Spell, worked: timedelta, policy: Policy) -> str:
    if worked <= timedelta(hours=policy.max_work_hours):
        return (
            f"{duration(worked.total_seconds())} within the 24 h before its check-out "
            f"is within {policy.max_work_hours:g} h"
        )
    own_shifts = _united(shifts_during(window, spell))
    planned = sum((until - since for since, until in own_shifts), timedelta(0))
    grace = timedelta(minutes=policy.grace_minutes)
    if max(worked, length(spell)) <= planned + grace:
        return f"its own shifts are {duration(planned.total_seconds())}: it was planned so"
    return ""


def _work(window: Window, spell: Spell) -> tuple[timedelta, Sequence[Spell], int]:
    """Return the work in closed spells within the 24 h ending as this spell does; the last of the
    spells it lies in, as many as evidence may name and one; and how many these spells are.

    A forgotten pair is no work, but to itself.
    """
    forgotten = _why_forgotten(window, spell)
    closed = closed_spells(window, spell.person_id, _is_work)
    worked, first, last = work_until(closed, spell.until)
    counted = closed.spells[max(first, last - MOST_NAMED - 1) : last]
    if not forgotten:
        return worked, counted, last - first
    return worked + min(length(spell), DAY), [*counted, spell], last - first + 1


def _may_be_too_long(window: Window, spell: Spell, limit: timedelta) -> bool:
    """Whether it would be too long if no pair were forgotten: most are not, which is cheap to
    tell.
    """
    worked, _, _ = work_until(closed_spells(window, spell.person_id), spell.until)
    return worked > limit


def _is_work(window: Window, spell: Spell) -> bool:
    return not _why_forgotten(window, spell)


def _why_forgotten(window: Window, spell: Spell) -> str:
    """Return why the punches of a closed spell are likelier a pair of which one made up for a
    forgotten one; '' where they are not.
    """
    policy = window.policy_of(spell.check_in)
    wait = timedelta(hours=policy.missing_check_out_after_hours)
    begun = [shift for shift in shifts_during(window, spell) if shift.starts_at < spell.until]
    if not begun:
        return _why_unplanned(window, spell, timedelta(hours=policy.max_work_hours) + wait)
    if length(spell) <= wait:
        return ""
    last = shift_of_spell(window, spell, spell.until)
    if last and spell.until - last.ends_at > wait:
        return "The shift was long over at the check-out, which may make up for a forgotten one"
    covered, apart = spell.check_in.occurred_at, timedelta(0)
    for since, until in [*_united(begun), (spell.until, spell.until)]:
        apart = max(apart, since - covered)
        covered = max(covered, until)
    if apart > wait:
        return "Much of it lies outside the shifts planned, so a punch may have been forgotten"
    return ""


def _why_unplanned(window: Window, spell: Spell, longest: timedelta) -> str:
    if length(spell) > longest:
        return "No shift was planned, so a check-out may have been forgotten"
    if checks_out(window, spell.check_in) == "no":
        return (
            "No shift was planned, and people seldom check out here, so one may have been forgotten"
        )
    return ""


def _united(shifts: Sequence[Shift]) -> list[tuple[datetime, datetime]]:
    """Return from when to when any of these shifts, by start, is planned: none overlapping."""
    spans: list[tuple[datetime, datetime]] = []
    for shift in shifts:
        if spans and shift.starts_at <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], shift.ends_at)
        else:
            spans.append((shift.starts_at, shift.ends_at))
    return spans


def _still_working(window: Window, spell: Spell, policy: Policy) -> Findings:
    running = window.as_of - spell.check_in.occurred_at
    limit = timedelta(hours=policy.max_work_hours)
    because = ""
    if not limit < running <= limit + timedelta(hours=policy.missing_check_out_after_hours):
        because = (
            f"the open spell has run for {duration(max(0.0, running.total_seconds()))}, "
            "which is not between the limit and forgotten"
        )
    elif checks_out(window, spell.check_in) == "no":
        because = f"the person does not check out here: {share_closed(window, spell.check_in)}"
    if not because:
        yield _open(window, spell, policy)
    elif window.explaining:
        yield nothing(spell.check_in, TYPE, "still_working", because)


def _open(window: Window, spell: Spell, policy: Policy) -> Finding:
    shift: Shift | None = shift_of_spell(window, spell, window.as_of)
    own = policy.of(OvertimeViolation)
    doubt = _why_not_there(window, spell, shift)
    ends = spell.check_in.occurred_at + timedelta(hours=policy.max_work_hours)
    return found(
        window,
        spell.check_in,
        TYPE,
        "still_working",
        own.forgotten_check_out_severity if doubt else own.still_working_severity,
        0.50 if doubt else 0.98,
        f"{done(spell.check_in)} more than {policy.max_work_hours:g} h ago and not checked out"
        f"{doubt}.",
        observed=f"more than {policy.max_work_hours:g}",
        limit=policy.max_work_hours,
        unit="h",
        shifts=[shift] if shift else [],
        limit_passed_at=instant(ends),
    )


def _why_not_there(window: Window, spell: Spell, shift: Shift | None) -> str:
    """Return, as the end of a sentence, why a check-out of the open spell is likelier to have been
    forgotten; '' where it is not.
    """
    if shift is not None and shift.ends_at < window.as_of:
        return "; the shift is over, so the check-out may have been forgotten"
    if held_over(window, spell.check_in):
        return "; a shift here had just ended, so it may have been the wrong button"
    if checks_out(window, spell.check_in) == "cannot tell":
        return "; too few spells here tell whether people check out, so it may not be usual"
    return ""


def _hours(length: timedelta) -> float:
    return round(length.total_seconds() / 3600, 3)
