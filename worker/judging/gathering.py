"""Judge together the punches that come one by one.

While the queue is calm each is judged at once. While more tasks wait, it is left for a moment, and
judged with those that they bring, by a task of its own, under the limits of every task. What a
killed process has left is the sweep's, as after any crash.
"""

import threading
import time
from collections.abc import Callable, Collection

from models.ids import Id

# Punches are left for about as long as it takes to store those that wait; and for well below the
# second after which the sweep believes them left behind.
_SECONDS_A_TASK = 0.002
_LONGEST_SECONDS = 0.5
_MANY_TASKS = 10  # in the queue: from so many on punches are left
_ANSWER_SECONDS = 0.1  # for so long an answer of the broker is believed


class Gathering:
    """The tenants of which this process has left punches. `backlog` tells how many tasks wait."""

    def __init__(self, backlog: Callable[[], int]) -> None:
        self._backlog = backlog
        self._lock = threading.Lock()
        self._tenants: set[Id] = set()
        self._asked_at = -_ANSWER_SECONDS
        self._tasks = 0

    def seconds_to_wait(self) -> float:
        """Return for how many seconds to leave what a task brought, 0 while the queue is calm."""
        with self._lock:
            # Punches that come while some are left are judged with them, whatever the broker would
            # answer: to ask it costs as much as to store a punch.
            if not self._tenants and time.monotonic() - self._asked_at >= _ANSWER_SECONDS:
                self._tasks = self._backlog()
                self._asked_at = time.monotonic()
            if self._tasks < _MANY_TASKS:
                return 0.0
            return min(self._tasks * _SECONDS_A_TASK, _LONGEST_SECONDS)

    def leave(
        self, tenants: Collection[Id], seconds: float, hand_over: Callable[[Collection[Id]], None]
    ) -> None:
        """Have the tenants judged after so many seconds, with all others left until then.

        It is earlier where some were left before. `hand_over` gets the tenants' ids and must not
        raise.
        """
        with self._lock:
            has_timer = bool(self._tenants)
            self._tenants.update(tenants)
            if not self._tenants or has_timer:
                return
        timer = threading.Timer(seconds, lambda: hand_over(self.take()))
        timer.daemon = True  # a process that ends judges what is left itself
        timer.start()

    def take(self) -> set[Id]:
        """Return the tenants that were left, and leave them no longer."""
        with self._lock:
            tenants, self._tenants = self._tenants, set()
        return tenants
