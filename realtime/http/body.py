"""Reading the body of a request as JSON."""

import json
from typing import Any

from aiohttp import web

from realtime.errors import ClientError


async def read_json(request: web.Request) -> Any:
    """Return the body. Raises ClientError `invalid` where it is no JSON.

    It is read as tasks' messages are: what is odd in a submission is for the intake to reject.
    """
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):
        raise ClientError("invalid", "The body must be JSON.") from None


async def read_optional_json(request: web.Request) -> Any:
    """Return the body, or None where there is none. Raises ClientError `invalid`."""
    return await read_json(request) if request.can_read_body else None


async def read_object(
    request: web.Request,
    wrong: str = "The body must be a JSON object.",
    *,
    needed: bool = False,
) -> dict[str, Any]:
    """Return the body, which may be left out unless it is `needed`.

    Raises ClientError `invalid`, with the sentence `wrong` where it is anything but an object.
    """
    if not request.can_read_body and not needed:
        return {}
    body = await read_optional_json(request)
    if not isinstance(body, dict):
        raise ClientError("invalid", wrong)
    return body
