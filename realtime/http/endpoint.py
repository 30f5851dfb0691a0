"""An endpoint of the API: its route and its description in one record, so that they agree."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, get_type_hints

import orjson
from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Schema = Mapping[str, Any]

# Every endpoint that wants a token refuses with these, beside its own.
BEARER = (
    *("token_missing", "token_invalid", "token_expired"),
    *("forbidden", "rate_limited", "unavailable"),
)


class Answer(NamedTuple):
    """An answer with a body of `type`. A list is also there as CSV, and names its next page."""

    about: str
    type: Any
    is_list: bool = False
    media: str = "application/json"


class Body(NamedTuple):
    type: Any
    needed: bool = True


class Parameter(NamedTuple):
    """A parameter of the query. `schema` describes one value.

    Where there may be `several`, they have commas between; one that may be `empty` needs no value.
    """

    about: str
    schema: Schema
    several: bool = False
    empty: bool = False


class Endpoint(NamedTuple):
    """A route and its description. `answers` are by status, `refuses` are codes of the contract.

    `choices` describe the parts of the path that are no ids. Without `security` it is for anybody.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    answers: Mapping[int, Answer]
    refuses: Sequence[str] = BEARER
    takes: Body | None = None
    query: Mapping[str, Parameter] = {}
    choices: Mapping[str, Sequence[str]] = {}
    security: str | None = "bearer"

    def route(self) -> web.RouteDef:
        if self.method == "GET":
            return web.get(self.path, self.handler)  # which takes HEAD along
        return web.route(self.method, self.path, self.handler)


def endpoint(
    method: str,
    path: str,
    handle: Callable[[web.Request], Awaitable[Any]],
    summary: str,
    about: str,
    *,
    status: int = 200,
    refuses: Sequence[str] = (),
    also: Mapping[int, Answer] | None = None,
    **more: Any,
) -> Endpoint:
    """Return the endpoint that answers with what `handle` returns, described by its annotation."""

    async def write(request: web.Request) -> web.Response:
        return json_response(await handle(request), status)

    returned = get_type_hints(handle, include_extras=True)["return"]
    answers = {status: Answer(about, returned), **(also or {})}
    return Endpoint(method, path, write, summary, answers, (*refuses, *BEARER), **more)


def json_response(body: Any, status: int = 200) -> web.Response:
    """Return the body as JSON."""
    try:
        text = orjson.dumps(body)
    except TypeError:
        # An id that is given back as it came may hold half of a surrogate pair.
        return web.json_response(body, status=status)
    return web.Response(body=text, status=status, content_type="application/json", charset="utf-8")
