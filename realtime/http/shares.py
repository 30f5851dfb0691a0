"""What of a tenant is done at a time, so that others' get their turn: submissions, and queries."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from sqlalchemy import Executable

from models.ids import Id
from realtime.errors import ClientError
from realtime.http.context import CONTEXT
from realtime.ids import number
from realtime.postgres import AnyRow
from realtime.tokens import Claims

# Of a tenant's submissions by HTTP.
MOST_SUBMISSIONS = 2
MOST_SUBMISSIONS_WAITING = 20
# Of a tenant's queries by REST. A page of the dashboard asks a few, and of many users at once when
# a server starts.
MOST_QUERIES = 4
MOST_QUERIES_WAITING = 200


class _Share:
    """The turns of one tenant that are free, and how many have one or wait for one."""

    __slots__ = ("asking", "turns")

    def __init__(self, at_once: int) -> None:
        self.turns = asyncio.Semaphore(at_once)
        self.asking = 0


class Shares:
    """Lets `at_once` of each tenant have a turn; `waiting` more of it wait for theirs, in order."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._at_once = at_once
        self._most = at_once + waiting
        self._shares: dict[Id, _Share] = {}

    @asynccontextmanager
    async def turn(self, tenant_id: Id) -> AsyncIterator[None]:
        """Wait for a turn of the tenant, and keep it for the block.

        Raises ClientError `rate_limited` where too many of it wait.
        """
        share = self._shares.get(tenant_id)
        if share is None:
            share = self._shares[tenant_id] = _Share(self._at_once)
        if share.asking >= self._most:
            text = "Too much of your tenant waits already. Wait for answers, then send on."
            raise ClientError("rate_limited", text)
        share.asking += 1
        try:
            async with share.turns:
                yield
        finally:
            share.asking -= 1
            if not share.asking:
                del self._shares[tenant_id]


SUBMISSIONS = web.AppKey("submissions", Shares)
QUERIES = web.AppKey("queries", Shares)


def add_shares(app: web.Application) -> None:
    app[SUBMISSIONS] = Shares(MOST_SUBMISSIONS, MOST_SUBMISSIONS_WAITING)
    app[QUERIES] = Shares(MOST_QUERIES, MOST_QUERIES_WAITING)


async def fetch(
    request: web.Request,
    claims: Claims,
    statement: Executable,
    values: Mapping[str, Any] | None = None,
    *,
    ids: Iterable[Id] = (),
) -> Sequence[AnyRow]:
    """Return all rows, in a turn of the token's tenant. Raises as `turn` and Postgres.fetch do.

    `ids` are those in the statement, besides the token's.
    """
    postgres = request.app[CONTEXT].postgres
    async with request.app[QUERIES].turn(claims.tenant_id):
        await number(postgres, claims.tenant_id, (*(claims.sites or ()), *ids))
        return await postgres.fetch(statement, values)
