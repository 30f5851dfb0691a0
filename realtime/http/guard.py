"""Around every request: errors as JSON, security headers, CORS, a log line, and the time it took.

Nothing secret is logged.
"""

import time
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from psycopg import OperationalError as DatabaseError
from sqlalchemy.exc import SQLAlchemyError

from realtime import metrics
from realtime.errors import ClientError, Unavailable
from realtime.http.context import CONTEXT
from realtime.transport.addresses import UNKNOWN
from realtime.transport.http_protocol import CONNECTIONS, connection_of
from realtime.transport.slowing import SLOWING

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        " object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # In place of aiohttp's, which tells versions.
    "Server": "Rollcall",
}
NO_STORE = {"Cache-Control": "no-store"}
# Engine.IO answers what is below this path, for as long as a connection lasts.
SOCKETS = "/socket.io/"
_CODES = {400: "invalid", 404: "not_found", 405: "invalid", 413: "invalid", 415: "invalid"}


def error_response(error: ClientError, status: int | None = None) -> web.Response:
    """Return the answer that tells the error, with the status of its code or another."""
    response = web.json_response({"error": error.as_object()}, status=status or error.status)
    if response.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


@web.middleware
async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Log and count what became of the request, outermost.

    Paths are logged as their routes, without ids and queries.
    """
    if request.path.startswith(SOCKETS):
        return await handler(request)
    began = time.perf_counter()
    response = await handler(request)
    took = time.perf_counter() - began
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "unknown"
    metrics.requests.labels(request.method, route, str(response.status)).observe(took)
    log.info(
        "request",
        method=request.method,
        route=route,
        status=response.status,
        ms=round(took * 1000, 1),
    )
    return response


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a request's exceptions, which all end here."""
    try:
        return await handler(request)
    except ClientError as error:
        if error.status == 401 and not await _slow_down(request):
            return _refuse_to_go_on()
        return error_response(error)
    except web.HTTPException as error:
        if request.path.startswith(SOCKETS) or error.status < 400:
            raise
        code = _CODES.get(error.status, "invalid")
        return error_response(ClientError(code, error.reason), error.status)
    except (SQLAlchemyError, DatabaseError, OSError, TimeoutError) as error:
        log.warning("request_unanswered", error=type(error).__name__)
        return error_response(Unavailable())
    except Exception:
        log.exception("request_failed")
        return error_response(
            ClientError("unavailable", "Something broke here; it has been logged."), 500
        )


async def _slow_down(request: web.Request) -> bool:
    """Let a client whose address is refused too often wait.

    Return False where it is not answered any more.
    """
    connection = connection_of(request)
    address = connection.address if connection else None
    return await request.app[SLOWING].wait(address or UNKNOWN)


def _refuse_to_go_on() -> web.Response:
    text = "Too many tokens of this address were refused. Wait a moment."
    response = error_response(ClientError("rate_limited", text))
    response.force_close()
    return response


@web.middleware
async def note_client(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Note whose request comes by a proxy's connection, first of all."""
    if (connection := connection_of(request)) and connection.is_proxied:
        proxies, peer = request.app[CONNECTIONS].proxies, request.remote or ""
        # Some proxies add a line of their own below the client's.
        forwarded_for = ",".join(request.headers.getall("X-Forwarded-For", ()))
        connection.serve(proxies.client_of(peer, forwarded_for))
    return await handler(request)


@web.middleware
async def allow_origins(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let pages of the allowed origins use the REST API (CORS).

    Tokens travel in a header, never in a cookie, so no credentials are allowed.
    """
    origin = request.headers.get("Origin")
    allowed = request.app[CONTEXT].settings.cors_origins
    if not origin or not request.path.startswith("/api/") or not ({origin, "*"} & set(allowed)):
        return await handler(request)
    preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    response = web.Response(status=204) if preflight else await handler(request)
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = "Link"
    response.headers.add("Vary", "Origin")
    if preflight:
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Accept"
        response.headers["Access-Control-Max-Age"] = "600"
    return response


async def add_security_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Add HEADERS to every response, and keep what is no file of the page out of caches."""
    response.headers["Server"] = HEADERS["Server"]
    if response.status == 101:
        return  # a websocket, no page: its headers would be kept with the connection
    for name, value in (HEADERS | NO_STORE).items():
        response.headers.setdefault(name, value)
