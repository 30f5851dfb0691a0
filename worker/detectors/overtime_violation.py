"""Overtime Violation: more work within 24 hours than allowed, or a spell still running past that.

Looks at: the person's spells. A spell runs from a check-in to the person's next punch, if that is a
check-out, at whichever site; a double tap only repeats its check-in. An earlier check-in without a
check-out, and a spell longer than `max_spell_hours`, has an unknown end and counts as no work. What
is a spell is for the policy of its own site to say, the limit for that of the subject. All
arithmetic is on instants, so nights of a clock change have the hours they really have.

- `worked_too_long` (HIGH 0.98): work in closed spells within the 24 h ending at a check-out,
  counting only what lies inside them, exceeds `max_work_hours`. LOW 0.50 where the rostered shift
  of the spell ended more than `missing_check_out_after_hours` before the check-out: a forgotten one
  made up for.
- `still_working` (HIGH 0.98): a spell open at this moment has passed the limit by at most
  `missing_check_out_after_hours`. LOW 0.50 once the rostered shift of that spell is over: a
  forgotten check-out is likelier.

The subject is the spell's check-in. The rostered shift of a spell is that of its check-in or, where
it runs on into further own shifts there, the last of them that has started: so both halves of a
double shift count.

Policy: `worked_too_long_severity`, `still_working_severity`, `forgotten_check_out_severity` (LOW),
`max_work_hours` (16), `missing_check_out_after_hours` (6), `max_spell_hours` (36), `repeat_minutes`
(10).

Cannot tell: work without punches, and how much of a spell was a break.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate

from models.policy import Policy
from models.policy.overtime_violation import OvertimeViolation
from worker.rules.attendance import shift_of_spell
from worker.rules.evidence import duration, found, instant, nothing
from worker.rules.finding import Finding, Findings
from worker.rules.spells import Spell, spell_of, spells_of
from worker.rules.uses import MOST_NAMED
from worker.rules.window import Punch, Shift, Window

TYPE = "OVERTIME_VIOLATION"

DAY = timedelta(hours=24)


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
    worked, counted, spells = _work(window, spell.person_id, check_out.occurred_at)
    if worked <= timedelta(hours=policy.max_work_hours):
        if window.explaining:
            because = (
                f"{duration(worked.total_seconds())} within the 24 h before its check-out "
                f"is within {policy.max_work_hours:g} h"
            )
            yield nothing(spell.check_in, TYPE, "worked_too_long", because)
        return
    shift = shift_of_spell(window, spell, check_out.occurred_at)
    late = timedelta(hours=policy.missing_check_out_after_hours)
    own = policy.of(OvertimeViolation)
    forgotten = shift is not None and check_out.occurred_at - shift.ends_at > late
    doubt = (
        ". The shift was long over at the check-out, which may make up for a forgotten one"
        if forgotten
        else ""
    )
    yield found(
        window,
        spell.check_in,
        TYPE,
        "worked_too_long",
        own.forgotten_check_out_severity if forgotten else own.worked_too_long_severity,
        0.50 if forgotten else 0.98,
        f"Worked {duration(worked.total_seconds())} within 24 hours; "
        f"the limit is {policy.max_work_hours:g} h{doubt}.",
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


def _work(
    window: Window, person_id: int, until: datetime
) -> tuple[timedelta, Sequence[Spell], int]:
    """Return the work in closed spells within the 24 h ending at `until`; the last of the spells it
    lies in, as many as evidence may name and one; and how many these spells are.
    """
    closed, worked_before = _closed(window, person_id)
    since = until - DAY
    first = bisect_right(closed, since, key=_ends)
    last = bisect_left(closed, until, first, key=_begins)
    if first == last:
        return timedelta(0), [], 0
    worked = worked_before[last] - worked_before[first]
    worked -= max(since - closed[first].check_in.occurred_at, timedelta(0))
    worked -= max(_ends(closed[last - 1]) - until, timedelta(0))
    return worked, closed[max(first, last - MOST_NAMED - 1) : last], last - first


def _closed(window: Window, person_id: int) -> tuple[list[Spell], list[timedelta]]:
    """Return the person's closed spells in order, none of which overlap; and, for each place among
    them, the work in all before it.
    """
    key = ("closed", person_id)
    if key not in window.memo:
        closed = [spell for spell in spells_of(window, person_id) if spell.check_out]
        lengths = (_ends(spell) - _begins(spell) for spell in closed)
        window.memo[key] = closed, list(accumulate(lengths, initial=timedelta(0)))
    closed_spells: tuple[list[Spell], list[timedelta]] = window.memo[key]
    return closed_spells


def _begins(spell: Spell) -> datetime:
    return spell.check_in.occurred_at


def _ends(closed: Spell) -> datetime:
    return closed.until


def _still_working(window: Window, spell: Spell, policy: Policy) -> Findings:
    running = window.as_of - spell.check_in.occurred_at
    limit = timedelta(hours=policy.max_work_hours)
    if limit < running <= limit + timedelta(hours=policy.missing_check_out_after_hours):
        yield _open(window, spell, policy)
    elif window.explaining:
        because = (
            f"the open spell has run for {duration(max(0.0, running.total_seconds()))}, "
            "which is not between the limit and forgotten"
        )
        yield nothing(spell.check_in, TYPE, "still_working", because)


def _open(window: Window, spell: Spell, policy: Policy) -> Finding:
    shift: Shift | None = shift_of_spell(window, spell, window.as_of)
    own = policy.of(OvertimeViolation)
    over = shift is not None and shift.ends_at < window.as_of
    ends = spell.check_in.occurred_at + timedelta(hours=policy.max_work_hours)
    return found(
        window,
        spell.check_in,
        TYPE,
        "still_working",
        own.forgotten_check_out_severity if over else own.still_working_severity,
        0.50 if over else 0.98,
        f"Checked in more than {policy.max_work_hours:g} h ago and not checked out"
        f"{'; the shift is over, so the check-out may have been forgotten' if over else ''}.",
        observed=f"more than {policy.max_work_hours:g}",
        limit=policy.max_work_hours,
        unit="h",
        shifts=[shift] if shift else [],
        limit_passed_at=instant(ends),
    )


def _hours(length: timedelta) -> float:
    return round(length.total_seconds() / 3600, 3)
