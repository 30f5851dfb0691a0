"""When it is quiet, and for what: silences and maintenance windows, as values.

A recurring maintenance window follows an RFC 5545 rule in the wall time of the site it is asked
about: 22:00 stays 22:00 on both sides of a change of clocks, and its length is real time. A start
that the clocks skip counts as the moment after the gap (RFC 5545, 3.3.5: interpreted with the
offset before the gap); one that comes twice means the first.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, WEEKLY, rrule

from models.alerts.alert import Alert


class Span(NamedTuple):
    """The time from `start` up to, but without, `end`."""

    start: datetime
    end: datetime


class Quiet(NamedTuple):
    """A silence, or a maintenance window; only one that recurs has a `rule`.

    Empty matchers match all.
    """

    quiet_id: UUID
    reason: str
    types: frozenset[str]
    severities: frozenset[str]
    sites: frozenset[int]
    people: frozenset[int]
    span: Span | None  # of a silence, or of a maintenance window that does not recur
    rule: rrule | None = None  # on naive wall time, with its dtstart
    length: timedelta = timedelta()

    def matches(self, anomaly_type: str, severity: str, site_id: int, person_id: int) -> bool:
        """Tell whether each matcher is empty or has this value."""
        pairs = (
            (self.types, anomaly_type),
            (self.severities, severity),
            (self.sites, site_id),
            (self.people, person_id),
        )
        return all(not matcher or value in matcher for matcher, value in pairs)

    def span_at(self, moment: datetime, zone: ZoneInfo) -> Span | None:
        """Return the span of quiet that `moment` lies in at a site of this zone, or None."""
        spans = [self.span] if self.span else self._occurrences(moment, zone)
        return next((span for span in spans if span.start <= moment < span.end), None)

    def _occurrences(self, moment: datetime, zone: ZoneInfo) -> list[Span]:
        if self.rule is None:
            return []
        wall = moment.astimezone(zone).replace(tzinfo=None)
        # A day of slack on both sides is more than any change of clocks moves a wall time by.
        earliest = wall - self.length - timedelta(days=1)
        latest = wall + timedelta(days=1)
        # dateutil would follow a rule that is over to the year 9999.
        until = min(latest, self.rule._until or latest)
        rule = _nearer(self.rule, earliest).replace(until=until)
        starts = rule.between(earliest, latest, inc=True)
        instants = [start.replace(tzinfo=zone).astimezone(UTC) for start in starts]
        return [Span(start, start + self.length) for start in instants]


@lru_cache(maxsize=1_000)
def _span_at(quiet: Quiet, moment: datetime, zone: ZoneInfo) -> Span | None:
    """Cache Quiet.span_at, as a batch of alerts asks the same of each rule over and over."""
    return quiet.span_at(moment, zone)


class Cover(NamedTuple):
    """What keeps an alert quiet at a moment, and until when."""

    quiet: Quiet
    until: datetime


def cover_of(
    quiets: Iterable[Quiet],
    alert: Alert,
    moment: datetime,
    zone: ZoneInfo,
) -> Cover | None:
    """Return what keeps the alert quiet at `moment`: of several that match, what ends last."""
    matched = (alert.anomaly_type, alert.severity, alert.site_id, alert.person_id)
    spans = ((quiet, _span_at(quiet, moment, zone)) for quiet in quiets if quiet.matches(*matched))
    covers = [Cover(quiet, span.end) for quiet, span in spans if span]
    return max(covers, key=lambda cover: (cover.until, cover.quiet.quiet_id), default=None)


def _nearer(rule: rrule, moment: datetime) -> rrule:
    """Return the same rule from a later start, before `moment`.

    Followed from its first start, a rule would take longer each day.
    """
    if rule._freq not in (WEEKLY, DAILY):
        return rule
    step = timedelta(days=7 if rule._freq == WEEKLY else 1) * rule._interval
    passed = (moment - rule._dtstart) // step - 1
    return rule.replace(dtstart=rule._dtstart + passed * step) if passed > 0 else rule
