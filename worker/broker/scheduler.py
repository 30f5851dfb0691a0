"""Beat's scheduler. It keeps nothing between runs, shows that it is at work by a heartbeat, and
ends when it is told to, whatever its broker does.
"""

from typing import Any

from celery.beat import Scheduler

from models.settings import load_settings
from worker.broker.heartbeat import Heartbeat


class HeartbeatScheduler(Scheduler):
    """Beat after each tick if the broker took what was sent last: something is, each second."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._heartbeat = Heartbeat(load_settings().heartbeat_file)
        self._taken = False
        super().__init__(*arguments, **options)

    def apply_async(self, entry: Any, *arguments: Any, **options: Any) -> Any:
        self._taken = False
        sent = super().apply_async(entry, *arguments, **options)
        self._taken = True
        return sent

    def tick(self, *arguments: Any, **options: Any) -> float:
        delay = super().tick(*arguments, **options)
        if self._taken:
            self._heartbeat.touch()
        return delay

    def close(self) -> None:
        """Leave the connection to the end of the process, which comes next.

        Celery calls this from the handler of SIGTERM, maybe in the middle of a message. Closed
        there, a connection to RabbitMQ waits for ever: for its own lock, or for an answer.
        """
