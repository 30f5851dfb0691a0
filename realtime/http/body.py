"""Reading the body of a request as JSON: so much of it, in so long a time, and not all at once."""

import asyncio
from typing import Any

from aiohttp import web

from realtime.errors import ClientError, TooLarge, TooSlow
from realtime.http.in_flight import Holder, InFlight
from realtime.http.json_text import TooDeep, TooMany, parse
from realtime.tokens import Claims

# 10,000 punches of a good kilobyte each.
MOST_BYTES = 16 * 1024 * 1024
# A move of 500 alerts with their versions fits. So small a body is not counted among those that are
# held, so that nobody's large ones are in its way.
MOST_BYTES_OF_MOVE = 65_536
# A body has so long, and a second more for each so many bytes that came.
BODY_SECONDS = 60.0
BYTES_A_SECOND = 65_536
# What is larger is parsed in a thread, one body at a time.
_LARGE = 65_536


class Bodies:
    """What the server holds of bodies, and the turn of the one that is parsed."""

    def __init__(self) -> None:
        self.in_flight = InFlight()
        self.parsing = asyncio.Lock()


BODIES = web.AppKey("bodies", Bodies)
_HELD = web.RequestKey("held", tuple[Holder, int])


async def read_json(request: web.Request, claims: Claims, most: int = MOST_BYTES) -> Any:
    """Return the body, of at most so many bytes, that the token of `claims` came with.

    Raises ClientError: `invalid` where it is no JSON, too large, too deep or too slow, and what
    InFlight.hold raises. It is read as tasks' messages are: what is odd in a submission is for the
    intake to reject.
    """
    body = await _receive(request, Holder(claims.tenant_id, claims.sub), most)
    try:
        if len(body) <= _LARGE:
            return parse(body)
        async with request.app[BODIES].parsing:
            return await asyncio.to_thread(parse, body)
    except (TooDeep, TooMany) as error:
        raise ClientError("invalid", str(error)) from None
    except (ValueError, RecursionError):
        raise ClientError("invalid", "The body must be JSON.") from None


async def read_optional_json(request: web.Request, claims: Claims, most: int = MOST_BYTES) -> Any:
    """Return the body, or None where there is none. Raises as `read_json` does."""
    return await read_json(request, claims, most) if request.can_read_body else None


async def read_object(
    request: web.Request,
    claims: Claims,
    wrong: str = "The body must be a JSON object.",
    *,
    needed: bool = False,
) -> dict[str, Any]:
    """Return the body of a move or the like, which may be left out unless it is `needed`.

    Raises as `read_json` does, and ClientError `invalid`, with the sentence `wrong`, where it is
    anything but an object.
    """
    if not request.can_read_body and not needed:
        return {}
    body = await read_optional_json(request, claims, MOST_BYTES_OF_MOVE)
    if not isinstance(body, dict):
        raise ClientError("invalid", wrong)
    return body


@web.middleware
async def let_go(request: web.Request, handler: Any) -> web.StreamResponse:
    """Hold what was read of a body until its request is answered, and no longer."""
    try:
        response: web.StreamResponse = await handler(request)
        return response
    finally:
        if held := request.get(_HELD):
            request.app[BODIES].in_flight.release(*held)


async def _receive(request: web.Request, holder: Holder, most: int) -> bytes:
    if (request.content_length or 0) > most:
        raise TooLarge(most)
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise ClientError("invalid", "The body must come without Content-Encoding.")
    body, began = bytearray(), asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(BODY_SECONDS) as limit:
            while chunk := await request.content.readany():
                if len(body) + len(chunk) > most:
                    raise TooLarge(most)
                if most > MOST_BYTES_OF_MOVE:
                    request.app[BODIES].in_flight.hold(holder, len(chunk))
                    request[_HELD] = (holder, len(body) + len(chunk))
                body += chunk
                limit.reschedule(began + BODY_SECONDS + len(body) / BYTES_A_SECOND)
    except TimeoutError:
        raise TooSlow(BODY_SECONDS) from None
    return bytes(body)
