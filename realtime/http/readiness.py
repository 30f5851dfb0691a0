"""Whether this server, and the installation around it, can do their work."""

import asyncio
from contextlib import suppress

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from realtime.feed.feeds import Feeds
from realtime.http.postgres_check import PostgresCheck, Seen
from realtime.http.problems import Problems, of_postgres, of_pulses
from realtime.http.shared import Shared
from realtime.transport.redis_manager import RedisManager
from realtime.workers import Workers

ASK_SECONDS = 3.0
# A server counts as behind when it was last where the feed stood longer ago than this.
BEHIND_SECONDS = 10.0


class Readiness:
    """Looks at everything once a second at most, however many ask."""

    def __init__(
        self,
        postgres: PostgresCheck,
        manager: RedisManager,
        workers: Workers,
        feeds: Feeds,
    ) -> None:
        self._postgres = postgres
        self._manager = manager
        self._workers = workers
        self._feeds = feeds
        self._seen = Shared(postgres.look)
        self.of_server = Shared(self._of_server)
        self.of_installation = Shared(self._of_installation)

    async def _of_server(self) -> Problems:
        """Return what keeps this server from serving its viewers."""
        seen, redis = await asyncio.gather(self._ask_postgres(), self._ask_redis())
        return of_postgres(seen, self._postgres.revision) | redis | self._of_feeds()

    async def _of_installation(self) -> Problems:
        """Return that, and what else keeps punches from being judged and told."""
        of_server, seen, worker = await asyncio.gather(
            self.of_server(), self._ask_postgres(), self._ask_worker()
        )
        return of_server | worker | of_pulses(seen)

    async def _ask_postgres(self) -> Seen | None:
        with suppress(SQLAlchemyError, OSError, TimeoutError):
            async with asyncio.timeout(ASK_SECONDS):
                return await self._seen()
        return None

    async def _ask_redis(self) -> Problems:
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(ASK_SECONDS):
                if await self._manager.ping():
                    return {}
        return {"redis": "Redis does not answer."}

    async def _ask_worker(self) -> Problems:
        return {} if await self._workers.answers() else {"worker": "No worker answers."}

    def _of_feeds(self) -> Problems:
        seconds = self._feeds.behind_seconds()
        if seconds < BEHIND_SECONDS:
            return {}
        return {"feed": f"This server was last caught up with the feed {seconds:.0f} s ago."}
