"""/metrics for Prometheus: at a port of its own, and at PORT for the bearer of METRICS_TOKEN."""

import asyncio
import hmac
from contextlib import suppress

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from realtime.errors import ClientError
from realtime.http import backfill, precision
from realtime.http.context import CONTEXT
from realtime.http.guard import add_security_headers
from realtime.http.shared import Shared
from realtime.postgres import Postgres

READ_SECONDS = 3.0
# What is read from the database is kept for so long, however often it is scraped.
FRESH_SECONDS = 5.0


class Scraping:
    def __init__(self, postgres: Postgres) -> None:
        self._stored = Shared(lambda: _stored_text(postgres), FRESH_SECONDS)

    async def answer(self) -> web.Response:
        """Answer with what this server counts, and what is counted in Postgres.

        That is reviews and backfills. It is left out while Postgres does not answer.
        """
        text = generate_latest()
        with suppress(SQLAlchemyError, OSError, TimeoutError):
            async with asyncio.timeout(READ_SECONDS):
                text += await self._stored()
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _stored_text(postgres: Postgres) -> bytes:
    return await precision.metrics_text(postgres) + await backfill.metrics_text(postgres)


SCRAPING = web.AppKey("scraping", Scraping)


async def public(request: web.Request) -> web.Response:
    """Answer the bearer of METRICS_TOKEN. Raises ClientError for others.

    Where it is not set, there is nothing here, and no token to be guessed: HTTPNotFound is raised.
    """
    token = request.app[CONTEXT].settings.metrics_token
    if not token:
        raise web.HTTPNotFound
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise ClientError("token_missing", "This needs METRICS_TOKEN as bearer token.")
    if not hmac.compare_digest(bearer.strip().encode(errors="replace"), token.encode()):
        raise ClientError("token_invalid", "This is not METRICS_TOKEN.")
    return await request.app[SCRAPING].answer()


def scraped_app(app: web.Application) -> web.Application:
    """Return the application for METRICS_PORT: /metrics of `app`, and nothing else."""

    async def answer(_: web.Request) -> web.Response:
        return await app[SCRAPING].answer()

    scraped = web.Application()
    scraped.on_response_prepare.append(add_security_headers)
    scraped.router.add_get("/metrics", answer)
    return scraped
