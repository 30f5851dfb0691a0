"""Who checks out at a site. Source: DETECTION, "Who checks out".

At many kiosks people tap once a morning, and never again. That nobody checked out says nothing
there.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

from models.ids import Id
from worker.rules.spells import Spell, spell_of
from worker.rules.window import Punch, SpellCounts, Window
from worker.rules.work import closed_spells, work_until

ChecksOut = Literal["yes", "no", "cannot tell"]

# How far back before a check-in spells are counted, both ends included.
COUNTED_DAYS = timedelta(days=14)
LEAST_OWN = 3
LEAST_AT_SITE = 10
_NONE = SpellCounts(0, 0, 0, 0)


def checks_out(window: Window, check_in: Punch) -> ChecksOut:
    """Whether the person checks out where this check-in began a spell."""
    if _by_own_device(window, check_in):
        return "yes"
    return answer(window.spell_counts.get(check_in.punch_id, _NONE))


def answer(counts: SpellCounts) -> ChecksOut:
    """Return what the spells counted say: the person's own, else those of the site's people."""
    if counts.own >= LEAST_OWN:
        return "yes" if 2 * counts.own_closed >= counts.own else "no"
    if counts.at_site >= LEAST_AT_SITE:
        return "yes" if 2 * counts.at_site_closed >= counts.at_site else "no"
    return "cannot tell"


def is_closed_there(window: Window, spell: Spell) -> bool:
    """Whether a spell was closed at its own site within max_work_hours."""
    work = timedelta(hours=window.policy_of(spell.check_in).max_work_hours)
    return (
        spell.check_out is not None
        and spell.check_out.site_id == spell.site_id
        and spell.check_out.occurred_at - spell.check_in.occurred_at <= work
    )


def share_closed(window: Window, check_in: Punch) -> str:
    """Return, as a clause, what tells whether the person checks out where this check-in was."""
    if _by_own_device(window, check_in):
        return "the device is declared not shared"
    counts = window.spell_counts.get(check_in.punch_id, _NONE)
    if counts.own >= LEAST_OWN:
        return _share(counts.own_closed, counts.own, "of the person's spells here")
    at_site = _share(counts.at_site_closed, counts.at_site, "of all spells here")
    return f"of the person's own spells here there are fewer than {LEAST_OWN}, and {at_site}"


def in_question(window: Window) -> list[Punch]:
    """Return the check-ins of which it may matter whether their people check out there: of spells
    without a check-out that have run for so long that one may be missed, and of those that are
    together longer than may be. While the window is explaining, all that begin a spell.
    """
    asked = {
        spell.check_in.punch_id: spell.check_in
        for spell in _in_question(window)
        if not _by_own_device(window, spell.check_in)
    }
    return list(asked.values())


def _in_question(window: Window) -> Iterator[Spell]:
    reached: dict[Id, int] = {}  # by person_id: up to where their closed spells were yielded
    for punch in window.punches_to_judge:
        spell = spell_of(window, punch) if punch.is_check_in else None
        if spell is None:
            continue
        policy = window.policy_of(punch)
        limit = timedelta(hours=policy.max_work_hours)
        if window.explaining:
            yield spell
        if spell.check_out is None:
            wait = min(limit, timedelta(hours=policy.missing_check_out_after_hours))
            if window.as_of - spell.check_in.occurred_at > wait:
                yield spell
            continue
        closed = closed_spells(window, punch.person_id)
        worked, first, last = work_until(closed, spell.until)
        if worked > limit:
            since = max(first, reached.get(punch.person_id, 0))
            yield from closed.spells[since:last]
            reached[punch.person_id] = max(since, last)


def _by_own_device(window: Window, check_in: Punch) -> bool:
    device = window.device(check_in.device_id, check_in.occurred_at)
    return device is not None and not device.shared


def _share(closed: int, spells: int, whose: str) -> str:
    days = COUNTED_DAYS.days
    return f"{closed} of {spells} {whose} in the {days} days before were closed here in time"
