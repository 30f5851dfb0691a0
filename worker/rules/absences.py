"""Who is absent: people on leave, and sites on holiday."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from models.ids import Id
from worker.rules.attendance import shift_of_check_in
from worker.rules.evidence import clock, instant
from worker.rules.roster import goes_on_working
from worker.rules.window import Absence, Punch, Shift, Window

COVERED = "an absence covers it"


def is_covered(window: Window, shift: Shift, person_id: Id) -> bool:
    """Whether an absence of the person, or of the shift's site, covers the shift: its start."""
    return bool(
        _leave(window, person_id, shift.site_id, shift.starts_at)
        or _absence(window, (None, shift.site_id), shift.site_id, shift.starts_at)
    )


def leave_of(window: Window, punch: Punch) -> Absence | None:
    """Return the person's own absence in which a punch lies, of several the one with the lower
    absence_id.
    """
    return _leave(window, punch.person_id, punch.site_id, punch.occurred_at)


def why_not_on_leave(window: Window, punch: Punch) -> str:
    """Return why a check-in within an own absence is none on leave; '' where it is."""
    if because := goes_on_working(window, punch):
        return because
    shift = shift_of_check_in(window, punch)
    if (
        shift
        and shift.starts_at > punch.occurred_at
        and not is_covered(window, shift, punch.person_id)
    ):
        return "it is for a shift that begins after the absence"
    return ""


def told_of(absence: Absence) -> dict[str, Any]:
    """Return an absence as evidence, in the words of the roster."""
    return {
        "absence_id": absence.absence_id,
        "from": _as_said(absence.since),
        "to": _as_said(absence.until),
        "reason": absence.reason,
    }


def in_words(window: Window, punch: Punch, moment: date) -> str:
    """Return a day, or a moment as people at the punch's site read it."""
    if isinstance(moment, datetime):
        return clock(window, punch.site_id, moment)
    return moment.isoformat()


def _as_said(moment: date) -> str:
    return instant(moment) if isinstance(moment, datetime) else moment.isoformat()


def _leave(window: Window, person_id: Id, site_id: Id, at: datetime) -> Absence | None:
    """Return the absence of a person at a moment, or of whoever counts as them then."""
    leaves = (_absence(window, (one, None), site_id, at) for one in window.all_of(person_id, at))
    return min(filter(None, leaves), key=lambda row: row.absence_id, default=None)


def _absence(
    window: Window, whose: tuple[Id | None, Id | None], site_id: Id, at: datetime
) -> Absence | None:
    rows = window.absences.get(whose, ())
    return next((row for row in rows if _holds(window, row, site_id, at)), None)


def _holds(window: Window, absence: Absence, site_id: Id, at: datetime) -> bool:
    """Whether an absence holds at a moment, whose day is that at the site."""
    day = at.astimezone(ZoneInfo(window.timezone(site_id))).date()
    since, until = absence.since, absence.until
    begun = since <= at if isinstance(since, datetime) else since <= day
    return begun and (at <= until if isinstance(until, datetime) else day <= until)
