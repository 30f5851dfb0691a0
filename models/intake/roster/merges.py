"""Who counts as whom: two records of one person, as they are merged from some moment on.

It is worked out from the versions of people. One that is merged into somebody who has not come yet
counts as itself until then. Chains end at the last.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Cursor

from models.ids import Id
from models.intake.roster.laying import BEGINNING, END, Span, Version

# No company gives a person more numbers than this.
LONGEST_CHAIN = 50


class Merge(NamedTuple):
    """From when on a person counts as another, until when; BEGINNING and END stand for ever."""

    person_id: Id
    since: datetime
    until: datetime
    into_id: Id


# What is said of each person: from when to when they are merged into whom.
Said = Mapping[Id, Sequence[Merge]]

_EVER = {"-infinity": BEGINNING, "infinity": END}
_SAID = """
SELECT person_id, since::text, until::text, merged_into, {since}, {until}
FROM person_version
WHERE tenant_id = %(tenant_id)s AND merged_into IS NOT NULL
"""
_STORED = """
SELECT person_id, since::text, until::text, into_id, {since}, {until}
FROM person_merge WHERE tenant_id = %(tenant_id)s
"""
_FINITE = {name: f"CASE WHEN isfinite({name}) THEN {name} END" for name in ("since", "until")}
_COME = """
SELECT DISTINCT person_id FROM person_version
WHERE tenant_id = %(tenant_id)s AND person_id = ANY(%(people)s)
"""
_FORGET = "DELETE FROM person_merge WHERE tenant_id = %(tenant_id)s"
_KEEP = """
INSERT INTO person_merge (tenant_id, person_id, since, until, into_id)
SELECT %(tenant_id)s, * FROM unnest(
    %(person_id)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[],
    %(into_id)s::bigint[]
)
"""


def said_of(person_id: Id, versions: Iterable[Version]) -> list[Merge]:
    """Return into whom a person is merged, as their versions say it."""
    return [
        Merge(person_id, version.since, version.until, into)
        for version in versions
        if (into := version.columns["merged_into"]) is not None
    ]


def circle(said: Said, person_id: Id) -> list[Id]:
    """Return the people of a circle through this one, in turn; [] where there is none.

    A chain of more than LONGEST_CHAIN is returned as well.
    """
    waiting = [([person_id], BEGINNING, END)]
    while waiting:
        path, since, until = waiting.pop()
        for merge in said.get(path[-1], ()):
            begins, ends = max(since, merge.since), min(until, merge.until)
            if begins >= ends:
                continue
            if merge.into_id == person_id or len(path) == LONGEST_CHAIN:
                return path
            if merge.into_id not in path:
                waiting.append(([*path, merge.into_id], begins, ends))
    return []


def followed(said: Said, come: Collection[Id]) -> list[Merge]:
    """Return who counts as whom, where of the people merged into only these have come."""
    ends: dict[Id, list[Merge]] = {}

    def of(person_id: Id) -> list[Merge]:
        if person_id not in ends:
            ends[person_id] = []  # a circle, which is never let in, would end here
            ends[person_id] = _joined(
                part
                for merge in sorted(said.get(person_id, ()))
                if merge.into_id in come
                for part in _parts(merge, of(merge.into_id))
            )
        return ends[person_id]

    return [merge for person_id in sorted(said) for merge in of(person_id)]


def _parts(merge: Merge, further: Iterable[Merge]) -> list[Merge]:
    """Return a merge in parts, as the one merged into is merged further for some of its time."""
    parts, at = [], merge.since
    for other in further:
        begins, ends = max(at, other.since), min(merge.until, other.until)
        if begins < ends:
            parts += [merge._replace(since=at, until=begins)] if at < begins else []
            parts.append(Merge(merge.person_id, begins, ends, other.into_id))
            at = ends
    return [*parts, merge._replace(since=at)] if at < merge.until else parts


def _joined(parts: Iterable[Merge]) -> list[Merge]:
    """Join parts that follow each other and are alike; leave out whoever counts as themselves."""
    joined: list[Merge] = []
    for part in parts:
        last = joined[-1] if joined else None
        if last and (last.until, last.into_id) == (part.since, part.into_id):
            joined[-1] = last._replace(until=part.until)
        elif part.into_id != part.person_id:
            joined.append(part)
    return joined


def differing(before: Iterable[Merge], after: Iterable[Merge]) -> dict[Id, Span]:
    """Return, by person, the time for which they count as another than before."""
    changed = set(before) ^ set(after)
    spans: dict[Id, Span] = {}
    for merge in changed:
        since, until = spans.get(merge.person_id, (merge.since, merge.until))
        spans[merge.person_id] = min(since, merge.since), max(until, merge.until)
    return spans


def load_said(cursor: Cursor, tenant_id: Id) -> dict[Id, list[Merge]]:
    """Return into whom people are merged, as it is stored."""
    return by_person(_rows(cursor, _SAID, tenant_id))


def by_person(merges: Iterable[Merge]) -> dict[Id, list[Merge]]:
    of_each: dict[Id, list[Merge]] = {}
    for merge in merges:
        of_each.setdefault(merge.person_id, []).append(merge)
    return of_each


def load(cursor: Cursor, tenant_id: Id) -> list[Merge]:
    """Return who counts as whom, as it was worked out last."""
    return _rows(cursor, _STORED, tenant_id)


def _rows(cursor: Cursor, sql: str, tenant_id: Id) -> list[Merge]:
    rows = cursor.execute(sql.format(**_FINITE), {"tenant_id": tenant_id}).fetchall()
    return sorted(
        Merge(person_id, since or _EVER[since_text], until or _EVER[until_text], into_id)
        for person_id, since_text, until_text, into_id, since, until in rows
    )


def come_of(cursor: Cursor, tenant_id: Id, people: Collection[Id]) -> set[Id]:
    """Return those of these people that ever were in the roster."""
    values = {"tenant_id": tenant_id, "people": list(people)}
    return {person_id for (person_id,) in cursor.execute(_COME, values)}


def save(cursor: Cursor, tenant_id: Id, merges: Sequence[Merge]) -> None:
    """Keep who counts as whom, in place of what was worked out before."""
    cursor.execute(_FORGET, {"tenant_id": tenant_id})
    if not merges:
        return
    values: dict[str, Any] = {
        name: [getattr(merge, name) for merge in merges] for name in ("person_id", "into_id")
    }
    for name in ("since", "until"):
        values[name] = [as_text(getattr(merge, name)) for merge in merges]
    cursor.execute(_KEEP, values | {"tenant_id": tenant_id})


def as_text(moment: datetime) -> str:
    """Return a moment as Postgres reads it, where ever is infinite."""
    if moment in (BEGINNING, END):
        return "-infinity" if moment == BEGINNING else "infinity"
    return moment.isoformat()


def counts_as(merges: Said, person_id: Id, at: datetime) -> Id:
    """Return who a person counts as at a moment, by the merges of each."""
    for merge in merges.get(person_id, ()):
        if merge.since <= at < merge.until:
            return merge.into_id
    return person_id
