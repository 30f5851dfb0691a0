"""The rule by which a maintenance window recurs, by RFC 5545, read from its text."""

from datetime import datetime, timedelta
from itertools import islice

from dateutil.rrule import DAILY, rrule, rrulestr

HORIZON = timedelta(days=3_660)  # how far ahead a rule is asked whether it ever comes, and counted
MOST_A_DAY = 24
MOST_INTERVAL = 1_000
MOST_COUNT = 10_000
YEARS = range(2000, 2101)
_LATER = timedelta(days=19 * 146_097)  # 7,600 years


def parse_rule(text: str, starts: datetime) -> rrule:
    """The rule of a recurring window from its first start in wall time, naive. What comes of it
    ends by its UNTIL, never by a COUNT.

    Raises ValueError with what to change. Nothing finer than daily, with at most 24 starts a day:
    judging asks it each time.
    """
    if starts.tzinfo is not None:
        raise ValueError(
            "starts_at of a recurring window is wall time at its sites: give it without an offset"
        )
    if starts.year not in YEARS:
        raise ValueError(f"starts_at: give a time in the years {YEARS[0]} to {YEARS[-1]}")
    rule = _single(text, starts)
    try:
        found = _early_starts(rule)
    except (ValueError, IndexError):  # from within dateutil, such as for the 99th Monday of a year
        found = []
    if not found:
        raise ValueError("rrule: never comes")
    return rule if rule._count is None else rule.replace(count=None, until=found[-1])


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
            f"rrule: give a single rule, with FREQ of YEARLY, MONTHLY, WEEKLY or DAILY and at most {MOST_A_DAY} starts a day"
        )
    # dateutil follows an INTERVAL of 0 for ever, and knows a BYEASTER that no RFC does.
    if (
        not 1 <= rule._interval <= MOST_INTERVAL
        or rule._byeaster
        or not 1 <= (rule._count or 1) <= MOST_COUNT
        or rule._count == 0
    ):
        raise ValueError(
            f"rrule: give an INTERVAL of 1 to {MOST_INTERVAL:,}, a COUNT of 1 to {MOST_COUNT:,} if any, and no BYEASTER"
        )
    return rule


def _early_starts(rule: rrule) -> list[datetime]:
    """Its first start before the horizon, or all that its COUNT makes.

    dateutil looks for a start that never comes up to the year 9999. The calendar, weekdays and all,
    is the same again after 400
    years, so it is asked as late as possible: that takes a twentieth of the time.
    """
    horizon = min(rule._dtstart + HORIZON, rule._until or rule._dtstart + HORIZON)
    late = rule.replace(dtstart=rule._dtstart + _LATER, count=None, until=horizon + _LATER)
    return [start - _LATER for start in islice(late, rule._count or 1)]
