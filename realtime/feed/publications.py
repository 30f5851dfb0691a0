"""What is believed of what comes by Redis: publications that a valid key of the channel has signed.

All else is dropped and counted, and costs no look at the feed: the comparison of each second finds
whatever was said.
"""

import asyncio
import time
from contextlib import suppress
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from models.channel import REASONS, Dropped, Key, verified
from models.channel_keys import READ_SECONDS, VALID, keys_of
from realtime import metrics
from realtime.postgres import Postgres

log = structlog.get_logger()

# Keys are read no sooner again, however many documents name one that is not known.
READ_AGAIN_SECONDS = 1.0
LOG_SECONDS = 60.0

_VALID = text(VALID)


class Publications:
    """Verifies documents with the keys that Postgres had last; `watch` keeps these up to date."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._keys: dict[str, Key] = {}
        self._unknown_met = asyncio.Event()
        self._unlogged = dict.fromkeys(REASONS, 0)
        self._log_again_at = 0.0

    def verified(self, document: bytes) -> dict[str, Any] | None:
        """Return the fields of the document, or None where it is not believed."""
        try:
            return verified(document, self._keys, time.time())
        except Dropped as dropped:
            reason = str(dropped)
        except (ValueError, TypeError, KeyError):
            reason = "unreadable"
        self.drop(reason)
        return None

    def drop(self, reason: str) -> None:
        """Count a document that is not acted on, and say so once in LOG_SECONDS."""
        metrics.dropped_publications.labels(reason).inc()
        metrics.unreadable.inc()
        self._unlogged[reason] += 1
        if reason == "unknown_key":
            self._unknown_met.set()
        if time.monotonic() >= self._log_again_at:
            counts = {why: count for why, count in self._unlogged.items() if count}
            log.warning("publications_dropped", **counts)
            self._unlogged = dict.fromkeys(REASONS, 0)
            self._log_again_at = time.monotonic() + LOG_SECONDS

    async def read_keys(self) -> None:
        """Read the valid keys. While Postgres does not answer, those that were read last stay."""
        try:
            rows = await self._postgres.fetch(_VALID)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("channel_keys_unreadable", error=type(error).__name__)
            return
        self._keys = keys_of(rows)

    async def watch(self) -> None:
        """Read the keys every READ_SECONDS, and soon after an unknown one was met, for ever."""
        while True:
            self._unknown_met.clear()
            await self.read_keys()
            await asyncio.sleep(READ_AGAIN_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(READ_SECONDS - READ_AGAIN_SECONDS):
                    await self._unknown_met.wait()
