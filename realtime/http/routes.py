"""Every route of the REST API and of the page. What stands in ENDPOINTS is described as well."""

from functools import cache

import orjson
from aiohttp import web

from realtime.http import (
    alerts,
    anomalies,
    console,
    health,
    moves,
    openapi,
    precision,
    punches,
    quiet,
    quieting,
    rejected,
    reviews,
    scraping,
)
from realtime.http.endpoint import Answer, Endpoint

_METRICS = Endpoint(
    "GET",
    "/metrics",
    scraping.public,
    "Metrics, for the bearer of METRICS_TOKEN",
    {200: Answer("Prometheus text format.", str, media="text/plain")},
    refuses=("token_missing", "token_invalid", "not_found"),
    security="metrics",
)

ENDPOINTS: tuple[Endpoint, ...] = (
    *health.ENDPOINTS,
    _METRICS,
    *anomalies.ENDPOINTS,
    *reviews.ENDPOINTS,
    *alerts.ENDPOINTS,
    *moves.ENDPOINTS,
    *quiet.ENDPOINTS,
    *quieting.ENDPOINTS,
    *precision.ENDPOINTS,
    *rejected.ENDPOINTS,
    *punches.ENDPOINTS,
)


def add_routes(app: web.Application) -> None:
    _document()  # takes a moment, which is not to be taken from viewers
    app.router.add_get("/", console.index)
    app.router.add_get("/dashboard/{name}", console.file)
    app.router.add_get("/api/openapi.json", _describe)
    for each in ENDPOINTS:
        app.router.add_routes([each.route()])


async def _describe(_: web.Request) -> web.Response:
    return web.Response(body=_document(), content_type="application/json")


@cache
def _document() -> bytes:
    return orjson.dumps(openapi.build(ENDPOINTS))
