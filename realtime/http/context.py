"""What request handlers share, kept in the application."""

from typing import NamedTuple

from aiohttp import web
from sqlalchemy import Engine

from models.settings import Settings
from realtime.desk import Desk
from realtime.errors import ClientError
from realtime.postgres import Postgres
from realtime.tokens import Claims, Verifier
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
    """Who asks. Raises ClientError as the token deserves; a token in the URL is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return await request.app[CONTEXT].verifier.verify(
        token.strip() if scheme.lower() == "bearer" else None
    )


async def viewer(request: web.Request) -> Claims:
    claims = await bearer(request)
    if claims.role is None:
        raise ClientError("forbidden", "The token may submit, but not view.")
    return claims


async def admin(request: web.Request) -> Claims:
    claims = await bearer(request)
    if claims.role != "admin":
        raise ClientError("forbidden", "This needs the role admin.")
    return claims
