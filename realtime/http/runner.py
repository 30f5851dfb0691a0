"""Running an application by aiohttp, with our own answers where a request never reaches it.

What aiohttp says of a request that it cannot read is text, and quotes it: with a header that is too
long, part of a token.
"""

import asyncio
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from realtime.errors import ClientError
from realtime.http.guard import HEADERS, NO_STORE, SOCKETS, error_response
from realtime.transport.http_protocol import CONNECTIONS, CountedProtocol, CountingServer

# A token of 16 KiB, which is the longest that is looked at, fits with its header's name.
MOST_HEADER_BYTES = 20_480
# Of a request's line. Another number, so that it can be told from a header.
MOST_LINE_BYTES = 8_190
# Longer than the usual proxy keeps a connection that nothing comes by.
KEEPALIVE_SECONDS = 120.0

log = structlog.get_logger()


class Protocol(CountedProtocol):
    """A connection whose requests are refused in the form of the API, whatever refuses them."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  which quotes the request
    ) -> web.StreamResponse:
        """Return the answer to a request that could not be read, and end the connection.

        Raises ConnectionError where another answer has begun.
        """
        refusal, status = _refusal(status, exc)
        if status < 500:
            log.info("request_unreadable", status=status, error=type(exc).__name__)
        else:
            log.error("request_failed", exc_info=exc)
        if request.writer is not None and request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        response = _answer(refusal, status)
        response.force_close()
        return response

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer. What aiohttp itself refuses comes without having met our middlewares.

        Others get their turn before the next request that is here already: from Python 3.12 on
        aiohttp's handlers begin at once, and a client that sends many requests in one piece would
        keep the loop until all are answered.
        """
        is_bare = isinstance(resp, web.HTTPException) and resp.status >= 400
        if is_bare and not request.path.startswith(SOCKETS):
            resp = _answer(ClientError("invalid", resp.reason or "No."), resp.status)
        answered = await super().finish_response(request, resp, start_time)
        if self._messages:
            await asyncio.sleep(0)
        return answered


class Server(CountingServer):
    """Makes a Protocol for each connection."""

    def __call__(self) -> Protocol:
        return Protocol(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """aiohttp's runner, without its log of accesses and with our Server.

    The connections of an application that has CONNECTIONS are counted there.
    """

    __slots__ = ()

    def __init__(self, app: web.Application, **options: Any) -> None:
        super().__init__(
            app,
            access_log=None,
            keepalive_timeout=KEEPALIVE_SECONDS,
            max_field_size=MOST_HEADER_BYTES,
            max_line_size=MOST_LINE_BYTES,
            **options,
        )

    async def _make_server(self) -> web.Server:
        # The library names its class in the middle of the application's method.
        server = await super()._make_server()
        server.__class__ = Server
        assert isinstance(server, Server)
        server.open_connections = self.app.get(CONNECTIONS)
        return server


def _answer(refusal: ClientError, status: int) -> web.Response:
    response = error_response(refusal, status)
    response.headers.update(HEADERS | NO_STORE)
    return response


def _refusal(status: int, exc: BaseException | None) -> tuple[ClientError, int]:
    if isinstance(exc, LineTooLong):
        if exc.args[1] == MOST_HEADER_BYTES:
            why = f"A header is longer than {MOST_HEADER_BYTES:,} bytes."
            return ClientError("invalid", why), HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        why = f"The address is longer than {MOST_LINE_BYTES:,} bytes."
        return ClientError("invalid", why), HTTPStatus.REQUEST_URI_TOO_LONG
    if status < 500:
        return ClientError("invalid", "The request is not well-formed HTTP."), status
    return ClientError("unavailable", "Something broke here; it has been logged."), status
