"""What request handlers share, kept in the application; and who is asking."""

from typing import NamedTuple

from aiohttp import web
from sqlalchemy import Engine

from models.settings import Settings
from models.vocabulary import OPERATORS
from realtime.desk import Desk
from realtime.errors import ClientError
from realtime.postgres import Postgres
from realtime.tokens import Claims, Verifier
from realtime.transport.http_protocol import connection_of
from realtime.transport.redis_manager import RedisManager
from realtime.workers import Workers


class Context(NamedTuple):
    settings: Settings
    postgres: Postgres
    intake: Engine
    desk: Desk
    verifier: Verifier
    workers: Workers
    manager: RedisManager


CONTEXT = web.AppKey("context", Context)


async def bearer(request: web.Request) -> Claims:
    """Return what the request's token grants; one in the URL is not looked at.

    Raises ClientError, as do all here.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    claims = await request.app[CONTEXT].verifier.verify(
        token.strip() if scheme.lower() == "bearer" else None
    )
    if connection := connection_of(request):
        connection.know((claims.tenant_id, claims.sub))
    return claims


async def viewer(request: web.Request) -> Claims:
    """Return what a viewer's token grants.

    Raises ClientError `forbidden` for a token that may only submit, and what `bearer` raises.
    """
    claims = await bearer(request)
    if claims.role is None:
        raise ClientError("forbidden", "The token may submit, but not view.")
    return claims


async def operator(request: web.Request) -> Claims:
    """Return what an operator's or admin's token grants.

    Raises ClientError `forbidden` for any other role, and what `bearer` raises.
    """
    claims = await viewer(request)
    if claims.role not in OPERATORS:
        raise ClientError("forbidden", "This needs the role operator or admin.")
    return claims


async def admin(request: web.Request) -> Claims:
    """Return what an admin's token grants.

    Raises ClientError `forbidden` for any other role, and what `bearer` raises.
    """
    claims = await bearer(request)
    if claims.role != "admin":
        raise ClientError("forbidden", "This needs the role admin.")
    return claims
