"""The submitter: an app that sends its stream to the broker, waits while the broker is away, and
knows what it has sent.
"""

import threading
import time
from collections.abc import Sequence

from celery import Celery
from kombu.exceptions import OperationalError

from models.broker import broker_configuration, task_queue
from tests.chaos.stream import Task

RETRY_SECONDS = 0.1


class Submitter:
    def __init__(self, broker_url: str, queue_type: str) -> None:
        self.app = Celery("submitter", set_as_current=False)
        self.app.conf.update(
            broker_configuration(broker_url, queue_type) | {"task_send_sent_event": False}
        )
        self.app.conf.task_queues = [task_queue("attendance", queue_type)]
        self.sent = 0
        self.refused = 0  # by a broker that was away, and sent again
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, tasks: Sequence[Task], seconds: float) -> None:
        """Send all tasks, evenly over about so many seconds, from a thread of its own."""
        self.sent = 0
        self._thread = threading.Thread(
            target=self._send_all, args=(tasks, seconds / len(tasks)), daemon=True
        )
        self._thread.start()

    @property
    def is_done(self) -> bool:
        return self._thread is None or not self._thread.is_alive()

    def send(self, task: Task) -> None:
        """Send a task, and return when the broker has taken it. A try that failed may have been
        taken as well: the task is then submitted twice.
        """
        while not self._stopped.is_set():
            try:
                self.app.send_task(task.name, kwargs=task.kwargs, queue="attendance", retry=False)
            except (OperationalError, OSError):
                self.refused += 1
                self._stopped.wait(RETRY_SECONDS)
            else:
                return

    def close(self) -> None:
        self._stopped.set()
        if self._thread:
            self._thread.join()
        self.app.close()

    def _send_all(self, tasks: Sequence[Task], every: float) -> None:
        due = time.monotonic()
        for task in tasks:
            self.send(task)
            self.sent += 1
            due += every
            self._stopped.wait(max(0.0, due - time.monotonic()))
