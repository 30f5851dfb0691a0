"""What changed, as keys: they tell which subjects may have another outcome now."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from models.ids import Id
from worker.load.ranges import K, Range


class TouchedPunch(NamedTuple):
    """A version of a punch that came or went: submitted, corrected away or to, or voided."""

    punch_id: str
    person_id: Id
    site_id: Id
    occurred_at: datetime
    device_id: str | None
    biometric_person_id: Id | None
    # the correction or void behind it (models.intake.punches.cause); None of a new punch
    cause: dict[str, Any] | None = None
    received_at: datetime | None = None  # when the cause was received


class Touched(NamedTuple):
    """Everything one judgement starts from."""

    punches: tuple[TouchedPunch, ...] = ()
    # Which moments passed since the last sweep, first and last included: what was due between them
    # is looked at again.
    swept: tuple[datetime, datetime] | None = None
    # Keys of roster rows that changed, each with the time for which what held is another now; a
    # change of a site or of the tenant is spread over the people seen or expected there then.
    people: tuple[Range[Id], ...] = ()
    devices: tuple[Range[str], ...] = ()
    shifts: frozenset[str] = frozenset()
    # By a change of the roster nothing before this moment is looked at again (`rejudge_days`).
    since: datetime | None = None
    # ids of punches that did not change, and are judged again by themselves
    again: frozenset[str] = frozenset()
    # ids of shifts that did not change, and are judged by themselves
    due_shifts: frozenset[str] = frozenset()

    def around(
        self, changed: Iterable[Range[K]], before: timedelta, after: timedelta
    ) -> Iterator[tuple[K, datetime, datetime]]:
        """Yield the keys that changed, each with the time for which it did and so much around it:
        nothing before `since`.
        """
        return self.recent((key, since - before, until + after) for key, since, until in changed)

    def recent(
        self, ranges: Iterable[tuple[K, datetime, datetime]]
    ) -> Iterator[tuple[K, datetime, datetime]]:
        """Yield the same ranges without what lies before `since`."""
        for key, since, until in ranges:
            yield key, max(since, self.since) if self.since else since, until
