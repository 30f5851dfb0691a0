"""When it is quiet, and for what: silences and maintenance windows, as values.

A recurring maintenance window starts in the wall time of the site it is asked about: 22:00 stays
22:00 on both sides of a change of clocks, and its length is real time. A start that the clocks skip
counts as the moment after the gap (RFC 5545, 3.3.5: interpreted with the offset before the gap);
one that comes twice means the first. models.alerts.calendar works its starts out ahead, from its
rule: whoever judges follows no rule.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from models.alerts.alert import Alert
from models.ids import Id


class Span(NamedTuple):
    """The time from `start` up to, but without, `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Quiet:
    """A silence, or a maintenance window; only one that recurs has `starts`.

    Empty matchers match all. It is equal to itself only, so that to look one up costs the same
    however many starts it has.
    """

    quiet_id: UUID
    reason: str
    types: frozenset[str]
    severities: frozenset[str]
    sites: frozenset[Id]
    people: frozenset[Id]
    span: Span | None  # of a silence, or of a maintenance window that does not recur
    # In naive wall time, the earliest first: those by which it may be quiet at the moment that it
    # was read for.
    starts: tuple[datetime, ...] = ()
    length: timedelta = timedelta()

    def matches(self, anomaly_type: str, severity: str, site_id: Id, person_id: Id) -> bool:
        """Tell whether each matcher is empty or has this value."""
        return (
            (not self.types or anomaly_type in self.types)
            and (not self.severities or severity in self.severities)
            and (not self.sites or site_id in self.sites)
            and (not self.people or person_id in self.people)
        )

    def span_at(self, moment: datetime, zone: ZoneInfo) -> Span | None:
        """Return the span of quiet that `moment` lies in at a site of this zone, or None."""
        spans = [self.span] if self.span else self._occurrences(moment, zone)
        return next((span for span in spans if span.start <= moment < span.end), None)

    def _occurrences(self, moment: datetime, zone: ZoneInfo) -> Iterator[Span]:
        wall = moment.astimezone(zone).replace(tzinfo=None)
        # A day of slack on both sides is more than any change of clocks moves a wall time by.
        earliest = wall - self.length - timedelta(days=1)
        latest = wall + timedelta(days=1)
        for start in self.starts:
            if earliest <= start <= latest:
                instant = start.replace(tzinfo=zone).astimezone(UTC)
                yield Span(instant, instant + self.length)


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
