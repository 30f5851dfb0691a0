"""Reading the rule by which a maintenance window recurs, as RFC 5545 writes it."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice, takewhile

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule, rrulestr

# How far ahead we look whether a rule ever comes, and how often.
HORIZON = timedelta(days=3_660)
MOST_A_DAY = 24
MOST_INTERVAL = 1_000
MOST_COUNT = 10_000
MOST_A_MONTH, MOST_A_YEAR = 5, 53  # of a weekday, as in the 5th Monday of a month
YEARS = range(2000, 2101)
_LATER = timedelta(days=19 * 146_097)  # 7,600 years


def parse_rule(text: str, starts: datetime) -> rrule:
    """Return the rule of a recurring maintenance window; `starts` is its first start, naive.

    The result ends by its UNTIL, never by a COUNT. Raises ValueError with what to change: it must
    be daily at the finest, with at most 24 starts a day, as each of them is worked out ahead.
    """
    if starts.tzinfo is not None:
        raise ValueError(
            "starts_at of a recurring window is wall time at its sites: give it without an offset"
        )
    if starts.year not in YEARS:
        raise ValueError(f"starts_at: give a time in the years {YEARS[0]} to {YEARS[-1]}")
    rule = _single(text, starts)
    _check_ordinals(rule)
    return _ended(rule)


def stored_rule(text: str, starts: datetime) -> rrule:
    """Return the rule of a window that is stored, as `parse_rule` did when it was made.

    The release before took ordinals that `parse_rule` refuses: they stand in the rules of windows.
    """
    return _ended(_single(text, starts))


def starts_between(rule: rrule, since: datetime, until: datetime) -> list[datetime]:
    """Return the starts of a rule from `since` up to, but without, `until`; all are naive.

    It costs what the stretch does, however long ago the rule began. Where dateutil cannot follow
    the rule any further, the rest of the stretch has no starts.
    """
    # dateutil would follow a rule that is over to the year 9999.
    last = min(until, rule._until or until)
    starts = _nearer(rule, since).replace(until=last).xafter(since, inc=True)
    return list(takewhile(lambda start: start < until, _unbroken(starts)))


def _unbroken(starts: Iterable[datetime]) -> Iterator[datetime]:
    """Yield starts up to where dateutil fails, as it does for a 9th Monday in December."""
    try:
        yield from starts
    except (IndexError, ValueError):
        return


def _nearer(rule: rrule, moment: datetime) -> rrule:
    """Return the same rule from a later start, at least one of its periods before `moment`.

    Followed from its first start, a rule would take longer each day.
    """
    first = rule._dtstart
    if rule._freq in (WEEKLY, DAILY):
        step = timedelta(days=7 if rule._freq == WEEKLY else 1) * rule._interval
        passed = (moment - first) // step - 1
        return rule.replace(dtstart=first + passed * step) if passed > 0 else rule
    months = rule._interval * (12 if rule._freq == YEARLY else 1)
    passed = ((moment.year - first.year) * 12 + moment.month - first.month) // months - 1
    return next(
        (
            rule.replace(dtstart=later)
            for count in range(passed, 0, -1)
            if (later := _months_later(first, count * months))
        ),
        rule,
    )


def _months_later(moment: datetime, months: int) -> datetime | None:
    """Return the same day and time so many months later; None where there is no such day."""
    years, month = divmod(moment.month - 1 + months, 12)
    try:
        return moment.replace(year=moment.year + years, month=month + 1)
    except ValueError:
        return None


def _single(text: str, starts: datetime) -> rrule:
    try:
        rule = rrulestr(text, dtstart=starts)
    except (ValueError, TypeError, AttributeError, OverflowError, IndexError) as error:
        raise ValueError(
            f"rrule: is no RFC 5545 rule ({error}); write for instance FREQ=WEEKLY;BYDAY=SA,SU"
        ) from error
    if (
        not isinstance(rule, rrule)
        or rule._freq > DAILY
        or len(rule._timeset) > MOST_A_DAY
        or rule._dtstart != starts
    ):
        raise ValueError(
            "rrule: give a single rule, with FREQ of YEARLY, MONTHLY, WEEKLY or DAILY"
            f" and at most {MOST_A_DAY} starts a day"
        )
    # dateutil follows an INTERVAL of 0 for ever, and knows a BYEASTER that no RFC does.
    if (
        not 1 <= rule._interval <= MOST_INTERVAL
        or rule._byeaster
        or not 1 <= (rule._count or 1) <= MOST_COUNT
        or rule._count == 0
    ):
        raise ValueError(
            f"rrule: give an INTERVAL of 1 to {MOST_INTERVAL:,},"
            f" a COUNT of 1 to {MOST_COUNT:,} if any, and no BYEASTER"
        )
    return rule


def _ended(rule: rrule) -> rrule:
    """Return the rule without its COUNT. Raises ValueError where it never comes."""
    early_starts = list(_unbroken(_early_starts(rule)))
    if not early_starts:
        raise ValueError("rrule: never comes")
    return rule if rule._count is None else rule.replace(count=None, until=early_starts[-1])


def _check_ordinals(rule: rrule) -> None:
    """Raise ValueError where a rule names a weekday that no month, or no year, has."""
    by_month = rule._freq == MONTHLY or bool(rule._bymonth)
    most, period = (MOST_A_MONTH, "month") if by_month else (MOST_A_YEAR, "year")
    if any(abs(ordinal) > most for _, ordinal in rule._bynweekday or ()):
        raise ValueError(
            f"rrule: BYDAY counts from the start or the end of a {period} here:"
            f" give 1 to {most} or -{most} to -1 before the weekday, or nothing"
        )


def _early_starts(rule: rrule) -> Iterable[datetime]:
    """Return the rule's first start before the horizon, or all that its COUNT makes.

    dateutil looks for a start that never comes up to the year 9999. As the calendar, weekdays and
    all, repeats itself every 400 years, we ask as late as possible: that takes a twentieth of the
    time.
    """
    horizon = min(rule._dtstart + HORIZON, rule._until or rule._dtstart + HORIZON)
    late = rule.replace(dtstart=rule._dtstart + _LATER, count=None, until=horizon + _LATER)
    return (start - _LATER for start in islice(late, rule._count or 1))
