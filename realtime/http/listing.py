"""A list of the API as one record: what it selects, whom it is shown to, and how it is narrowed.

Filters, pages, CSV, what "show one" finds and the description all follow from it.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import cache
from typing import Any, Generic, NamedTuple, get_type_hints
from uuid import UUID

from aiohttp import web
from sqlalchemy import Column, ColumnElement, Row, Select, func, select, tuple_

from models.ids import Id
from realtime.desk import read_id
from realtime.errors import ClientError
from realtime.http.context import viewer
from realtime.http.endpoint import BEARER, Answer, Endpoint, Parameter
from realtime.http.filtering import Filters, Values, conditions, ids_in, read_filters
from realtime.http.pages import Item, Page, page_response
from realtime.http.paging import DEFAULT_LIMIT, MAX_LIMIT, Cursor, read_cursor, read_limit
from realtime.http.shares import fetch
from realtime.tokens import Claims

Scope = Callable[[Collection[Id]], Sequence[ColumnElement[bool]]]

LIMIT = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
PAGING = {
    "limit": Parameter("How many items a page has.", LIMIT),
    "cursor": Parameter("`next` of the page before.", {"type": "string"}),
}


def at_site(column: ColumnElement[Any]) -> Scope:
    """Return the scope of rows that are of one site, which the column names."""
    return lambda sites: [column == func.any(sorted(sites))]


def within(
    claims: Claims,
    tenant_id: ColumnElement[Any],
    scope: Scope,
) -> list[ColumnElement[bool]]:
    """Return the conditions that keep to the token's tenant and sites."""
    return [
        tenant_id == claims.tenant_id,
        *(scope(claims.sites) if claims.sites is not None else ()),
    ]


class Listing(NamedTuple, Generic[Item]):
    """The rows of the table of `moment` and `key`, newest first, of the token's tenant and sites.

    `what` is the word for one of them. `scope` makes the conditions for a token of some sites only;
    `shown` are conditions for everybody. `item` makes what is answered for a row. Its return
    annotation is in the API's description, and its fields, without `left_out`, are the columns of
    the CSV, in their order.
    """

    what: str
    moment: Column[Any]
    key: Column[Any]
    filters: Filters
    scope: Scope
    item: Callable[[Row[Any], Claims], Item]
    shown: Sequence[ColumnElement[bool]] = ()
    rows: Callable[[Claims], Select[Any]] | None = None
    left_out: frozenset[str] = frozenset()

    def query(
        self,
        claims: Claims,
        values_of: Values | None = None,
        cursor: Cursor | None = None,
    ) -> Select[Any]:
        """Return the statement that selects what the token may see and the filters let through."""
        table = self.moment.table
        order = (self.moment, self.key)
        where = [*within(claims, table.c.tenant_id, self.scope), *self.shown]
        where += conditions(self.filters, values_of or {})
        if cursor:
            where.append(tuple_(*order) < tuple_(cursor.moment, cursor.row_id))
        selected = self.rows(claims) if self.rows else select(table)
        return selected.where(*where).order_by(*(column.desc() for column in order))

    async def answer(self, request: web.Request, claims: Claims) -> web.Response:
        """Return the page that is asked for. Raises ClientError `invalid`."""
        limit = read_limit(request)
        values_of = read_filters(request, self.filters)
        query = self.query(claims, values_of, read_cursor(request))
        rows = await fetch(request, claims, query.limit(limit + 1), ids=ids_in(values_of))
        items = [self.item(row, claims) for row in rows[:limit]]
        following = self._cursor(rows[limit - 1]) if len(rows) > limit else None
        return page_response(request, items, columns_of(self.item, self.left_out), following)

    async def find(
        self,
        request: web.Request,
        claims: Claims,
        row_id: UUID | None = None,
    ) -> Row[Any]:
        """Return the row that the path names, or that of `row_id`.

        Raises ClientError `not_found`, also for one that the token may not see.
        """
        query = self.query(claims).where(self.key == (row_id or self.read_id(request)))
        for row in await fetch(request, claims, query):
            return row
        raise ClientError("not_found", f"There is no such {self.what}.")

    def read_id(self, request: web.Request) -> UUID:
        """Return the id in the path. Raises ClientError `not_found` for what can be none."""
        return read_id(request.match_info[self.key.name], self.what)

    def endpoint(
        self,
        path: str,
        summary: str,
        asker: Callable[[web.Request], Awaitable[Claims]] = viewer,
    ) -> Endpoint:
        """Return the endpoint of the list, for whom `asker` lets through."""

        async def answer(request: web.Request) -> web.Response:
            return await self.answer(request, await asker(request))

        about = "A page, newest first. The next one's address stands in the Link header too."
        query = parameters_of(self.filters) | PAGING
        return list_endpoint(path, answer, summary, about, item_of(self.item), query)

    def _cursor(self, row: Row[Any]) -> Cursor:
        return Cursor(row._mapping[self.moment], row._mapping[self.key])


def list_endpoint(
    path: str,
    answer: Callable[[web.Request], Awaitable[web.Response]],
    summary: str,
    about: str,
    item: Any,
    query: dict[str, Parameter],
) -> Endpoint:
    """Return an endpoint that answers with pages of `item`."""
    page: Any = Page  # of a type that is known at run time only
    answers = {200: Answer(about, page[item], is_list=True)}
    return Endpoint("GET", path, answer, summary, answers, ("invalid", *BEARER), query=query)


def parameters_of(filters: Filters) -> dict[str, Parameter]:
    """Return the description of each filter as a parameter of the query."""
    return {
        name: Parameter(filter_.about, filter_.kind.schema, filter_.several)
        for name, filter_ in filters.items()
    }


def item_of(item: Callable[..., Any]) -> Any:
    """Return the type of what a list shows, from the function that makes it."""
    return get_type_hints(item)["return"]


@cache
def columns_of(item: Callable[..., Any], left_out: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return the columns of the CSV of what `item` makes."""
    return tuple(name for name in item_of(item).__annotations__ if name not in left_out)
