"""The addresses a server listens at: PORT for everybody, METRICS_PORT on METRICS_HOST for Prometheus."""

import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from models.settings import Settings
from realtime.app import make_app
from realtime.http.scraping import scraped_app

SHUTDOWN_SECONDS = 5.0


class NotListening(Exception):
    """An address cannot be listened at; the text says which, and what to set."""


@asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[str]:
    """Serve until the block ends; it gets the address of the metrics. Raises NotListening."""
    app = make_app(settings)
    public = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    scraped = web.AppRunner(scraped_app(app), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
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
