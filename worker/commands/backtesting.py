"""Judge history again under another policy, without storing or saying anything.

One read-only transaction sees one state of the database. Each site is walked in order of time, a
slice of its punches or shifts at a time, and each slice is judged by the window that live judging
would load for it. So memory is bounded by the slice, not by the tenant or the length of history.
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
from models.ids import Id
from worker.commands.proposed import BadPolicy, Proposed, propose, read_file
from worker.commands.tally import Tally, table
from worker.judging.detect import detect
from worker.load import load_subjects
from worker.rules.finding import Subject

SUBJECTS_A_SLICE = 1_000
_PROGRESS_SECONDS = 1.0

# punch_id, shift_id, anomaly_type, person_id, site_id
Identity = tuple[str, str, str, Id, Id]

_PUNCHES = """
SELECT occurred_at, punch_id FROM punch
WHERE tenant_id = %(tenant_id)s AND site_id = %(site_id)s AND voided_at IS NULL
  AND occurred_at BETWEEN %(since)s AND %(until)s
  AND (occurred_at, punch_id COLLATE "C") > (%(after_at)s, %(after_id)s)
ORDER BY occurred_at, punch_id COLLATE "C" LIMIT %(limit)s
"""
_SHIFTS = """
SELECT starts_at, shift_id FROM shift
WHERE tenant_id = %(tenant_id)s AND site_id = %(site_id)s AND standing
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
    """Some punches, or some shifts, of one site that follow each other in time."""

    site_id: Id
    until: datetime  # the time of the last
    subjects: frozenset[Subject]


class Backtest:
    """One run, and what it has counted so far."""

    def __init__(
        self, cursor: Cursor, tenant_id: Id, proposed: Proposed, span: Span, as_of: datetime
    ) -> None:
        self.cursor = cursor
        self.tenant_id = tenant_id
        self.proposed = proposed
        self.span = span
        self.as_of = as_of
        self.tallies: dict[tuple[str, Id], Tally] = defaultdict(Tally)
        self.total = Tally()
        self.punches = 0
        self.shifts = 0

    def run(self) -> Iterator[Slice]:
        """Judge and count slice by slice, and yield each once it is counted."""
        for site_id in self.proposed.sites:
            for slice_ in self._slices(site_id):
                self._count(slice_)
                yield slice_

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
        return {
            "tenant_id": self.tenant_id,
            "from": self.span.since.isoformat(),
            "to": self.span.until.isoformat(),
            "as_of": self.as_of.isoformat(),
            "punches": self.punches,
            "shifts": self.shifts,
            "total": self.total.as_json(),
            "by_type_and_site": rows,
        }

    def _slices(self, site_id: Id) -> Iterator[Slice]:
        for sql, of_shifts in ((_PUNCHES, False), (_SHIFTS, True)):
            for page in self._pages(sql, site_id):
                subjects = frozenset(
                    Subject("", key) if of_shifts else Subject(key, "") for _, key in page
                )
                yield Slice(site_id, page[-1][0], subjects)

    def _pages(self, sql: str, site_id: Id) -> Iterator[list[tuple[datetime, str]]]:
        after: tuple[datetime, str] = (self.span.since - timedelta(microseconds=1), "")
        parameters = {
            "tenant_id": self.tenant_id,
            "site_id": site_id,
            "limit": SUBJECTS_A_SLICE,
            **self.span._asdict(),
        }
        while True:
            parameters |= {"after_at": after[0], "after_id": after[1]}
            page = self.cursor.execute(sql, parameters).fetchall()
            if not page:
                return
            yield page
            after = page[-1]

    def _count(self, slice_: Slice) -> None:
        proposed = self._would_stand(slice_)
        stored = self._stored(slice_)
        for identity in stored.keys() | proposed.keys():
            before, review = stored.get(identity, (None, None))
            after = proposed.get(identity)
            if before or after:
                self.tallies[identity[2], identity[4]].add(before, after, review)
                self.total.add(before, after, review)
        self.punches += sum(1 for subject in slice_.subjects if subject.punch_id)
        self.shifts += sum(1 for subject in slice_.subjects if subject.shift_id)

    def _would_stand(self, slice_: Slice) -> dict[Identity, str]:
        """Return the severity, by identity, of what would stand. Nobody sees what is in shadow, so
        that does not count.
        """
        window = load_subjects(
            self.cursor,
            self.tenant_id,
            slice_.subjects,
            self.as_of,
            policies=self.proposed.as_policies(),
        )
        findings = [scored.finding for scored in detect(window) if not scored.shadow]
        return {(*f.subject, f.anomaly_type, f.person_id, f.site_id): f.severity for f in findings}

    def _stored(self, slice_: Slice) -> dict[Identity, tuple[str | None, str | None]]:
        """Return severity and review by identity; no severity where it does not stand."""
        parameters = {
            "tenant_id": self.tenant_id,
            "punches": [subject.punch_id for subject in slice_.subjects if subject.punch_id],
            "shifts": [subject.shift_id for subject in slice_.subjects if subject.shift_id],
        }
        stored: dict[Identity, tuple[str | None, str | None]] = {}
        for row in self.cursor.execute(_STORED, parameters).fetchall():
            stands, severity, review = row[5:]
            stored[row[:5]] = (severity if stands else None, review)
        return stored


def backtest(
    engine: Engine,
    tenant_id: Id,
    policy_file: str,
    since: datetime,
    until: datetime | None,
    *,
    as_json: bool = False,
) -> int:
    """Print what would change, until now where `until` is None, and return the status.

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
            _run(run)
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


def _run(run: Backtest) -> None:
    """Run to the end, printing progress to standard error."""
    numbers = {site_id: number for number, site_id in enumerate(run.proposed.sites, 1)}
    printed_at = time.monotonic()
    for slice_ in run.run():
        if time.monotonic() - printed_at >= _PROGRESS_SECONDS:
            printed_at = time.monotonic()
            where = f"site {numbers[slice_.site_id]} of {len(numbers)}, {slice_.until:%Y-%m-%d}"
            print(f"{where}: {_judged(run)}", file=sys.stderr)
    print(f"{_judged(run)} as of {run.as_of:%Y-%m-%d %H:%M} UTC", file=sys.stderr)


def _judged(run: Backtest) -> str:
    return f"{run.punches:,} punches and {run.shifts:,} shifts judged"
