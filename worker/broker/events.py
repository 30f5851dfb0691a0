"""Send the events of tasks together, each tenth of a second.

One by one they cost the worker's main process more than the tasks do.
"""

from typing import Any

from celery import bootsteps
from celery.worker.consumer.events import Events

_SECONDS_BETWEEN_FLUSHES = 0.1


class EventsTogether(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
    """A step of the worker's consumer that puts off sending what is buffered.

    Celery's own sends it in every turn of its loop, a few times in each task.
    """

    requires = (Events,)

    def start(self, consumer: Any) -> None:
        if consumer.hub:  # pools without an event loop buffer nothing
            consumer.event_dispatcher.on_send_buffered = _Later(consumer)

    def shutdown(self, consumer: Any) -> None:
        """Send what is left, before Celery's own step closes the way out."""
        consumer._flush_events()


class _Later:
    def __init__(self, consumer: Any) -> None:
        self._consumer, self._is_due = consumer, False

    def __call__(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._consumer.hub.call_later(_SECONDS_BETWEEN_FLUSHES, self._flush)

    def _flush(self) -> None:
        self._is_due = False
        self._consumer._flush_events()
