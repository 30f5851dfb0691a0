"""Ranges of time, each of one key (a person, a site, a device), merged so that none overlaps
another of the same key.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

import orjson

K = TypeVar("K")


class Range(NamedTuple, Generic[K]):
    key: K
    since: datetime
    until: datetime


def merge(ranges: Iterable[tuple[K, datetime, datetime]]) -> Iterator[Range[K]]:
    """Yield the same moments in the fewest ranges, keys as they first appear, each by time."""
    by_key: dict[K, list[tuple[datetime, datetime]]] = {}
    for key, since, until in ranges:
        if since <= until:
            by_key.setdefault(key, []).append((since, until))
    for key, spans in by_key.items():
        since, until = spans[0]
        if len(spans) == 1:
            yield Range(key, since, until)
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
    """The parameter of `unnest`. One JSON document is a fraction of the work, on both sides, that
    an array for each column is.
    """
    return orjson.dumps(
        [{"key": key, "since": since, "until": until} for key, since, until in ranges]
    ).decode()


def unnest(name: str, column: str, kind: str) -> str:
    """The rows r(column, since, until, ordinal) of the parameter `name`, counted from 1."""
    columns = f"key {kind}, since timestamptz, until timestamptz"
    return f"""ROWS FROM (json_to_recordset(%({name})s::json) AS ({columns}))
  WITH ORDINALITY AS r({column}, since, until, ordinal)"""


def columns(rows: Iterable[tuple[Any, ...]], width: int = 3) -> list[list[Any]]:
    """Rows turned into `width` arrays, as Postgres' own unnest() wants them."""
    listed = list(rows)
    return (
        [list(column) for column in zip(*listed, strict=True)]
        if listed
        else [[] for _ in range(width)]
    )
