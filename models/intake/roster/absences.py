"""What makes an absence: whose it is, and from when to when, as moments or as dates."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from models.intake.refused.reasons import Reason, reason
from models.intake.roster.kinds import Columns
from models.intake.roster.laying import BEGINNING, END, Span, hull, midnight
from models.schemas.roster import RosterRow

# Wherever the site is, its day begins within this of the same day in UTC.
_ZONES = timedelta(hours=15)
_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_UTC = ZoneInfo("UTC")


def has_come(columns: Columns) -> bool:
    """Tell whether it is known whose absence it is, and from when to when."""
    return _is_given(columns, ("person_id", "site_id")) and all(
        _is_given(columns, (name, f"{name}_date")) for name in ("absent_from", "absent_to")
    )


def problems(columns: Columns, row: RosterRow) -> list[Reason]:
    """Return what is wrong with an absence that has these columns after what the row said."""
    found = [
        reason("missing", name, "is required; give it, or leave it out to keep it")
        for field, name in (("absent_from", "from"), ("absent_to", "to"))
        if field in row.model_fields_set and getattr(row, field) is None
    ]
    if columns["person_id"] is not None and columns["site_id"] is not None:
        found.append(
            reason(
                "out_of_range",
                "site_id",
                "is given beside a person_id; an absence is of one of them: set the other to null",
            )
        )
    if has_come(columns) and _ends_early(columns):
        found.append(reason("out_of_range", "to", "must not be earlier than from"))
    return found


def differing(before: Columns, after: Columns) -> Span:
    """Return the time for which two absences of one person or site cover otherwise, at any site."""
    if _same(before, after, "absent_from") and not _same(before, after, "absent_to"):
        return _span(_end(before), _end(after), after_it=True)
    if _same(before, after, "absent_to") and not _same(before, after, "absent_from"):
        return _span(_beginning(before), _beginning(after), after_it=False)
    return hull(covered(before), covered(after))


def covered(columns: Columns) -> Span:
    """Return the time that an absence covers, at any site."""
    return _beginning(columns)[0], _after(_end(columns)[1], _INSTANT)


def _span(one: Span, other: Span, *, after_it: bool) -> Span:
    """Return the time between two ends, or two beginnings, each of which lies in a span.

    The end itself is covered, so that it is `after_it` that it is not.
    """
    since, until = min(one[0], other[0]), max(one[1], other[1])
    step = _INSTANT if after_it else timedelta()
    return _after(since, step), _after(until, step)


def _beginning(columns: Columns) -> Span:
    """Return the first and the last moment at which it may begin, as sites differ in time zone."""
    if day := columns["absent_from_date"]:
        begins = midnight(day, _UTC)
        return _after(begins, -_ZONES), _after(begins, _ZONES)
    return columns["absent_from"], columns["absent_from"]


def _end(columns: Columns) -> Span:
    if day := columns["absent_to_date"]:
        ends = _after(midnight(day, _UTC), _DAY)
        return _after(ends, -_ZONES - _INSTANT), _after(ends, _ZONES)
    return columns["absent_to"], columns["absent_to"]


def _after(moment: datetime, by: timedelta) -> datetime:
    """Return a moment so much later, or ever where there is none."""
    try:
        return moment + by
    except OverflowError:
        return END if by > timedelta() else BEGINNING


def _ends_early(columns: Columns) -> bool:
    """Tell whether it ends before it begins: a date and a moment, wherever the site may be."""
    first, last = columns["absent_from_date"], columns["absent_to_date"]
    if first and last:
        return bool(last < first)
    return _end(columns)[1] < _beginning(columns)[0]


def _is_given(columns: Columns, names: tuple[str, str]) -> bool:
    return any(columns[name] is not None for name in names)


def _same(before: Columns, after: Columns, name: str) -> bool:
    return all(before[column] == after[column] for column in (name, f"{name}_date"))
