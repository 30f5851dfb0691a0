"""The application: its parts, how they hang together, how it starts and how it ends."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from models.channel_keys import SigningKeys
from models.database import make_engine
from models.emitter import FeedManager
from models.migrations.revision import newest_revision
from models.settings import Settings
from realtime.admission import Admissions
from realtime.desk import THREADS, Desk
from realtime.events import Events
from realtime.expiry import Expiry
from realtime.feed.feeds import Feeds
from realtime.feed.publications import Publications
from realtime.feed.reader import FeedReader
from realtime.feed.replay import Replay
from realtime.http import body, console, guard, health, scraping
from realtime.http.context import CONTEXT, Context
from realtime.http.postgres_check import PostgresCheck
from realtime.http.readiness import Readiness
from realtime.http.routes import add_routes
from realtime.http.shares import add_shares
from realtime.namespace import Noc
from realtime.postgres import Postgres, make_async_engine
from realtime.tokens import Verifier
from realtime.transport.addresses import Proxies
from realtime.transport.connections import CROWD, Connections
from realtime.transport.endings import end
from realtime.transport.http_protocol import CONNECTIONS
from realtime.transport.redis_manager import RedisManager
from realtime.transport.server import Server
from realtime.transport.slowing import SLOWING, Slowing
from realtime.transport.unadmitted import Unadmitted
from realtime.workers import Workers

log = structlog.get_logger()

# Made when the application starts, on its loop.
NOC = web.AppKey("noc", Noc)
# A packet of a viewer may have so many bytes: a filter with a thousand sites fits many times over.
MAX_PACKET_BYTES = 100_000
# Connections that are kept for submissions by HTTP.
INTAKE_POOL = 4


def make_app(settings: Settings) -> web.Application:
    """Return the application, which connects to nothing before it is started."""
    app = web.Application(
        middlewares=[
            guard.note_client,
            guard.watch,
            guard.allow_origins,
            guard.answer_errors,
            body.let_go,
        ],
        handler_args={"auto_decompress": False},
    )
    engine = make_async_engine(settings.database_url)
    manager = RedisManager(settings.redis_url, settings.redis_channel)
    operating = make_engine(settings.database_url, pool_size=THREADS)
    context = Context(
        settings=settings,
        postgres=Postgres(engine),
        intake=make_engine(settings.database_url, pool_size=INTAKE_POOL),
        desk=Desk(
            operating,
            FeedManager(settings.redis_url, settings.redis_channel, SigningKeys(operating)),
        ),
        verifier=Verifier(settings),
        workers=Workers(settings),
        manager=manager,
    )
    app[CONTEXT] = context
    app[body.BODIES] = body.Bodies()
    add_shares(app)
    app[SLOWING] = Slowing()
    app[CONNECTIONS] = Connections(
        settings.connections,
        settings.connections_per_address,
        settings.connections_per_user,
        Proxies(settings.trusted_proxies),
    )
    app[scraping.SCRAPING] = scraping.Scraping(context.postgres)
    server = Server(
        manager,
        app[SLOWING],
        Unadmitted(CROWD * settings.connections_per_address),
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
    """Return the origins in python-engineio's form, where None is the same origin only."""
    if "*" in settings.cors_origins:
        return "*"
    return list(settings.cors_origins) or None


def _library_log() -> logging.Logger:
    """Return a logger of warnings and worse, whatever LOG_LEVEL says.

    Below that the libraries log packets whole, tokens included.
    """
    logger = logging.getLogger("rollcall.socketio")
    logger.setLevel(logging.WARNING)
    return logger


def _running(context: Context, server: Server, engine: AsyncEngine) -> Any:
    """Return the context in which the listener and the watches run, from before the first client.

    It lasts as long as the application.
    """

    async def run(app: web.Application) -> AsyncIterator[None]:
        settings, manager = context.settings, context.manager
        reader = FeedReader(context.postgres)
        publications = Publications(context.postgres)
        feeds = Feeds(reader, manager.listener, settings.redis_channel, publications)
        manager.received, manager.subscribed = feeds.receive, feeds.subscribed
        manager.foreign = publications.drop
        noc = app[NOC] = _make_noc(context, server, feeds, reader)
        checking = make_async_engine(settings.database_url, pool_size=1)
        app[health.READINESS] = Readiness(
            PostgresCheck(checking, newest_revision()), manager, context.workers, feeds
        )
        await publications.read_keys()
        manager.start()
        watched = (
            feeds.watch,
            publications.watch,
            noc.tidy_up,
            app[CONNECTIONS].watch,
            *_watch_keys(context.verifier, noc),
        )
        watches = [asyncio.create_task(_for_ever(watch)) for watch in watched]
        app.on_shutdown.append(lambda _: hang_up(server))
        _tame_garbage_collector()
        yield
        await end(*watches)
        if context.verifier.published:
            context.verifier.published.close()
        await manager.stop()
        await engine.dispose()
        await checking.dispose()
        context.intake.dispose()
        await context.desk.close()

    return run


def _make_noc(context: Context, server: Server, feeds: Feeds, reader: FeedReader) -> Noc:
    settings, verifier = context.settings, context.verifier
    expiry = Expiry(server, verifier.published)
    return Noc(
        server,
        Admissions(verifier, feeds, reader),
        feeds,
        Events(reader, verifier, context.desk, expiry),
        expiry,
        Replay(reader, settings.viewer_stall_seconds),
        bound=settings.viewer_buffer_bytes,
        stall_seconds=settings.viewer_stall_seconds,
        most_of_user=settings.connections_per_user,
    )


def _watch_keys(verifier: Verifier, noc: Noc) -> list[Callable[[], Awaitable[None]]]:
    """Return what keeps the published keys fresh, where tokens are verified by such.

    Viewers whose key is withdrawn have to go.
    """
    if verifier.published is None:
        return []
    verifier.published.withdrawn = noc.end_withdrawn
    return [verifier.published.watch]


async def _for_ever(watch: Callable[[], Awaitable[None]]) -> None:
    """Run `watch`, and begin it again should it break."""
    while True:
        try:
            await watch()
        except Exception:
            log.exception("watch_failed")
        await asyncio.sleep(1)


async def hang_up(server: Server) -> None:
    """Close every connection by its transport.

    A browser then comes back by itself, to whichever server there is.
    """
    await server.shutdown()
    for socket in list(server.eio.sockets.values()):
        socket.hang_up()
    with suppress(TimeoutError):
        async with asyncio.timeout(2):
            while server.eio.sockets:  # noqa: ASYNC110  the library has no event for it
                await asyncio.sleep(0.01)


def _tame_garbage_collector() -> None:
    """Have the collector run seldom, and never look at what start-up made.

    Messages and writes make no cycles worth looking for more often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
