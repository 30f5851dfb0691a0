"""Ranges of time, each of one key: a person, a site or a device."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar

from models import bulk

K = TypeVar("K")

FOREVER = datetime(9000, 1, 1, tzinfo=UTC)


class Range(NamedTuple, Generic[K]):
    key: K
    since: datetime
    until: datetime


def merge(ranges: Iterable[tuple[K, datetime, datetime]]) -> Iterator[Range[K]]:
    """Yield the same moments in the fewest ranges, none of which overlaps another of its key.

    Keys come in the order of their first appearance, the ranges of each by time.
    """
    by_key: dict[K, list[tuple[datetime, datetime]]] = {}
    for key, since, until in ranges:
        if since <= until:
            by_key.setdefault(key, []).append((since, until))
    for key, spans in by_key.items():
        if len(spans) == 1:
            yield Range(key, *spans[0])
            continue
        spans.sort()
        since, until = spans[0]
        for next_since, next_until in spans[1:]:
            if next_since > until:
                yield Range(key, since, until)
                since, until = next_since, next_until
            else:
                until = max(until, next_until)
        yield Range(key, since, until)


def document(ranges: Iterable[Range[Any]]) -> str:
    """Return the parameter of `unnest`: one JSON document, which is a fraction of the work of one
    array a column, on both sides.
    """
    return bulk.document(
        {"key": key, "since": since, "until": until} for key, since, until in ranges
    )


def unnest(name: str, column: str, kind: str) -> str:
    """Return SQL for the rows r(column, since, until, ordinal) of the parameter `name`, a document
    of ranges. Ordinals count from 1.
    """
    columns = f"key {kind}, since timestamptz, until timestamptz"
    return f"""ROWS FROM (json_to_recordset(%({name})s::json) AS ({columns}))
  WITH ORDINALITY AS r({column}, since, until, ordinal)"""


def columns(rows: Iterable[tuple[Any, ...]], width: int = 3) -> list[list[Any]]:
    """Turn rows into `width` arrays, as Postgres' own unnest() wants them."""
    listed = list(rows)
    if not listed:
        return [[] for _ in range(width)]
    return [list(column) for column in zip(*listed, strict=True)]
