"""Unauthorized Site Access: the person has no business at this site.

Looks at: the roster's people, the assignments to the site that are valid at the punch, and the
person's shifts there.

- `unknown_person` (CRITICAL 0.90): the person is not in the roster.
- `not_assigned` (`unauthorized_severity`, CRITICAL, 0.90): no assignment to this site is valid
  then, and the person is entitled to no shift here within reach.

Both are asked of, and told at, the first check-in of a work period only: of spells here with gaps
of at most `max_break_minutes`. A check-out that closes a spell at this site, or seemed to before a
further one did, was judged with its check-in; any other is judged like a check-in. A further
check-in while already checked in, a punch just after an own shift here, and one shortly before an
own shift here are not `not_assigned`.

Policy: `unknown_person_severity`, `unauthorized_severity`, `early_window_minutes` (60),
`max_work_hours` (16), `holdover_minutes` (120), `early_limit_hours` (4), `max_break_minutes` (90),
`max_spell_hours` (36), `handover_minutes` (30), `repeat_minutes` (10).

Cannot tell: no assignment synced in the tenant, no `not_assigned`; no person synced, no
`unknown_person`; neither while the roster is declared incomplete.
"""

from collections.abc import Callable

from models.policy.unauthorized_site import UnauthorizedSite
from worker.rules.evidence import clock, done, found, nothing
from worker.rules.finding import Findings
from worker.rules.roster import (
    Answer,
    is_assigned,
    judged_with_check_in,
    not_assigned,
    unknown_person,
)
from worker.rules.window import Punch, Window

TYPE = "UNAUTHORIZED_SITE"


def detect(window: Window) -> Findings:
    for punch in window.punches_to_judge:
        if (
            not window.explaining
            and window.person(punch.person_id, punch.occurred_at) is not None
            and is_assigned(window, punch)
        ):
            continue
        policy = window.policy_of(punch)
        if judged_with_check_in(window, punch):
            if window.explaining:
                yield nothing(
                    punch, TYPE, "not_assigned", "this check-out was judged with its check-in"
                )
            continue
        yield from _answer(
            window,
            punch,
            "unknown_person",
            policy.of(UnauthorizedSite).unknown_person_severity,
            unknown_person(window, punch),
            lambda punch: f"{done(punch)} as person {punch.person_id}, who is not in the roster.",
        )
        yield from _answer(
            window,
            punch,
            "not_assigned",
            policy.of(UnauthorizedSite).unauthorized_severity,
            not_assigned(window, punch),
            lambda punch: (
                f"{done(punch)} at {window.site_name(punch.site_id, punch.occurred_at)} on "
                f"{clock(window, punch.site_id, punch.occurred_at)} with "
                f"{_other_assignments(window, punch)} and no shift here within reach."
            ),
        )


def _answer(
    window: Window,
    punch: Punch,
    reason: str,
    severity: str,
    answer: Answer,
    explain: Callable[[Punch], str],
) -> Findings:
    if answer.holds:
        observed = len(window.assignments.get((punch.person_id, punch.site_id), ()))
        yield found(
            window,
            punch,
            TYPE,
            reason,
            severity,
            0.90,
            explain(punch),
            observed=observed,
            unit="assignments to this site, valid or not",
        )
    elif window.explaining:
        yield nothing(punch, TYPE, reason, answer.because)


def _other_assignments(window: Window, punch: Punch) -> str:
    count = len(window.assignments.get((punch.person_id, punch.site_id), ()))
    return (
        f"{count} assignment{'s' if count > 1 else ''} to this site, none valid then,"
        if count
        else "no assignment to this site"
    )
