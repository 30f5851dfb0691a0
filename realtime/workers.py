"""The workers, reached over the broker: asked to judge a tenant, and whether they are there.

Asking them to judge is a hint. What was submitted is in Postgres, where the workers' own sweep
finds it if the hint is lost.
"""

import asyncio
import time
from typing import Any

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from models.broker import JUDGE_TASK, UPKEEP_QUEUE, broker_configuration, task_queue
from models.ids import Id
from models.redis_rights import Refused, first_refused
from models.settings import Settings

log = structlog.get_logger()

PING_SECONDS = 1.0
# That a worker answered is believed for so long. Where none did, they are asked again at once.
FRESH_SECONDS = 5.0


def _configuration(settings: Settings) -> dict[str, Any]:
    """Return Celery's settings for the workers' broker, which a server waits for only moments."""
    configuration = broker_configuration(settings.broker_url, settings.broker_queue_type)
    options = configuration["broker_transport_options"] | {
        "socket_timeout": 2,
        "socket_connect_timeout": 2,
    }
    return configuration | {
        "broker_transport_options": options,
        "broker_connection_timeout": 2,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_default_queue": UPKEEP_QUEUE,
        "task_queues": [task_queue(UPKEEP_QUEUE, settings.broker_queue_type)],
        "task_create_missing_queues": False,
        "task_publish_retry_policy": {
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.2,
            "interval_max": 0.5,
        },
    }


class Workers:
    """`errors` are the exceptions of a broker that is away or refuses."""

    def __init__(self, settings: Settings) -> None:
        self._celery = Celery("rollcall-realtime", set_as_current=False)
        self._celery.conf.update(_configuration(settings))
        connection = self._celery.connection_for_write()
        self.errors = (
            *connection.connection_errors,
            *connection.channel_errors,
            OperationalError,
            OSError,
        )
        self._due: set[Id] = set()
        self._sending: asyncio.Task[None] | None = None
        self._pinged_at = -FRESH_SECONDS
        self._answered = False
        self._pinging = asyncio.Lock()

    def reach_broker(self) -> Refused | None:
        """Connect to the broker once, without the pool, and try what workers need of a Redis.

        Return the first command that it refuses, None where it refuses none. Raises one of
        `errors`.
        """
        with self._celery.connection_for_write() as connection:
            connection.connect()
            if connection.transport.driver_type != "redis":
                return None
            with connection.channel() as channel:
                return first_refused(channel.client)

    def hand_over(self, tenant_id: Id) -> None:
        """Ask the workers soon to judge a tenant.

        One task sends at a time. A tenant that comes again meanwhile is sent once.
        """
        self._due.add(tenant_id)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        while self._due:
            tenant_id = self._due.pop()
            try:
                await asyncio.to_thread(
                    self._celery.send_task,
                    JUDGE_TASK,
                    kwargs={"tenant_id": tenant_id},
                    queue=UPKEEP_QUEUE,
                )
            except self.errors as error:
                log.warning("judge_not_told", tenant_id=tenant_id, error=type(error).__name__)

    async def answers(self) -> bool:
        """Return whether at least one worker answers.

        Of callers at the same time, one asks the broker; a good answer is kept for FRESH_SECONDS.
        """
        async with self._pinging:
            if not self._answered or time.monotonic() - self._pinged_at >= FRESH_SECONDS:
                self._answered = await asyncio.to_thread(self._ping)
                self._pinged_at = time.monotonic()
            return self._answered

    def _ping(self) -> bool:
        # A pooled connection that died with a broker since restarted fails once.
        for _ in range(2):
            try:
                return bool(self._celery.control.ping(timeout=PING_SECONDS, limit=1))
            except self.errors as error:
                log.warning("broker_unanswering", error=type(error).__name__)
        return False
