"""The server as a process, listening at PORT, and for Prometheus at METRICS_HOST, METRICS_PORT."""

import asyncio
import errno
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
import uvloop
from aiohttp import web

from models.settings import Settings
from models.starting import log_misspelt, start_logs
from realtime.app import make_app
from realtime.file_limit import raise_file_limit
from realtime.http.runner import Runner
from realtime.http.scraping import scraped_app

SHUTDOWN_SECONDS = 5.0

log = structlog.get_logger(__name__)


class NotListening(Exception):
    """An address cannot be listened at; the text says which, and what to set."""


def serve_until_stopped(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT, and return the status to exit with."""
    start_logs(settings.log_level)
    log_misspelt()
    return uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        async with listening(settings) as metrics:
            log.info("listening", port=settings.port, metrics=metrics)
            await stopped.wait()
            log.info("stopping")
    except NotListening as why:
        print(f"rollcall: {why}", file=sys.stderr)
        return 1
    return 0


@asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[str]:
    """Serve until the block ends. Yields the address of the metrics. Raises NotListening."""
    fitting = raise_file_limit(settings.connections)
    app = make_app(settings.model_copy(update={"connections": fitting}))
    public = Runner(app, shutdown_timeout=SHUTDOWN_SECONDS)
    scraped = Runner(scraped_app(app), shutdown_timeout=SHUTDOWN_SECONDS)
    try:
        await _listen(public, "PORT", None, settings.port)
        await _listen(scraped, "METRICS_PORT", settings.metrics_host, settings.metrics_port)
        yield _address(scraped)
    finally:
        await scraped.cleanup()
        await public.cleanup()


async def _listen(runner: web.AppRunner, setting: str, host: str | None, port: int) -> None:
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise NotListening(_why(error, setting, host, port)) from None


def _why(error: OSError, setting: str, host: str | None, port: int) -> str:
    where = f"port {port} of {host}" if host else f"port {port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use; set {setting} to a free one"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"METRICS_HOST {host} is no address of this machine"
    return f"{where} cannot be listened on: {error.strerror}"


def _address(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}/metrics" if ":" in host else f"http://{host}:{port}/metrics"
