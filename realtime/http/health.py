"""/healthz, /readyz and /metrics, for whoever runs the server."""

import asyncio
from contextlib import suppress

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from realtime.http.context import CONTEXT, Context
from realtime.http.precision import metrics_text

SECONDS = 3.0


async def alive(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def ready(request: web.Request) -> web.Response:
    """200 when Postgres, Redis and a worker answer; else 503 with what does not."""
    context = request.app[CONTEXT]
    answers = await asyncio.gather(_postgres(context), _redis(context), context.judging.answers())
    parts = dict(zip(("postgres", "redis", "worker"), answers, strict=True))
    failing = [name for name, answered in parts.items() if not answered]
    if not failing:
        return web.json_response({"status": "ready"})
    message = f"Not answering: {', '.join(failing)}."
    return web.json_response({"error": {"code": "unavailable", "message": message}, "failing": failing}, status=503)


async def metrics(request: web.Request) -> web.Response:
    """What this server counts, and what operators made of what was found: that is left out while Postgres does not answer."""
    text = generate_latest()
    with suppress(SQLAlchemyError, OSError, TimeoutError):
        async with asyncio.timeout(SECONDS):
            text += await metrics_text(request.app[CONTEXT].postgres)
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _postgres(context: Context) -> bool:
    try:
        async with asyncio.timeout(SECONDS):
            await context.postgres.ping()
    except (SQLAlchemyError, OSError, TimeoutError):
        return False
    return True


async def _redis(context: Context) -> bool:
    try:
        async with asyncio.timeout(SECONDS):
            return await context.manager.ping()
    except (RedisError, OSError, TimeoutError):
        return False
