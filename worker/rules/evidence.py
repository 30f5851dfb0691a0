"""Put a finding together: its numbers, what it rests on, and what viewers of its site are told."""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from heapq import nsmallest
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from models.ids import Id
from worker.rules.finding import Finding, Nothing, Subject
from worker.rules.uses import MOST_NAMED
from worker.rules.window import Punch, Shift, Window, moment_of

Row = TypeVar("Row", Punch, Shift)


def found(
    window: Window,
    subject: Punch | Shift,
    anomaly_type: str,
    reason: str,
    severity: str,
    confidence: float,
    explanation: str,
    /,
    *,
    observed: float | str | None = None,
    limit: float | str | None = None,
    unit: str | None = None,
    punches: Sequence[Punch] = (),
    shifts: Sequence[Shift] = (),
    others: int | None = None,
    private: dict[str, Any] | None = None,
    **more: Any,
) -> Finding:
    """Return a finding on a punch or a shift.

    `punches` and `shifts` are what it rests on beside the subject: those at the subject's site are
    named in the evidence, those at other sites in its private part only. Of more than ten of either
    the nearest ten are named, and all counted: `others` is that count of punches, where only some
    of them are given. `observed` and `limit` are in `unit`; `more` is evidence for viewers too,
    `private` goes into the private part.
    """
    named_punches, named_shifts = _nearest(subject, punches), _nearest(subject, shifts)
    rests_on = [*([subject] if isinstance(subject, Punch) else []), *named_punches]
    rostered = [*([subject] if isinstance(subject, Shift) else []), *named_shifts]
    evidence: dict[str, Any] = {
        "observed": number(observed),
        "limit": number(limit),
        "margin": margin(observed, limit),
        "unit": unit,
    }
    evidence["punches"] = [p.punch_id for p in rests_on if p.site_id == subject.site_id]
    evidence["shifts"] = [s.shift_id for s in rostered if s.site_id == subject.site_id]
    if (count := len(punches) if others is None else others) > MOST_NAMED:
        evidence["others"] = count
    if len(shifts) > MOST_NAMED:
        evidence["other_shifts"] = len(shifts)
    evidence.update(more)
    elsewhere = frozenset((*(p.site_id for p in rests_on), *(s.site_id for s in rostered))) - {
        subject.site_id
    }
    private = (
        _elsewhere(window, moment_of(subject), rests_on, rostered, elsewhere, private)
        if elsewhere
        else None
    )
    return Finding(
        subject_of(subject),
        anomaly_type,
        subject.person_id,
        subject.site_id,
        moment_of(subject),
        reason,
        severity,
        round(confidence, 4),
        explanation,
        evidence,
        private,
        elsewhere,
    )


def expected_people(window: Window, person_ids: Iterable[Id], at: datetime) -> dict[str, Any]:
    """Return as evidence who was expected at a moment: of more than ten the first ten, and how
    many.
    """
    expected = list(dict.fromkeys(person_ids))
    named = [
        {"person_id": person_id, "name": window.person(person_id, at)}
        for person_id in expected[:MOST_NAMED]
    ]
    more = {"expected_people": len(expected)} if len(expected) > MOST_NAMED else {}
    return {"expected": named, **more}


def names_of(window: Window, person_ids: Sequence[Id], at: datetime) -> str:
    """Return in words any of whom were expected: of more than three the first, and how many."""
    named = [window.called(person_id, at) for person_id in person_ids[:3]]
    more = len(person_ids) - len(named)
    return f"{', '.join(named)} or {more} more" if more else " or ".join(named)


def nothing(subject: Punch | Shift, anomaly_type: str, reason: str, because: str) -> Nothing:
    """Return why a reason does not hold of a punch or a shift."""
    return Nothing(subject_of(subject), anomaly_type, reason, because)


def subject_of(row: Punch | Shift) -> Subject:
    return Subject(row.punch_id, "") if isinstance(row, Punch) else Subject("", row.shift_id)


def instant(at: datetime) -> str:
    """Return a moment as ISO 8601 in UTC, ending in Z."""
    return at.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def clock(window: Window, site_id: Id, at: datetime) -> str:
    """Return a moment as people at the site read it: 2026-11-23 08:55."""
    return at.astimezone(ZoneInfo(window.timezone(site_id))).strftime("%Y-%m-%d %H:%M")


def duration(seconds: float) -> str:
    """Return a length of time as people say it: 35 s, 12 min, 3 h 05 min."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes % 60 else f"{minutes // 60} h"


def distance(metres: float) -> str:
    return f"{metres:.0f} m" if metres < 1_000 else f"{metres / 1_000:.1f} km"


def done(punch: Punch) -> str:
    if punch.is_tap:  # no sentence claims a direction that the clock did not tell
        return "Punched"
    return "Checked in" if punch.is_check_in else "Checked out"


def number(value: float | str | None) -> float | str | None:
    """Return a number as JSON has it: to 3 decimals, and infinity, which JSON lacks, as a word."""
    if not isinstance(value, float):
        return value
    return round(value, 3) if math.isfinite(value) else "infinite"


def margin(observed: float | str | None, limit: float | str | None) -> float | str | None:
    if isinstance(observed, (int, float)) and isinstance(limit, (int, float)):
        return number(float(observed - limit))
    return None


def _nearest(subject: Punch | Shift, rows: Sequence[Row]) -> Sequence[Row]:
    """Return the nearest in time to the subject, in the order in which they are given."""
    if len(rows) <= MOST_NAMED:
        return rows
    at = moment_of(subject)
    nearest = nsmallest(MOST_NAMED, enumerate(rows), key=lambda row: abs(moment_of(row[1]) - at))
    return [row for _, row in sorted(nearest)]


def _elsewhere(
    window: Window,
    at: datetime,
    punches: list[Punch],
    shifts: list[Shift],
    sites: frozenset[Id],
    private: dict[str, Any] | None,
) -> dict[str, Any]:
    return {
        "sites": [
            {"site_id": site_id, "name": window.site_name(site_id, at)} for site_id in sorted(sites)
        ],
        "punches": [
            {
                "punch_id": p.punch_id,
                "site_id": p.site_id,
                "person_id": p.person_id,
                "occurred_at": instant(p.occurred_at),
            }
            for p in punches
            if p.site_id in sites
        ],
        "shifts": [
            {
                "shift_id": s.shift_id,
                "site_id": s.site_id,
                "starts_at": instant(s.starts_at),
                "ends_at": instant(s.ends_at),
            }
            for s in shifts
            if s.site_id in sites
        ],
        **(private or {}),
    }
