"""Judging history again under another policy, without storing or saying anything.

One read-only transaction that sees one state of the database. Each site is walked in order of time,
a slice of its punches and
shifts at a time, and each slice is judged by the window that live judging would load for it: so
memory is bounded by the slice,
not by the tenant or the length of history.
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from psycopg import Cursor
from sqlalchemy import Engine

from models.database import transaction
from worker.commands.proposed import BadPolicy, Proposed, propose, read_file
from worker.commands.tally import Tally, table
from worker.judging.detect import detect
from worker.load import load_subjects
from worker.rules.finding import Subject

SLICE = 1_000
_SPEAK_EVERY = 1.0  # seconds

_PUNCHES = """
SELECT occurred_at, punch_id FROM punch
WHERE tenant_id = %(tenant_id)s AND site_id = %(site_id)s AND voided_at IS NULL
  AND occurred_at BETWEEN %(since)s AND %(until)s
  AND (occurred_at, punch_id COLLATE "C") > (%(after_at)s, %(after_id)s)
ORDER BY occurred_at, punch_id COLLATE "C" LIMIT %(limit)s
"""
_SHIFTS = """
SELECT starts_at, shift_id FROM shift
WHERE tenant_id = %(tenant_id)s AND site_id = %(site_id)s AND NOT deleted AND NOT cancelled
  AND starts_at BETWEEN %(since)s AND %(until)s
  AND (starts_at, shift_id COLLATE "C") > (%(after_at)s, %(after_id)s)
ORDER BY starts_at, shift_id COLLATE "C" LIMIT %(limit)s
"""
_COLUMNS = """
    punch_id, shift_id, anomaly_type, person_id, site_id,
    standing AND NOT shadow, severity, review"""
_STORED = f"""
SELECT {_COLUMNS} FROM anomaly
WHERE tenant_id = %(tenant_id)s AND punch_id = ANY(%(punches)s) AND punch_id <> ''
UNION ALL
SELECT {_COLUMNS} FROM anomaly
WHERE tenant_id = %(tenant_id)s AND punch_id = '' AND shift_id = ANY(%(shifts)s)
"""


class Span(NamedTuple):
    """From `since` to `until`, both included: punches by their time, shifts by their start."""

    since: datetime
    until: datetime


class EmptySpan(Exception):
    """--to is before --from: nothing lies between them"""

    def __str__(self) -> str:
        return self.__doc__ or ""


class Slice(NamedTuple):
    site_id: int
    reached: datetime
    subjects: frozenset[Subject]


class Backtest:
    """One run: what it counted so far."""

    def __init__(
        self, cursor: Cursor, tenant_id: int, proposed: Proposed, span: Span, as_of: datetime
    ) -> None:
        self.cursor = cursor
        self.tenant_id = tenant_id
        self.proposed = proposed
        self.span = span
        self.as_of = as_of
        self.tallies: dict[tuple[str, int], Tally] = defaultdict(Tally)
        self.total = Tally()
        self.punches = 0
        self.shifts = 0

    def run(self) -> Iterator[Slice]:
        """Yields each slice once it is counted."""
        for site_id in self.proposed.sites:
            for sliced in self._slices(site_id):
                self._count(sliced)
                yield sliced

    def as_json(self) -> dict[str, Any]:
        rows = [
            {
                "anomaly_type": anomaly_type,
                "site_id": site_id,
                "site_name": self.proposed.names[site_id],
                **tally.as_json(),
            }
            for (anomaly_type, site_id), tally in sorted(self.tallies.items())
        ]
        moments = {
            "from": self.span.since.isoformat(),
            "to": self.span.until.isoformat(),
            "as_of": self.as_of.isoformat(),
        }
        seen = {"punches": self.punches, "shifts": self.shifts}
        return {
            "tenant_id": self.tenant_id,
            **moments,
            **seen,
            "total": self.total.as_json(),
            "by_type_and_site": rows,
        }

    def _slices(self, site_id: int) -> Iterator[Slice]:
        for sql, of_shifts in ((_PUNCHES, False), (_SHIFTS, True)):
            for page in self._pages(sql, site_id):
                subjects = frozenset(
                    Subject("", key) if of_shifts else Subject(key, "") for _, key in page
                )
                yield Slice(site_id, page[-1][0], subjects)

    def _pages(self, sql: str, site_id: int) -> Iterator[list[tuple[datetime, str]]]:
        after: tuple[datetime, str] = (self.span.since - timedelta(microseconds=1), "")
        given = {
            "tenant_id": self.tenant_id,
            "site_id": site_id,
            "limit": SLICE,
            **self.span._asdict(),
        }
        while page := self.cursor.execute(
            sql, {**given, "after_at": after[0], "after_id": after[1]}
        ).fetchall():
            yield page
            after = page[-1]

    def _count(self, sliced: Slice) -> None:
        would = self._would_stand(sliced)
        stored = self._stored(sliced)
        for identity in stored.keys() | would.keys():
            before, review = stored.get(identity, (None, None))
            after = would.get(identity)
            if before or after:
                self.tallies[identity[2], identity[4]].add(before, after, review)
                self.total.add(before, after, review)
        self.punches += sum(1 for subject in sliced.subjects if subject.punch_id)
        self.shifts += sum(1 for subject in sliced.subjects if subject.shift_id)

    def _would_stand(self, sliced: Slice) -> dict[tuple, str]:
        """Severities by identity. What would be in shadow is seen by nobody, so it does not count
        as standing.
        """
        window = load_subjects(
            self.cursor,
            self.tenant_id,
            sliced.subjects,
            self.as_of,
            policies=self.proposed.as_policies(),
        )
        findings = [scored.finding for scored in detect(window) if not scored.shadow]
        return {
            (*found.subject, found.anomaly_type, found.person_id, found.site_id): found.severity
            for found in findings
        }

    def _stored(self, sliced: Slice) -> dict[tuple, tuple[str | None, str | None]]:
        """Severity, None where it does not stand, and review by identity."""
        wanted = {
            "tenant_id": self.tenant_id,
            "punches": [subject.punch_id for subject in sliced.subjects if subject.punch_id],
            "shifts": [subject.shift_id for subject in sliced.subjects if subject.shift_id],
        }
        rows = self.cursor.execute(_STORED, wanted).fetchall()
        return {
            tuple(identity): (severity if stands else None, review)
            for *identity, stands, severity, review in rows
        }


def backtest(
    engine: Engine,
    tenant_id: int,
    policy_file: str,
    since: datetime,
    until: datetime | None,
    *,
    as_json: bool = False,
) -> int:
    """Print what would change, until now where `until` is None. Return the status.

    It is 2 where the policy or the span cannot be tried, 1 where the tenant is not there.
    """
    try:
        tenant, sites = read_file(policy_file)
        with transaction(engine) as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            as_of = next(iter(cursor.execute("SELECT clock_timestamp()")))[0]
            span = _span(since, until or as_of)
            run = Backtest(
                cursor, tenant_id, propose(cursor, tenant_id, tenant, sites), span, as_of
            )
            _go(run)
    except (BadPolicy, EmptySpan) as bad:
        print(bad, file=sys.stderr)
        return 2
    except LookupError as unknown:
        print(unknown, file=sys.stderr)
        return 1
    print(
        json.dumps(run.as_json(), indent=2)
        if as_json
        else table(run.tallies, run.total, run.proposed.names)
    )
    return 0


def _span(since: datetime, until: datetime) -> Span:
    if until < since:
        raise EmptySpan
    return Span(since, until)


def _go(run: Backtest) -> None:
    places = {site_id: place for place, site_id in enumerate(run.proposed.sites, 1)}
    spoke = time.monotonic()
    for sliced in run.run():
        if time.monotonic() - spoke >= _SPEAK_EVERY:
            spoke = time.monotonic()
            where = f"site {places[sliced.site_id]} of {len(places)}, {sliced.reached:%Y-%m-%d}"
            print(f"{where}: {_judged(run)}", file=sys.stderr)
    print(f"{_judged(run)} as of {run.as_of:%Y-%m-%d %H:%M} UTC", file=sys.stderr)


def _judged(run: Backtest) -> str:
    return f"{run.punches:,} punches and {run.shifts:,} shifts judged"
