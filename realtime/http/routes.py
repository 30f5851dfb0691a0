"""Every route of the REST API and of the page. Those in ENDPOINTS are described as well."""

from functools import cache

import orjson
from aiohttp import web

from realtime.http import (
    alerts,
    anomalies,
    backfill,
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
    *backfill.ENDPOINTS,
)


def add_routes(app: web.Application) -> None:
    _document()  # takes a moment that viewers are not to wait for
    app.router.add_get("/", console.index)
    app.router.add_get("/dashboard/{name}", console.file)
    app.router.add_get("/api/openapi.json", _describe)
    app.router.add_routes(endpoint.route() for endpoint in ENDPOINTS)


async def _describe(_: web.Request) -> web.Response:
    return web.Response(body=_document(), content_type="application/json")


@cache
def _document() -> bytes:
    return orjson.dumps(openapi.build(ENDPOINTS))
