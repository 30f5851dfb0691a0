"""When it is quiet, and for what: silences and maintenance windows, as values.

A recurring window follows an RFC 5545 rule in the wall time of the site it is asked about: 22:00 stays 22:00 on both sides
of a change of clocks, and its length is real time. A start that the clocks skip counts as the moment after the gap (RFC 5545,
3.3.5: interpreted with the offset before the gap); one that comes twice means the first.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, WEEKLY, rrule, rrulestr

LONGEST = timedelta(days=31)
HORIZON = timedelta(days=3_660)  # how far ahead a rule is asked whether it ever comes, and counted
MOST_A_DAY = 24
MOST_INTERVAL = 1_000
MOST_COUNT = 10_000
YEARS = range(2000, 2101)
_LATER = timedelta(days=19 * 146_097)  # 7,600 years


class Span(NamedTuple):
    """From `start` up to, but without, `end`."""

    start: datetime
    end: datetime


class Quiet(NamedTuple):
    """A silence (`rule` None, given by instants) or a maintenance window. Empty matchers match all."""

    quiet_id: UUID
    reason: str
    types: frozenset[str]
    severities: frozenset[str]
    sites: frozenset[int]
    people: frozenset[int]
    span: Span | None  # of a silence, or of a window that does not recur
    rule: rrule | None = None  # on naive wall time, with its dtstart
    length: timedelta = timedelta()

    def matches(self, anomaly_type: str, severity: str, site_id: int, person_id: int) -> bool:
        """OR within a matcher, AND between them."""
        pairs = ((self.types, anomaly_type), (self.severities, severity), (self.sites, site_id), (self.people, person_id))
        return all(not wanted or value in wanted for wanted, value in pairs)

    def span_at(self, moment: datetime, zone: ZoneInfo) -> Span | None:
        """The span of quiet that `moment` lies in at a site of this zone, or None."""
        spans = [self.span] if self.span else self._occurrences(moment, zone)
        return next((span for span in spans if span.start <= moment < span.end), None)

    def _occurrences(self, moment: datetime, zone: ZoneInfo) -> list[Span]:
        if self.rule is None:
            return []
        wall = moment.astimezone(zone).replace(tzinfo=None)
        # A day of slack on both sides is more than any change of clocks moves a wall time by.
        latest = wall + timedelta(days=1)
        until = min(latest, self.rule._until or latest)  # a rule that fires no more would be followed to the year 9999
        earliest = wall - self.length - timedelta(days=1)
        starts = _nearer(self.rule, earliest).replace(until=until).between(earliest, latest, inc=True)
        instants = [start.replace(tzinfo=zone).astimezone(UTC) for start in starts]
        return [Span(start, start + self.length) for start in instants]


@lru_cache(maxsize=1_000)
def _span_at(quiet: Quiet, moment: datetime, zone: ZoneInfo) -> Span | None:
    """A batch of alerts asks the same of each rule over and over."""
    return quiet.span_at(moment, zone)


class Cover(NamedTuple):
    """What keeps an alert quiet at a moment, and until when."""

    quiet: Quiet
    until: datetime


def cover_of(quiets: Iterable[Quiet], alert: Mapping[str, Any], moment: datetime, zone: ZoneInfo) -> Cover | None:
    """Of several that match, the one that ends last."""
    covers = [
        Cover(quiet, span.end)
        for quiet in quiets
        if quiet.matches(alert["anomaly_type"], alert["severity"], alert["site_id"], alert["person_id"])
        and (span := _span_at(quiet, moment, zone))
    ]
    return max(covers, key=lambda cover: (cover.until, cover.quiet.quiet_id), default=None)


def parse_rule(text: str, starts: datetime) -> rrule:
    """The rule of a recurring window from its first start in wall time, naive. What comes of it ends by its UNTIL, never by a COUNT.

    Raises ValueError with what to change. Nothing finer than daily, with at most 24 starts a day: judging asks it each time.
    """
    if starts.tzinfo is not None:
        raise ValueError("starts_at of a recurring window is wall time at its sites: give it without an offset")
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
        raise ValueError(f"rrule: is no RFC 5545 rule ({error}); write for instance FREQ=WEEKLY;BYDAY=SA,SU") from error
    if not isinstance(rule, rrule) or rule._freq > DAILY or len(rule._timeset) > MOST_A_DAY or rule._dtstart != starts:
        raise ValueError(f"rrule: give a single rule, with FREQ of YEARLY, MONTHLY, WEEKLY or DAILY and at most {MOST_A_DAY} starts a day")
    # dateutil follows an INTERVAL of 0 for ever, and knows a BYEASTER that no RFC does.
    if not 1 <= rule._interval <= MOST_INTERVAL or rule._byeaster or not 1 <= (rule._count or 1) <= MOST_COUNT or rule._count == 0:
        raise ValueError(f"rrule: give an INTERVAL of 1 to {MOST_INTERVAL:,}, a COUNT of 1 to {MOST_COUNT:,} if any, and no BYEASTER")
    return rule


def _early_starts(rule: rrule) -> list[datetime]:
    """Its first start before the horizon, or all that its COUNT makes.

    dateutil looks for a start that never comes up to the year 9999. The calendar, weekdays and all, is the same again after 400
    years, so it is asked as late as possible: that takes a twentieth of the time.
    """
    horizon = min(rule._dtstart + HORIZON, rule._until or rule._dtstart + HORIZON)
    late = rule.replace(dtstart=rule._dtstart + _LATER, count=None, until=horizon + _LATER)
    return [start - _LATER for start in islice(late, rule._count or 1)]


def _nearer(rule: rrule, moment: datetime) -> rrule:
    """The same rule from a later start of its steps, before `moment`: followed from its first, it takes longer each day."""
    if rule._freq not in (WEEKLY, DAILY):
        return rule
    step = timedelta(days=7 if rule._freq == WEEKLY else 1) * rule._interval
    passed = (moment - rule._dtstart) // step - 1
    return rule.replace(dtstart=rule._dtstart + passed * step) if passed > 0 else rule
