"""Beat's scheduler.

It keeps nothing between runs, shows by a heartbeat that it is at work, and ends when it is told to,
whatever its broker does.
"""

from typing import Any

from celery.beat import Scheduler

from models.settings import load_settings
from worker.broker.heartbeat import Heartbeat


class HeartbeatScheduler(Scheduler):  # type: ignore[misc]  # Celery has no types
    """Touches the heartbeat after each tick if the broker took what was sent last.

    Something is sent each second.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._heartbeat = Heartbeat(load_settings().heartbeat_file)
        self._was_taken = False
        super().__init__(*arguments, **options)

    def apply_async(self, entry: Any, *arguments: Any, **options: Any) -> Any:
        self._was_taken = False
        result = super().apply_async(entry, *arguments, **options)
        self._was_taken = True
        return result

    def tick(self, *arguments: Any, **options: Any) -> float:
        seconds: float = super().tick(*arguments, **options)
        if self._was_taken:
            self._heartbeat.touch()
        return seconds

    def close(self) -> None:
        """Leave the connection to the end of the process, which comes next.

        Celery calls this from the handler of SIGTERM, maybe in the middle of a message. Closed
        there, a connection to RabbitMQ waits for ever: for its own lock, or for an answer.
        """
