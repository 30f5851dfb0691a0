"""Asking Postgres from the event loop.

A question that was begun is finished, whoever stops waiting for the answer.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, Row
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from models.database import connecting, forget_ids_with_connections, psycopg_url
from models.string_ids.adapting import CONNECTING_ASYNC

# A row of however many columns.
AnyRow = Row[*tuple[Any, ...]]


def make_async_engine(url: str, *, pool_size: int = 8) -> AsyncEngine:
    """Return an engine for the event loop.

    It is made here because it brings SQLAlchemy's ORM, which workers and commands go without.
    """
    engine = create_async_engine(
        psycopg_url(url),
        pool_size=pool_size,
        max_overflow=4,
        pool_pre_ping=True,
        **connecting(CONNECTING_ASYNC),
    )
    forget_ids_with_connections(engine.sync_engine)
    return engine


class Postgres:
    """Single statements, each committed by itself."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def fetch(
        self, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> Sequence[AnyRow]:
        """Return all rows. Raises SQLAlchemyError or OSError."""
        return await self._finish(statement, values, fetching=True)

    async def run(self, statement: Executable, values: Mapping[str, Any] | None = None) -> None:
        """Execute what returns no rows. Raises SQLAlchemyError or OSError."""
        await self._finish(statement, values, fetching=False)

    async def _finish(
        self, statement: Executable, values: Mapping[str, Any] | None, *, fetching: bool
    ) -> Sequence[AnyRow]:
        # A connection that is cancelled while it is made stays half open on both sides, and one
        # cancelled later is thrown away: viewers that come and go would use up the pool.
        asking = asyncio.create_task(self._ask(statement, values, fetching))
        asking.add_done_callback(_retrieve_exception)
        return await asyncio.shield(asking)

    async def _ask(
        self, statement: Executable, values: Mapping[str, Any] | None, fetching: bool
    ) -> Sequence[AnyRow]:
        async with self._engine.connect() as connection:
            result = await connection.execute(statement, dict(values or {}))
            return result.all() if fetching else ()


def _retrieve_exception(asking: asyncio.Task[Any]) -> None:
    """Keep asyncio from reporting an exception where the caller, whose it is, has gone."""
    if not asking.cancelled():
        asking.exception()
