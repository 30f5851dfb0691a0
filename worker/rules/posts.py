"""Posts: since when nobody has been at a site of those whom its shifts expect there.

Present is who is in a spell at the site while a shift there is on that they are entitled to. While
a spell is open that began within reach of such a shift, or ran into it, nobody can tell that its
person is gone before the shift is over: how long the spell may go on is for other rules to say. Nor
can anybody while a person's last punch is a tap there, though it is read as the end of a stay: it
says that they were there, and not which way they went.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from models.policy.schedule_mismatch import ScheduleMismatch
from worker.rules.attendance import is_attended, within_reach
from worker.rules.spells import Spell, spells_of
from worker.rules.window import Punch, Shift, Window


class Presence(NamedTuple):
    """That somebody was present up to a moment, and the check-out that ended it, if one did."""

    until: datetime
    check_out: Punch | None = None


def is_on(window: Window, shift: Shift) -> bool:
    """Whether the moment of judgement lies in the shift."""
    return shift.starts_at <= window.as_of <= shift.ends_at


def empty_since(window: Window, shift: Shift) -> Presence:
    """Return since when nobody is present at the site of a shift that is on: at the earliest since
    its start, and since now where somebody is.
    """
    key = ("last presence", shift.site_id)
    if key not in window.memo:
        window.memo[key] = last_presence(window, window.shifts_at[shift.site_id])
    presence: Presence | None = window.memo[key]
    return presence if presence and presence.until >= shift.starts_at else Presence(shift.starts_at)


def why_not_empty(window: Window, shift: Shift) -> str:
    """Return why the shift's post does not count as empty now; '' where it does."""
    if not window.roster_complete:
        return "the roster is declared incomplete"
    if not is_on(window, shift):
        return "the shift is not on"
    if not is_attended(window, shift):
        return "nobody entitled has come for it"
    minutes = window.policy_of(shift).of(ScheduleMismatch).post_empty_minutes
    if window.as_of - empty_since(window, shift).until <= timedelta(minutes=minutes):
        return f"somebody entitled to a shift that was on was here at most {minutes:g} min ago"
    return ""


def last_presence(window: Window, shifts: Iterable[Shift]) -> Presence | None:
    """Return the last presence of anybody in these shifts up to now."""
    presences = (
        presence
        for shift in shifts
        if shift.starts_at <= window.as_of
        for person_id in dict.fromkeys(shift.entitled)
        for spell in spells_of(window, person_id)
        if spell.site_id == shift.site_id and (presence := _presence(window, spell, shift))
    )
    return max(presences, key=_latest_first, default=None)


def _presence(window: Window, spell: Spell, shift: Shift) -> Presence | None:
    """Return how far this spell shows its person in this shift, up to now."""
    latest = min(shift.ends_at, window.as_of)
    if spell.check_in.occurred_at > window.as_of:  # by a clock ahead of ours: they are there by now
        return Presence(latest) if spell.check_in.occurred_at <= shift.ends_at else None
    begins = max(spell.check_in.occurred_at, shift.starts_at)
    is_unended = (spell.is_open or _ends_with_last_tap(window, spell)) and (
        spell.until > shift.starts_at or within_reach(window, shift, spell.check_in.occurred_at)
    )
    until = latest if is_unended else min(spell.until, latest)
    if begins > until:
        return None
    ended = spell.check_out and spell.check_out.occurred_at == until
    return Presence(until, spell.check_out if ended else None)


def _ends_with_last_tap(window: Window, spell: Spell) -> bool:
    """Whether a tap is all that ends the spell, after which the person has not been heard of."""
    if spell.check_out is None or not spell.check_out.is_tap:
        return False
    last = window.stretches_of(spell.person_id)[-1]
    return last.is_latest and last.punches[-1] == spell.check_out


def _latest_first(presence: Presence) -> tuple[datetime, str]:
    return presence.until, presence.check_out.punch_id if presence.check_out else ""
