"""The application: what there is, how it hangs together, how it starts and how it ends."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from models.database import make_engine
from models.emitter import FeedManager
from models.migrations.revision import newest_revision
from models.settings import Settings
from realtime.admission import Door
from realtime.desk import Desk
from realtime.feed.feeds import Feeds
from realtime.feed.reader import FeedReader
from realtime.http import console, guard, health, scraping
from realtime.http.context import CONTEXT, Context
from realtime.http.postgres_check import PostgresCheck
from realtime.http.readiness import Readiness
from realtime.http.routes import add_routes
from realtime.namespace import Noc
from realtime.postgres import Postgres, make_async_engine
from realtime.tokens import Verifier
from realtime.transport.endings import end
from realtime.transport.redis_manager import RedisManager
from realtime.transport.server import Server
from realtime.workers import Workers

log = structlog.get_logger()

# Made when the application starts, on its loop.
NOC = web.AppKey("noc", Noc)
# 10,000 punches of a good kilobyte each.
MAX_BODY_BYTES = 16 * 1024 * 1024
# What one packet of a viewer may hold: a filter with a thousand sites fits many times over.
MAX_PACKET_BYTES = 100_000


def make_app(settings: Settings) -> web.Application:
    app = web.Application(
        middlewares=[guard.watch, guard.allow_origins, guard.answer_errors],
        client_max_size=MAX_BODY_BYTES,
        handler_args={"auto_decompress": False},
    )
    engine = make_async_engine(settings.database_url)
    manager = RedisManager(settings.redis_url, settings.redis_channel)
    writing = make_engine(settings.database_url, pool_size=4)
    context = Context(
        settings=settings,
        postgres=Postgres(engine),
        intake=writing,
        desk=Desk(writing, FeedManager(settings.redis_url, settings.redis_channel)),
        verifier=Verifier(settings),
        workers=Workers(settings),
        manager=manager,
    )
    app[CONTEXT] = context
    app[scraping.SCRAPING] = scraping.Scraping(context.postgres)
    server = Server(
        manager,
        events_per_second=settings.viewer_events_per_second,
        cors_allowed_origins=allowed_origins(settings),
        cors_credentials=False,
        max_http_buffer_size=MAX_PACKET_BYTES,
        logger=_library_log(),
        engineio_logger=_library_log(),
    )
    app.cleanup_ctx.append(_running(context, server, engine))
    app.on_startup.append(console.warn_if_incomplete)
    app.on_response_prepare.append(guard.add_security_headers)
    add_routes(app)
    server.attach(app)
    return app


def allowed_origins(settings: Settings) -> list[str] | str | None:
    """As python-engineio wants them: None is the same origin only."""
    if "*" in settings.cors_origins:
        return "*"
    return list(settings.cors_origins) or None


def _library_log() -> logging.Logger:
    """Warnings and worse, whatever LOG_LEVEL says: below that the libraries log packets whole,
    tokens included.
    """
    logger = logging.getLogger("rollcall.socketio")
    logger.setLevel(logging.WARNING)
    return logger


def _running(context: Context, server: Server, engine: AsyncEngine) -> Any:
    """What lives as long as the application does: the listener and the watches, started before the
    first client.
    """

    async def run(app: web.Application) -> AsyncIterator[None]:
        settings, manager = context.settings, context.manager
        reader = FeedReader(context.postgres)
        feeds = Feeds(reader, manager.listener, settings.redis_channel)
        manager.said, manager.subscribed = feeds.said, feeds.subscribed
        noc = Noc(
            server,
            Door(context.verifier, feeds, reader),
            feeds,
            reader,
            context.verifier,
            context.desk,
            bound=settings.viewer_buffer_bytes,
            stall_seconds=settings.viewer_stall_seconds,
        )
        app[NOC] = noc
        checking = make_async_engine(settings.database_url, pool_size=1)
        app[health.READINESS] = Readiness(
            PostgresCheck(checking, newest_revision()), manager, context.workers, feeds
        )
        manager.start()
        watches = [asyncio.create_task(_for_ever(watch)) for watch in (feeds.watch, noc.tidy_up)]
        app.on_shutdown.append(lambda _: hang_up(server))
        _tame_garbage_collector()
        yield
        await end(*watches)
        await manager.stop()
        await engine.dispose()
        await checking.dispose()
        context.intake.dispose()

    return run


async def _for_ever(watch: Any) -> None:
    """Restart what is to run for ever, should it break."""
    while True:
        try:
            await watch()
        except Exception:
            log.exception("watch_failed")
        await asyncio.sleep(1)


async def hang_up(server: Server) -> None:
    """Close every connection by its transport: a browser then comes back by itself, to whichever
    server there is.
    """
    await server.shutdown()
    for socket in list(server.eio.sockets.values()):
        socket.hang_up()
    with suppress(TimeoutError):
        async with asyncio.timeout(2):
            while server.eio.sockets:  # noqa: ASYNC110  the library has no event for it
                await asyncio.sleep(0.01)


def _tame_garbage_collector() -> None:
    """What start-up made stays; messages and writes make no cycles worth looking for so often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
