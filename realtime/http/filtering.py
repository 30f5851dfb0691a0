"""Filters of lists: how each is read, and which condition it is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from aiohttp import web
from sqlalchemy import ColumnElement

from models.ids import Id, StringId
from realtime.errors import ClientError
from realtime.http.kinds import INSTANT, Kind
from realtime.http.paging import PARAMETERS

Values = Mapping[str, Sequence[Any]]  # of each filter that was given
Asks = Callable[[Sequence[Any]], ColumnElement[bool]]


class Filter(NamedTuple):
    """A filter of a list. `asks` makes the condition of one or more values.

    `default` are the values where none is given.
    """

    kind: Kind
    asks: Asks
    about: str = "One value or several, with commas between; any of them matches."
    several: bool = True
    default: Sequence[Any] = ()


Filters = Mapping[str, Filter]


def any_of(column: ColumnElement[Any], kind: Kind) -> Filter:
    """Return the filter for rows whose column has one of the values."""
    return Filter(kind, column.in_)


def since_and_until(moment: ColumnElement[Any]) -> Filters:
    """Return the two filters that bound `moment`. Where several are given, the narrowest holds."""
    return {
        "since": _bound(lambda moments: moment >= max(moments), "At or after this moment."),
        "until": _bound(lambda moments: moment < min(moments), "Before this moment."),
    }


def _bound(asks: Asks, about: str) -> Filter:
    return Filter(INSTANT, asks, about, several=False)


def read_filters(request: web.Request, filters: Filters) -> Values:
    """Return every value given for each filter: repeated, or with commas between.

    Raises ClientError `invalid`.
    """
    unknown = sorted(set(request.query) - set(filters) - PARAMETERS)
    if unknown:
        names = ", ".join(sorted(filters))
        raise ClientError("invalid", f"There is no filter {unknown[0][:40]!r}; there are {names}.")
    values_of = {name: _read(request, name, filter_) for name, filter_ in filters.items()}
    return {name: values for name, values in values_of.items() if values}


def ids_in(values_of: Values) -> list[Id]:
    """Return the string ids among the values."""
    return [one for values in values_of.values() for one in values if isinstance(one, StringId)]


def conditions(filters: Filters, values_of: Values) -> list[ColumnElement[bool]]:
    """Return the condition of each filter that was given; all have to hold."""
    return [filters[name].asks(values) for name, values in values_of.items()]


def _read(request: web.Request, name: str, filter_: Filter) -> Sequence[Any]:
    texts = [part for value in request.query.getall(name, []) for part in value.split(",") if part]
    try:
        return [filter_.kind.read(text) for text in texts] or filter_.default
    except ValueError as error:
        raise ClientError("invalid", f"{name} {error}.") from None
