"""Silences and maintenance windows by REST: adding one, and ending one."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from models.alerts.moves import MoveRefused
from models.alerts.quiet_rows import add_quiet, cancel_quiet
from models.intake.refused.reasons import ID_TYPE, one_of_ids
from models.schemas.quiet import WantedQuiet
from realtime.errors import ClientError
from realtime.http.body import read_object
from realtime.http.context import CONTEXT, operator
from realtime.http.endpoint import Body, endpoint
from realtime.http.quiet import KINDS, PATH, QUIET, QuietItem
from realtime.tokens import Claims

WANTED: TypeAdapter[Any] = TypeAdapter(WantedQuiet)


async def add(request: web.Request) -> QuietItem:
    """Plan a silence or a maintenance window. Raises ClientError where it cannot be."""
    claims = await operator(request)
    body = await read_object(request, claims)
    try:
        # A rule may take dateutil a moment to make sense of.
        wanted = await asyncio.to_thread(WANTED.validate_python, body)
    except ValidationError as error:
        raise ClientError("invalid", _problem(error)) from None
    quiet_id = await _write(request, claims, add_quiet, wanted)
    return QUIET.item(await QUIET.find(request, claims, quiet_id), claims)


async def cancel(request: web.Request) -> QuietItem:
    """End it now. The alerts that it hides, and that still stand, are raised in half a minute."""
    claims = await operator(request)
    quiet_id = QUIET.read_id(request)
    await _write(request, claims, cancel_quiet, quiet_id)
    return QUIET.item(await QUIET.find(request, claims, quiet_id), claims)


async def _write(
    request: web.Request,
    claims: Claims,
    write: Callable[..., Any],
    what: object,
) -> Any:
    """Call `write` with `what` for the token's bearer. Raises ClientError where it is refused."""
    try:
        return await request.app[CONTEXT].desk.write(claims, write, what)
    except MoveRefused as refused:
        raise ClientError(refused.code, refused.message) from None


def _problem(error: ValidationError) -> str:
    first = next(one_of_ids(error.errors()))
    where = ".".join(str(part) for part in first["loc"] if part not in KINDS)
    message = ID_TYPE if first["type"] == "id_type" else first["msg"]
    return f"{where}: {message}" if where else message


ENDPOINTS = (
    endpoint(
        "POST",
        PATH,
        add,
        "A silence, or a maintenance window (role operator)",
        "It is in force.",
        status=201,
        takes=Body(WantedQuiet),
        refuses=("invalid", "conflict"),
    ),
    endpoint(
        "DELETE",
        f"{PATH}/{{quiet_id}}",
        cancel,
        "End a silence or maintenance window now (role operator)",
        "It is over.",
        refuses=("not_found", "conflict"),
    ),
)
