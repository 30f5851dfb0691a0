"""Filters of lists: what each is called, how it is read, and what it asks of a row."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from aiohttp import web
from sqlalchemy import ColumnElement

from realtime.errors import ClientError
from realtime.http.kinds import INSTANT, Kind
from realtime.http.paging import PARAMETERS

Given = Mapping[str, Sequence[Any]]  # the values of each filter that was given
Asks = Callable[[Sequence[Any]], ColumnElement[bool]]


class Filter(NamedTuple):
    """`asks` makes the condition from the values given, of which there is one at least.

    `default` stands where none is given.
    """

    kind: Kind
    asks: Asks
    about: str = "One value or several, with commas between; any of them matches."
    several: bool = True
    default: Sequence[Any] = ()


Filters = Mapping[str, Filter]


def any_of(column: ColumnElement[Any], kind: Kind) -> Filter:
    return Filter(kind, column.in_)


def since_and_until(moment: ColumnElement[Any]) -> Filters:
    """Return the two filters that bound `moment`. Of several values the narrowest holds."""
    return {
        "since": _one(lambda given: moment >= max(given), "At or after this moment."),
        "until": _one(lambda given: moment < min(given), "Before this moment."),
    }


def _one(asks: Asks, about: str) -> Filter:
    return Filter(INSTANT, asks, about, several=False)


def read_filters(request: web.Request, filters: Filters) -> Given:
    """Return every value given for each filter; several, or with commas, are alternatives.

    Raises ClientError `invalid`.
    """
    unknown = sorted(set(request.query) - set(filters) - PARAMETERS)
    if unknown:
        names = ", ".join(sorted(filters))
        raise ClientError("invalid", f"There is no filter {unknown[0][:40]!r}; there are {names}.")
    read = {name: _read(request, name, filter_) for name, filter_ in filters.items()}
    return {name: values for name, values in read.items() if values}


def conditions(filters: Filters, given: Given) -> list[ColumnElement[bool]]:
    return [filters[name].asks(values) for name, values in given.items()]


def _read(request: web.Request, name: str, filter_: Filter) -> Sequence[Any]:
    given = request.query.getall(name, [])
    texts = [part for value in given for part in value.split(",") if part]
    try:
        return [filter_.kind.read(text) for text in texts] or filter_.default
    except ValueError as error:
        raise ClientError("invalid", f"{name} {error}.") from None
