"""An app that knows nothing of Rollcall's code and submits by Celery's `send_task`, with the names
that the contract gives.
"""

import itertools
from collections.abc import Iterable
from typing import Any

from celery import Celery

_QUEUE = "attendance"
_PUNCHES_A_TASK = 1_000


class ExistingApp:
    """Submits to the broker, of which it needs the address and nothing else. What it sends raises
    kombu.exceptions.OperationalError while the broker is away.
    """

    def __init__(self, broker_url: str) -> None:
        self._celery = Celery("existing-app", broker=broker_url, set_as_current=False)
        self._celery.conf.update(
            task_serializer="json",
            task_ignore_result=True,
            task_default_queue=_QUEUE,
            # As the workers declare it on RabbitMQ; Redis does not look.
            task_default_queue_type="quorum"
            if broker_url.startswith(("amqp", "pyamqp"))
            else "classic",
            broker_transport_options={
                "socket_timeout": 5,
                "socket_connect_timeout": 3,
                "max_retries": 1,
            },
            task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0.2},
        )

    def sync_roster(self, roster: dict[str, Any]) -> None:
        self._send("roster.sync", roster=roster)

    def submit_batch(self, punches: Iterable[dict[str, Any]], *, backfill: bool = False) -> None:
        """Submit all of the punches, in as many tasks as it takes."""
        rest = iter(punches)
        while batch := list(itertools.islice(rest, _PUNCHES_A_TASK)):
            self._send("attendance.submit_batch", punches=batch, backfill=backfill)

    def submit(self, punch: dict[str, Any]) -> None:
        self._send("attendance.submit", punch=punch)

    def _send(self, task: str, **arguments: Any) -> None:
        self._celery.send_task(task, kwargs=arguments, queue=_QUEUE)
