"""How many spells began at a site in the days before a check-in, and how many of them were closed
there: the person's own, and everybody's where those are too few.

A site's are counted between the moments at which the days before some check-in begin or end, so
that each row is counted once, however many check-ins ask for it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from psycopg import Cursor

from models.bulk import document
from models.ids import Id
from worker.load.ranges import merge
from worker.rules.checking_out import COUNTED_DAYS, LEAST_OWN, in_question
from worker.rules.window import SpellCounts, Window

# What Postgres tells apart.
_LEAST = timedelta(microseconds=1)

# Subqueries of their own keep the planner to one look into the index for each range, whatever it
# knows of the table. A person's own are few, but in a pile, where each asks for nearly all: they
# are read once.
_OWN = """
SELECT s.site_id, s.person_id, s.begun_at, s.closed, s.punch_id
FROM json_to_recordset(%(ranges)s::json)
  AS r(site_id bigint, person_id bigint, since timestamptz, until timestamptz)
CROSS JOIN LATERAL (
  SELECT * FROM spell
  WHERE spell.tenant_id = %(tenant_id)s AND spell.site_id = r.site_id
    AND spell.person_id = r.person_id AND spell.begun_at BETWEEN r.since AND r.until
  OFFSET 0
) AS s
ORDER BY s.begun_at
"""
_AT_SITE = """
SELECT r.ordinal, counted.spells, counted.closed
FROM ROWS FROM (
    json_to_recordset(%(pieces)s::json)
    AS (site_id bigint, since timestamptz, until timestamptz)
) WITH ORDINALITY AS r(site_id, since, until, ordinal)
CROSS JOIN LATERAL (
    SELECT count(*) AS spells, count(*) FILTER (WHERE spell.closed) AS closed FROM spell
    WHERE spell.tenant_id = %(tenant_id)s AND spell.site_id = r.site_id
      AND spell.begun_at >= r.since AND spell.begun_at < r.until
) AS counted
"""


class Begun(NamedTuple):
    """A spell that began: its check-in."""

    punch_id: str
    person_id: Id
    site_id: Id
    begun_at: datetime


class Count(NamedTuple):
    """A number of spells, and how many of them were closed at their site in time."""

    spells: int = 0
    closed: int = 0

    def plus(self, other: "Count") -> "Count":
        return Count(self.spells + other.spells, self.closed + other.closed)

    def minus(self, other: "Count") -> "Count":
        return Count(self.spells - other.spells, self.closed - other.closed)


def with_spell_counts(cursor: Cursor, window: Window) -> Window:
    """Return the window with the counts that its detectors may go by."""
    asked = [
        Begun(punch.punch_id, punch.person_id, punch.site_id, punch.occurred_at)
        for punch in in_question(window)
    ]
    return window.counting(count_spells(cursor, window.tenant_id, asked)) if asked else window


def count_spells(
    cursor: Cursor,
    tenant_id: Id,
    begun: Sequence[Begun],
    few: Callable[[Begun, Count], bool] = lambda _begun, own: own.spells < LEAST_OWN,
) -> dict[str, SpellCounts]:
    """Return the counts by punch_id. Those of the whole site are read where `few` says so of the
    person's own, else they are 0.

    It takes two statements at most, however many check-ins there are.
    """
    if not begun:
        return {}
    own_spells = _OwnSpells(cursor, tenant_id, begun)
    counts = {b.punch_id: SpellCounts(*own_spells.before(b), 0, 0) for b in begun}
    asked = [b for b in begun if few(b, Count(*counts[b.punch_id][:2]))]
    if asked:
        pieces = _Pieces((b.site_id, b.begun_at) for b in asked)
        values = {"tenant_id": tenant_id, "pieces": pieces.document()}
        pieces.read(cursor.execute(_AT_SITE, values).fetchall())
        for b in asked:
            at_site = pieces.before(b.site_id, b.begun_at).minus(own_spells.itself(b))
            counts[b.punch_id] = SpellCounts(*counts[b.punch_id][:2], *at_site)
    return counts


class _OwnSpells:
    """The spells of people at the sites of some check-ins, in the days before these."""

    def __init__(self, cursor: Cursor, tenant_id: Id, begun: Sequence[Begun]) -> None:
        ranges = merge(
            ((b.site_id, b.person_id), b.begun_at - COUNTED_DAYS, b.begun_at) for b in begun
        )
        rows = [
            {"site_id": key[0], "person_id": key[1], "since": since, "until": until}
            for key, since, until in ranges
        ]
        values = {"tenant_id": tenant_id, "ranges": document(rows)}
        asked = {b.punch_id: b for b in begun}
        # A check-in does not count itself. It has no row while it waits to be judged.
        self._itself: dict[str, Count] = {}
        self._times: dict[tuple[Id, Id], list[datetime]] = {}
        self._closed: dict[tuple[Id, Id], list[int]] = {}  # of each time, how many before it
        for site_id, person_id, at, closed, punch_id in cursor.execute(_OWN, values).fetchall():
            key = site_id, person_id
            self._times.setdefault(key, []).append(at)
            before = self._closed.setdefault(key, [0])
            before.append(before[-1] + closed)
            if asked.get(punch_id) == (punch_id, person_id, site_id, at):
                self._itself[punch_id] = Count(1, int(closed))

    def itself(self, begun: Begun) -> Count:
        return self._itself.get(begun.punch_id, Count())

    def before(self, begun: Begun) -> Count:
        """Return the count of the days before a check-in."""
        key = begun.site_id, begun.person_id
        if key not in self._times:
            return Count()
        times, closed = self._times[key], self._closed[key]
        first = bisect_left(times, begun.begun_at - COUNTED_DAYS)
        last = bisect_right(times, begun.begun_at)
        return Count(last - first, closed[last] - closed[first]).minus(self.itself(begun))


class _Pieces:
    """The time before some moments, by site, in pieces of which each lies wholly within the days
    before a moment or wholly beyond them.
    """

    def __init__(self, moments: Iterable[tuple[Id, datetime]]) -> None:
        by_site: dict[Id, set[datetime]] = {}
        for site_id, at in moments:
            by_site.setdefault(site_id, set()).add(at)
        self._asked = [
            (site_id, *piece) for site_id, times in by_site.items() for piece in _pieces(times)
        ]
        # By site: of each moment that bounds a piece, the count of all pieces before it.
        self._totals: dict[Id, dict[datetime, Count]] = {}

    def document(self) -> str:
        """Return the pieces as rows of JSON."""
        rows = [
            {"site_id": site_id, "since": since, "until": until}
            for site_id, since, until in self._asked
        ]
        return document(rows)

    def read(self, rows: Iterable[tuple[int, int, int]]) -> None:
        """Take the counts of pieces, by the ordinals of their rows: others have none."""
        counts = {ordinal: Count(*count) for ordinal, *count in rows}
        running: dict[Id, Count] = {}
        for ordinal, (site_id, since, until) in enumerate(self._asked, 1):
            total = running.get(site_id, Count())
            totals = self._totals.setdefault(site_id, {})
            totals[since] = total
            totals[until] = running[site_id] = total.plus(counts.get(ordinal, Count()))

    def before(self, site_id: Id, at: datetime) -> Count:
        """Return the count of the days before a moment, one of those that were asked for."""
        totals = self._totals[site_id]
        return totals[at + _LEAST].minus(totals[at - COUNTED_DAYS])


def _pieces(moments: Iterable[datetime]) -> list[tuple[datetime, datetime]]:
    """Return the days before the moments, in order and in pieces, the end of none belonging to
    it.
    """
    opens: dict[datetime, int] = {}  # how many begin then less how many end
    for at in moments:
        for edge, change in ((at - COUNTED_DAYS, 1), (at + _LEAST, -1)):
            opens[edge] = opens.get(edge, 0) + change
    edges, within, pieces = sorted(opens), 0, []
    for since, until in pairwise(edges):
        within += opens[since]
        if within:
            pieces.append((since, until))
    return pieces
